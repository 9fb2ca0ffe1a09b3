// How the ray-tracing types are cut: rows of the tile, ranges of the samples, ranges of probes.
#pragma once

#include <memory>

#include "kernels/raytrace_request.h"
#include "model/task_split.h"

namespace p2c2r::kernels {

// Not for kProbes. Those for kGather leave tasks of probes whole, and the other way round.
std::shared_ptr<const TaskSplitter> make_rt_rows_splitter(RaytraceKind kind);
// For kinds that make pictures: layers and masks are of the pixels' centres, whatever the samples.
std::shared_ptr<const TaskSplitter> make_rt_samples_splitter(RaytraceKind kind);
// For kProbes.
std::shared_ptr<const TaskSplitter> make_rt_probes_splitter();

}  // namespace p2c2r::kernels
