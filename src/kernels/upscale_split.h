// How `upscale` is cut: rows of the result.
#pragma once

#include <memory>

#include "model/task_split.h"

namespace p2c2r::kernels {

std::shared_ptr<const TaskSplitter> make_upscale_splitter();

}  // namespace p2c2r::kernels
