#include "kernels/physics_task.h"

#include <optional>

#include "kernels/physics_answer.h"

namespace p2c2r::kernels {

namespace {

// Below, waiting for each other takes longer than the work.
constexpr uint32_t kTeamBodies = 2000;

}  // namespace

Status PhysicsExecutor::run(exec::Job& job) {
    Result<PhysicsRequest> request = read_physics_request(job.params.span(), job.data.span());
    if (!request) return job.fail(request.error());
    std::vector<PhysicsBody> before;
    if (request->form == PhysicsResultForm::kDelta) before = request->world.bodies;
    PhysicsOutcome outcome;
    std::string device;
    const Result<Done> done = compute(job, *request, outcome, device);
    if (!done) return job.fail(done.error());
    PhysicsAnswer answer = make_physics_answer(*request, outcome, before, device, memory_);
    job.set_output(std::move(answer.info), std::move(answer.data));
    return Status::kOk;
}

Result<Done> PhysicsExecutor::compute(const exec::Job& job, PhysicsRequest& request,
                                      PhysicsOutcome& outcome, std::string& device) {
    const std::function<bool()> stop = [&job] { return job.cancelled_or_wait(); };
    const auto native = [&]() { return compute_native(request, outcome, stop); };
    if (!gpu_) {
        device = "native";
        return native();
    }
    // A device that fails leaves a world half-way; the processor begins with the one that came.
    const std::vector<PhysicsBody> bodies = request.world.bodies;
    std::optional<Error> refused;  // by the world's own fault, which says nothing about the device
    bool beyond = false;           // what its shaders have room for: also where it was named
    const auto on_gpu = [&](GpuKernels& gpu) -> Result<Done> {
        const Result<std::shared_ptr<PhysicsGpu>> physics = gpu.physics();
        if (!physics) return physics.error();
        Result<Done> done = (*physics)->run(request.world, request.energy_every, outcome, stop);
        if (done) return done;
        beyond = done.error().status == Status::kUnsupported;
        if (done.error().status == Status::kLimit) refused = done.error();
        return beyond || refused ? Done{} : done;
    };
    const auto anew = [&]() {
        request.world.bodies = bodies;
        outcome = PhysicsOutcome();
        return native();
    };
    const Result<Done> done = compute_on(gpu_.get(), on_gpu, anew, device);
    if (refused) return *refused;
    if (!done || !beyond) return done;
    device = "native";
    return anew();
}

Result<Done> PhysicsExecutor::compute_native(PhysicsRequest& request, PhysicsOutcome& outcome,
                                             const std::function<bool()>& stop) {
    // One task at a time has the threads; others meanwhile are computed by their own.
    std::unique_lock lock(mutex_, std::defer_lock);
    if (threads_ > 1 && request.world.bodies.size() >= kTeamBodies && lock.try_lock()) {
        if (!team_) team_ = std::make_unique<PhysicsTeam>(threads_);
        return physics_native(request.world, request.energy_every, *team_, outcome, stop);
    }
    PhysicsTeam alone(1);
    return physics_native(request.world, request.energy_every, alone, outcome, stop);
}

}  // namespace p2c2r::kernels
