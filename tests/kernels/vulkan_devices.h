// The Vulkan devices of this machine for tests, software ones included.
#pragma once

#include <functional>
#include <memory>

#include "gpu/compute.h"
#include "kernels/upscale_gpu.h"

namespace p2c2r::test {

// Calls `body` with each device, under the validation layer where it is installed, and checks that
// the layer had nothing to say. Without devices the reason is printed and nothing is called.
// `separate_memory`: buffers are staged, as on a graphics card.
void on_each_device(const std::function<void(const std::shared_ptr<gpu::Device>&)>& body,
                    bool separate_memory = false);

// The same with the shaders of `upscale` made.
void on_each_upscale(const std::function<void(kernels::UpscaleGpu&)>& body);

}  // namespace p2c2r::test
