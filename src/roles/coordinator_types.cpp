// Task types at the coordinator: their numbers, and what is remembered of each.
#include <algorithm>

#include "core/utf8.h"
#include "roles/coordinator_impl.h"

namespace p2c2r::roles {

sched::TypeIndex Coordinator::Impl::type_of(Session& session, std::string_view name,
                                            bool resubmitted) {
    if (session.last_type != sched::kNoType && session.last_name == name) {
        return session.last_type;
    }
    // A name is remembered only if somebody runs it: strangers must not fill the table.
    const std::string_view canonical = canonical_task_type(name);
    sched::TypeIndex type = scheduler_.find_type(canonical);
    if (type == sched::kNoType && ((runner_ && runner_->can_run(canonical)) ||
                                   (resubmitted && is_name_text(canonical) &&
                                    scheduler_.types_in_use() < limits::kTaskTypesMax / 2))) {
        type = scheduler_.type_index(canonical);
        look_at_types();
    }
    session.last_name.assign(name);
    session.last_type = type;
    return type;
}

// What is remembered of a type by its number is of the name that it had then. Those of the contract
// keep theirs.
void Coordinator::Impl::look_at_types() noexcept {
    const uint64_t before = std::exchange(types_replaced_, scheduler_.types_replaced());
    if (before == types_replaced_) return;
    local_types_.clear();
    sessions_.for_each([](uint64_t, std::unique_ptr<Session>& session) {
        session->last_type = session->submit_type = sched::kNoType;
    });
    for (size_t type = 0; type < stats_.types.size(); ++type) {
        TypeStats& stats = stats_.types[type];
        if (stats.task_type != scheduler_.type_name(static_cast<sched::TypeIndex>(type)))
            stats = {};
    }
}

const TaskType* Coordinator::Impl::add_contract_type(sched::TypeIndex type) {
    while (contract_types_.size() <= type) {
        const auto next = static_cast<sched::TypeIndex>(contract_types_.size());
        contract_types_.push_back(find_contract_task_type(scheduler_.type_name(next)));
    }
    return contract_types_[type];
}

bool Coordinator::Impl::can_run_local(sched::TypeIndex type) {
    if (!runner_) return false;
    if (const uint64_t revision = runner_->revision(); revision != local_revision_) {
        local_revision_ = revision;
        local_types_.clear();
    }
    if (type >= local_types_.size()) local_types_.resize(type + 1u, -1);
    if (local_types_[type] < 0) local_types_[type] = runner_->can_run(scheduler_.type_name(type));
    return local_types_[type] == 1;
}

std::string Coordinator::Impl::types_text() {
    std::vector<std::string> types = runner_ ? runner_->task_types() : std::vector<std::string>();
    for (sched::TypeIndex type = 0; type < scheduler_.types_count(); ++type) {
        if (scheduler_.ever_served(type)) types.push_back(scheduler_.type_name(type));
    }
    std::sort(types.begin(), types.end());
    types.erase(std::unique(types.begin(), types.end()), types.end());
    std::string text;
    for (const std::string& type : types) text += (text.empty() ? "" : ", ") + type;
    return text.empty() ? "nothing yet" : text;
}

}  // namespace p2c2r::roles
