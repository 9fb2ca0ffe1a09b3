// The table of task types: what the rooms need to know of a type without knowing its kernel.
// Kernels and hosts fill it; sched and roles get it as data.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "model/task.h"
#include "model/task_split.h"

namespace p2c2r {

struct TaskType {
    std::string name;                  // canonical
    std::vector<std::string> aliases;  // accepted at admission and made canonical there
    uint64_t deadline_us = 5'000'000;  // start value of an adaptive timeout
    Circle circle = Circle::kInvited;
    VerifyClass verify = VerifyClass::kB;
    bool exact = false;  // same bytes on every device: compared by digest
    // How its tasks are cut, the preferred way first; empty: they are not.
    std::vector<std::shared_ptr<const TaskSplitter>> splits;
};

// The types named by the contract. A name that is not here is a host's own type, with the defaults
// of TaskType. Without `splits`, which belong to whoever computes the type.
const std::vector<TaskType>& contract_task_types();

// The canonical name of `name` ("frame_upscale" -> "upscale"); `name` itself when it is no alias.
std::string_view canonical_task_type(std::string_view name);

// NULL for a type that the contract does not name.
const TaskType* find_contract_task_type(std::string_view canonical_name);

// What to answer when this machine has no executor for `task_type`: kUnsupported for a type that
// the contract declares, kTaskType for any other name; either says what there is.
Error no_executor(std::string_view task_type, const std::vector<std::string>& there_are);

}  // namespace p2c2r
