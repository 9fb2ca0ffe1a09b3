// The table of task types with what the built-in kernels know of theirs: how tasks are split.
// Handed as data to whoever places or cuts tasks.
#pragma once

#include <string_view>
#include <vector>

#include "model/task_type.h"

namespace p2c2r::kernels {

// The types of the contract, in its order. Never destroyed; any thread.
const std::vector<TaskType>& builtin_task_types();

// The way `name` of cutting tasks of this type; "": the preferred one. kUnsupported where there is
// no such way, with those that there are.
Result<std::shared_ptr<const TaskSplitter>> find_splitter(std::string_view canonical_name,
                                                          std::string_view name);

}  // namespace p2c2r::kernels
