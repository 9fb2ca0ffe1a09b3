#include "sched/answer_cache.h"

#include <algorithm>
#include <cstring>

#include "core/hash.h"

namespace p2c2r::sched {

namespace {

constexpr uint64_t kEntryOverhead = 512;  // beside question and answer

// Moremur, by Pelle Evensen: every bit of the input changes half of those that come out.
uint64_t mixed(uint64_t bits) {
    bits = (bits ^ bits >> 27) * 0x3C79AC492BA7B653ull;
    bits = (bits ^ bits >> 33) * 0x1C69B3F74AC4AE35ull;
    return bits ^ bits >> 27;
}

}  // namespace

AnswerCache::AnswerCache(uint64_t bytes_max, RandomSource& random) : bytes_max_(bytes_max) {
    if (is_on()) {
        random.fill({reinterpret_cast<uint8_t*>(salt_), sizeof salt_});
    }
}

const AnswerCache::Entry& AnswerCache::at(uint64_t entry) const {
    const Entry* found = entries_.find(entry);
    P2C2R_CHECK(found);
    return *found;
}

// ---- questions ---------------------------------------------------------------------------------

uint64_t AnswerCache::key_of(const Question& question) const {
    uint64_t key = hash64(question.params, question.data) ^ salt_[0];
    if (question.content) {
        uint64_t part;
        std::memcpy(&part, question.content->data(), sizeof part);
        key = mixed(key) ^ part;
    }
    key = mixed(key ^ question.scope);
    key = mixed(key ^ (salt_[1] + question.params.size()) ^ uint64_t{question.type} << 48 ^
                static_cast<uint64_t>(question.circle) << 40 ^
                static_cast<uint64_t>(question.may_be_coded) << 39);
    return key | 1;  // 0 is no key
}

bool AnswerCache::is_same(const Entry& entry, const Question& question) {
    if (entry.type != question.type || entry.circle != question.circle ||
        entry.scope != question.scope || entry.may_be_coded != question.may_be_coded ||
        entry.has_content != (question.content != nullptr) ||
        entry.params_size != question.params.size() || entry.question.size() != question.size()) {
        return false;
    }
    if (question.content && entry.content != *question.content) return false;
    const auto data = entry.question.begin() + static_cast<ptrdiff_t>(entry.params_size);
    return std::equal(entry.question.begin(), data, question.params.begin()) &&
           std::equal(data, entry.question.end(), question.data.begin());
}

AnswerCache::Found AnswerCache::find(const Question& question) {
    const uint64_t* known = by_key_.find(key_of(question));
    if (!known) {
        ++stats_.misses;
        return {};
    }
    Entry& entry = at(*known);
    if (!is_same(entry, question)) {
        ++stats_.misses;
        return {};
    }
    if (!entry.is_known) return {*known, nullptr};
    ++stats_.hits;
    order_.renew(entries_, *known, entry);
    return {*known, &entry.answer};
}

uint64_t AnswerCache::lead(const Question& question, uint64_t task) {
    if (question.size() > kQuestionSizeMax) return 0;
    const uint64_t key = key_of(question);
    if (by_key_.find(key)) return 0;  // of another question, by chance
    if (entries_.size() >= kEntriesMax) {
        if (order_.oldest() == 0) return 0;
        ++stats_.evicted;
        erase(order_.oldest(), at(order_.oldest()));
    }
    const uint64_t id = entries_.insert();
    if (id == 0) return 0;
    Entry& entry = at(id);
    try {
        entry.question.resize(question.size());
        by_key_[key] = id;
    } catch (...) {
        entry.question.clear();
        entries_.erase(id);
        throw;
    }
    copy_run(entry.question.data(), question.params.data(), question.params.size());
    copy_run(entry.question.data() + question.params.size(), question.data.data(),
             question.data.size());
    entry.key = key;
    entry.type = question.type;
    entry.circle = question.circle;
    entry.scope = question.scope;
    entry.has_content = question.content != nullptr;
    entry.may_be_coded = question.may_be_coded;
    if (question.content) entry.content = *question.content;
    entry.params_size = question.params.size();
    entry.is_known = false;
    entry.leader = task;
    bytes_ += weight_of(entry);
    return id;
}

// ---- those who follow --------------------------------------------------------------------------

void AnswerCache::follow(uint64_t entry, uint64_t task) {
    at(entry).followers.push_back(task);
    ++stats_.followed;
}

void AnswerCache::unfollow(uint64_t entry, uint64_t task) {
    std::erase(at(entry).followers, task);
}

std::vector<uint64_t> AnswerCache::answered(uint64_t id, const Answer& answer) {
    Entry& entry = at(id);
    std::vector<uint64_t> followers = std::move(entry.followers);
    entry.followers.clear();
    entry.leader = 0;
    const uint64_t size = answer.info.size() + answer.data.size();
    if (size > answer_size_max()) {
        erase(id, entry);
        return followers;
    }
    entry.answer = answer;
    entry.is_known = true;
    bytes_ += size;
    order_.add_newest(entries_, id, entry);
    shrink_to(bytes_max_);
    return followers;
}

uint64_t AnswerCache::give_up(uint64_t id) {
    Entry& entry = at(id);
    if (entry.followers.empty()) {
        erase(id, entry);
        return 0;
    }
    entry.leader = entry.followers.front();
    entry.followers.erase(entry.followers.begin());
    return entry.leader;
}

// ---- keeping -----------------------------------------------------------------------------------

uint64_t AnswerCache::weight_of(const Entry& entry) {
    return kEntryOverhead + entry.question.size() + entry.answer.info.size() +
           entry.answer.data.size();
}

void AnswerCache::erase(uint64_t id, Entry& entry) {
    if (entry.is_known) order_.remove(entries_, entry);
    bytes_ -= weight_of(entry);
    by_key_.erase(entry.key);
    entry.question = {};
    entry.answer = {};
    entry.followers.clear();
    entry.is_known = false;
    entries_.erase(id);
}

void AnswerCache::forget_scope(ContentStore::Scope scope) {
    uint64_t next = 0;
    for (uint64_t id = order_.oldest(); id != 0; id = next) {
        Entry& entry = at(id);
        next = entry.newer;
        if (entry.scope == scope || entry.answer.by == scope) erase(id, entry);
    }
}

void AnswerCache::shrink_to(uint64_t bytes_max) {
    while (bytes_ > bytes_max && order_.oldest() != 0) {
        ++stats_.evicted;
        erase(order_.oldest(), at(order_.oldest()));
    }
}

}  // namespace p2c2r::sched
