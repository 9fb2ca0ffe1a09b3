// How `ai_pathfinding` is cut: ranges of the agents.
#pragma once

#include <memory>

#include "model/task_split.h"

namespace p2c2r::kernels {

std::shared_ptr<const TaskSplitter> make_path_splitter();

}  // namespace p2c2r::kernels
