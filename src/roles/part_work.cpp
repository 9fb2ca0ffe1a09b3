#include "roles/part_work.h"

#include <algorithm>
#include <new>

#include "model/patches.h"

namespace p2c2r::roles {

namespace {

// Data up to this size go with each part: a content costs a hash and a message of its own.
constexpr size_t kSharedLeast = 4 * 1024;

class PartExecutor final : public exec::Executor {
  public:
    [[nodiscard]] Traits traits() const override { return {}; }
    Status run(exec::Job& job) override {
        // The loop looks at it again when the job has ended.
        auto* const work = reinterpret_cast<PartWork*>(const_cast<uint8_t*>(job.params.data()));
        work->run();
        job.set_output({}, {});
        return Status::kOk;
    }
};

}  // namespace

std::shared_ptr<exec::Executor> make_part_work() {
    return std::make_shared<PartExecutor>();
}

// The work itself as bytes: they keep it for as long as the job does, whoever lets go first.
Bytes params_of(const std::shared_ptr<PartWork>& work) {
    auto kept = std::make_unique<std::shared_ptr<PartWork>>(work);
    Bytes bytes = Bytes::adopt(
        work.get(), sizeof(PartWork),
        [](void* user, const void*, size_t) {
            delete static_cast<std::shared_ptr<PartWork>*>(user);
        },
        kept.get());
    (void)kept.release();
    return bytes;
}

void PartWork::run() noexcept {
    try {
        Result<Done> done = merges ? merge() : cut();
        if (!done) error = std::move(done.error());
    } catch (const std::bad_alloc&) {
        error.emplace();
        error->status = Status::kMemory;
    }
}

Result<Done> PartWork::cut() {
    if (content) {
        whole.data = content->bytes;
        if (!delta.empty()) {
            Result<Bytes> changed = apply_patches(content->bytes.span(), delta.span(), memory);
            if (!changed) return changed.error();
            whole.data = std::move(*changed);
        }
    }
    const Result<uint64_t> count = splitter->units(whole);
    if (!count) return count.error();
    units = *count;
    const uint64_t wanted = parts_for(wish, units);
    if (wanted < 2) return Done{};
    cuts = even_cuts(units, wanted);
    Result<std::vector<TaskInput>> made = splitter->split(whole, cuts);
    if (!made) return made.error();
    parts = std::move(*made);
    results.resize(parts.size());
    return find_shared();
}

Result<Done> PartWork::find_shared() {
    const Bytes& first = parts[0].data;
    const bool is_one = std::all_of(parts.begin(), parts.end(), [&](const TaskInput& part) {
        return part.data.data() == first.data() && part.data.size() == first.size();
    });
    if (!is_one || first.empty()) return Done{};
    shares_content =
        content && first.data() == whole.data.data() && first.size() == whole.data.size();
    if (shares_content) {
        shared = content;
    } else if (first.size() >= kSharedLeast) {
        auto made = std::make_shared<Content>();
        made->bytes = first.owned(memory);
        made->digest = sha256(made->bytes.span());
        shared = std::move(made);
    }
    return Done{};
}

Result<Done> PartWork::merge() {
    Result<TaskOutput> made = splitter->merge(whole, cuts, results, memory);
    if (!made) return made.error();
    merged = std::move(*made);
    return Done{};
}

}  // namespace p2c2r::roles
