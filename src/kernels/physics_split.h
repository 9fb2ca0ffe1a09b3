// How `physics` is cut: ranges of the bodies that a part answers for.
#pragma once

#include <memory>

#include "model/task_split.h"

namespace p2c2r::kernels {

std::shared_ptr<const TaskSplitter> make_physics_splitter();

}  // namespace p2c2r::kernels
