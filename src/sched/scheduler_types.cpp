// Names of task types and their numbers. There is room for so many at a time, and who joins brings
// names of his own: what nobody needs any more makes room for them.
#include <algorithm>

#include "core/check.h"
#include "sched/scheduler.h"

namespace p2c2r::sched {

TypeIndex Scheduler::find_type(std::string_view task_type) const {
    for (size_t i = 0; i < type_names_.size(); ++i) {
        if (type_names_[i] == task_type) return static_cast<TypeIndex>(i);
    }
    return kNoType;
}

TypeIndex Scheduler::type_index(std::string_view task_type) {
    const TypeIndex known = find_type(task_type);
    return known != kNoType ? known : add_type(task_type, {});
}

void Scheduler::keep_types(const std::vector<TaskType>& types) {
    const size_t count = type_names_.size() + types.size();
    P2C2R_CHECK(count <= limits::kTaskTypesMax);
    type_names_.reserve(count);
    ever_served_.reserve(count);
    queues_.add_types(count);
    for (const TaskType& type : types) kept_[type_index(type.name)] = true;
}

// A new name. `taken` keep their places, although nobody runs them yet.
TypeIndex Scheduler::add_type(std::string_view task_type, const std::vector<TypeIndex>& taken) {
    const size_t count = type_names_.size();
    if (count < limits::kTaskTypesMax) {
        // The name comes last: what fails before it leaves spare places and no type without them.
        queues_.add_types(count + 1);
        ever_served_.resize(count + 1);
        type_names_.emplace_back(task_type);
        return static_cast<TypeIndex>(count);
    }
    std::string name(task_type);
    for (size_t looked_at = 0; looked_at < count; ++looked_at) {
        const TypeIndex type = next_spare_;
        next_spare_ = static_cast<TypeIndex>((next_spare_ + 1u) % count);
        if (!is_spare(type) || std::find(taken.begin(), taken.end(), type) != taken.end()) continue;
        type_names_[type].swap(name);
        ever_served_[type] = false;
        peers_.forget_type(type);
        ++types_replaced_;
        return type;
    }
    return kNoType;
}

std::vector<TypeIndex> Scheduler::types_of(const std::vector<std::string>& task_types) {
    std::vector<TypeIndex> types;
    types.reserve(task_types.size());
    for (const std::string& name : task_types) types.push_back(find_type(name));
    for (size_t i = 0; i < types.size(); ++i) {
        if (types[i] != kNoType) continue;
        // Unless it has stood there twice.
        types[i] = find_type(task_types[i]);
        if (types[i] == kNoType) types[i] = add_type(task_types[i], types);
    }
    std::vector<TypeIndex> once;
    once.reserve(types.size());
    for (const TypeIndex type : types) {
        const bool is_known = std::find(once.begin(), once.end(), type) != once.end();
        if (type != kNoType && !is_known) once.push_back(type);
    }
    return once;
}

size_t Scheduler::types_in_use() const {
    size_t count = 0;
    for (size_t i = 0; i < type_names_.size(); ++i) count += !is_spare(static_cast<TypeIndex>(i));
    return count;
}

const std::string* Scheduler::without_place(const std::vector<std::string>& task_types) const {
    size_t places = limits::kTaskTypesMax - type_names_.size();
    if (task_types.size() <= places) return nullptr;
    const auto is_asked_for = [&](const std::string& name) {
        return std::find(task_types.begin(), task_types.end(), name) != task_types.end();
    };
    for (size_t i = 0; i < type_names_.size(); ++i) {
        places += is_spare(static_cast<TypeIndex>(i)) && !is_asked_for(type_names_[i]);
    }
    for (auto name = task_types.begin(); name != task_types.end(); ++name) {
        const bool is_new = find_type(*name) == kNoType;
        if (!is_new || std::find(task_types.begin(), name, *name) != name) continue;
        if (places == 0) return &*name;
        --places;
    }
    return nullptr;
}

}  // namespace p2c2r::sched
