#include "kernels/builtin_types.h"

#include <algorithm>
#include <memory>
#include <string>

#include "kernels/path_split.h"
#include "kernels/physics_split.h"
#include "kernels/raytrace_split.h"
#include "kernels/upscale_split.h"

namespace p2c2r::kernels {

namespace {

using Splits = std::vector<std::shared_ptr<const TaskSplitter>>;

// Rows come first: their results are as large as the picture, those of samples four times that for
// each part.
Splits splits_of(std::string_view type) {
    if (type == "upscale") return {make_upscale_splitter()};
    if (type == "raytracing") {
        return {make_rt_rows_splitter(RaytraceKind::kPicture),
                make_rt_samples_splitter(RaytraceKind::kPicture)};
    }
    if (type == "rt_reflections") {
        return {make_rt_rows_splitter(RaytraceKind::kReflections),
                make_rt_samples_splitter(RaytraceKind::kReflections)};
    }
    if (type == "rt_shadows") return {make_rt_rows_splitter(RaytraceKind::kShadows)};
    if (type == "rt_global_illumination") {
        return {make_rt_probes_splitter(), make_rt_rows_splitter(RaytraceKind::kGather),
                make_rt_samples_splitter(RaytraceKind::kGather)};
    }
    if (type == "physics") return {make_physics_splitter()};
    if (type == "ai_pathfinding") return {make_path_splitter()};
    return {};
}

}  // namespace

const std::vector<TaskType>& builtin_task_types() {
    static const std::vector<TaskType>* const types = [] {
        auto list = std::make_unique<std::vector<TaskType>>(contract_task_types());
        for (TaskType& type : *list) type.splits = splits_of(type.name);
        return list.release();
    }();
    return *types;
}

Result<std::shared_ptr<const TaskSplitter>> find_splitter(std::string_view canonical_name,
                                                          std::string_view name) {
    const std::vector<TaskType>& types = builtin_task_types();
    const auto type = std::find_if(types.begin(), types.end(),
                                   [&](const TaskType& one) { return one.name == canonical_name; });
    const std::string type_name(canonical_name);
    std::string known;
    for (const auto& split : type == types.end() ? Splits() : type->splits) {
        if (name.empty() || name == split->name()) return split;
        known += (known.empty() ? "" : ", ") + std::string(split->name());
    }
    return field_error(Status::kUnsupported, "split",
                       known.empty() ? "'" + type_name + "' is not split"
                                     : "'" + type_name + "' is not split by '" + std::string(name) +
                                           "'; there are: " + known);
}

}  // namespace p2c2r::kernels
