// What slice_bench runs: every kernel, on inputs of a usual and of a heavy size.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/status.h"
#include "gpu/compute.h"

namespace p2c2r::bench {

// One run from input to output; kCancelled when `stop` said yes.
using KernelRun = std::function<Result<Done>(const std::function<bool()>& stop)>;

struct SliceCase {
    std::string name;
    KernelRun native;  // one thread
    // Empty: it is done by the processor everywhere.
    std::function<Result<KernelRun>(const std::shared_ptr<gpu::Device>& device)> on_gpu;
};

// Those whose name holds `only`.
std::vector<SliceCase> make_slice_cases(const std::string& only);

}  // namespace p2c2r::bench
