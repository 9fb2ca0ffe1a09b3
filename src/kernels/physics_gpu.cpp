// A step is a row of dispatches over all bodies: move, sort into the grid, count contacts, make
// them, push, settle, bounce. They are cut into pieces and submitted in slices of about 1 ms, two
// of which are under way. After each substep a copy of the report is made, and the host reads there
// who pressed on whom while the next substep computes: a device cannot keep a growing set without
// atomics whose order shows.
#include "kernels/physics_gpu.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <vector>

#include "kernels/float_scope.h"
#include "kernels/physics_gpu_slices.h"
#include "kernels/physics_large.h"
#include "shaders/physics_report.h"
#include "spirv/physics_bounce.h"
#include "spirv/physics_carry.h"
#include "spirv/physics_count.h"
#include "spirv/physics_fill.h"
#include "spirv/physics_large_count.h"
#include "spirv/physics_large_fill.h"
#include "spirv/physics_move.h"
#include "spirv/physics_push.h"
#include "spirv/physics_scan.h"
#include "spirv/physics_settle.h"
#include "spirv/physics_slots.h"
#include "spirv/physics_sort_far.h"
#include "spirv/physics_sort_near.h"

namespace p2c2r::kernels {

namespace {

constexpr uint32_t kSortBlock = 512;
constexpr uint32_t kStateFloats = 6;
constexpr uint64_t kBlockWords = 516;
// Copies of the report that may be waiting to be read, so many substeps: two submissions, of
// several substeps each where the world is small. A large one fills a submission with less than
// one.
constexpr size_t kReportsMost = 8;
constexpr size_t kReportsOfLarge = 4;
constexpr uint64_t kReportLarge = 4ull << 20;

class GpuRun {
  public:
    GpuRun(gpu::Device& device, const PhysicsGpu::Pipelines& pipelines, PhysicsGpu::Pace& pace,
           PhysicsWorld& world, const std::function<bool()>& stop)
        : device_(device),
          world_(world),
          push_(make_physics_push(world)),
          keys_(std::max(kSortBlock, std::bit_ceil(push_.bodies))),
          slices_(device, pipelines, pace, stop,
                  [this](gpu::Buffer* report) { return read_report(report); }),
          collisions_(kPhysicsCollisionsMax) {
        choose_large_bodies(world, push_);
    }

    Result<Done> prepare();
    Result<Done> step();
    // Back into the world.
    Result<Done> store();
    [[nodiscard]] const PhysicsCollisions& collisions() const { return collisions_; }
    [[nodiscard]] uint64_t contacts() const { return contacts_; }

  private:
    using BufferPointer = std::unique_ptr<gpu::Buffer>;

    Result<Done> make(size_t binding, uint64_t words, gpu::BufferUse use);
    void upload();
    Result<Done> substep();
    Result<Done> sort_keys();
    Result<Done> find_contacts();
    Result<Done> ask_report();
    Result<Done> read_report(gpu::Buffer* from);
    // One dispatch of `shader` over `count` bodies (or keys), with these two words set.
    Result<Done> add(PhysicsGpu::Shader shader, uint32_t count, uint32_t turn, uint32_t distance);

    gpu::Device& device_;
    PhysicsWorld& world_;
    PhysicsPush push_;
    const uint32_t keys_;
    PhysicsSlices slices_;
    PhysicsCollisions collisions_;
    std::array<BufferPointer, kPhysicsBuffersCount> buffers_;
    BufferPointer state_out_;
    std::vector<BufferPointer> reports_;
    std::vector<gpu::Buffer*> reports_free_;
    uint32_t speed_now_ = 0;
    uint64_t contacts_ = 0;
};

Result<Done> GpuRun::make(size_t binding, uint64_t words, gpu::BufferUse use) {
    Result<BufferPointer> buffer = device_.make_buffer(words * 4, use);
    if (!buffer) {
        // A device that binds too little for this world may serve others.
        if (buffer.error().status == Status::kLimit) buffer.error().status = Status::kUnsupported;
        return buffer.error();
    }
    buffers_[binding] = std::move(*buffer);
    return Done{};
}

Result<Done> GpuRun::prepare() {
    const uint64_t count = uint64_t{push_.bodies} + 1;
    const uint64_t walls = 6ull * push_.planes + 8ull * push_.boxes;
    struct Row {
        uint64_t words;
        gpu::BufferUse use;
    };
    // In the order of the bindings: see physics_buffers.h.
    const Row rows[kPhysicsBuffersCount] = {
        {4 * count, gpu::BufferUse::kUpload},
        {4 * count, gpu::BufferUse::kScratch},
        {8 * count, gpu::BufferUse::kScratch},
        {8 * count, gpu::BufferUse::kScratch},
        {keys_, gpu::BufferUse::kScratch},
        {2ull * push_.slot_mask + 2, gpu::BufferUse::kScratch},
        {2 * count, gpu::BufferUse::kScratch},
        {kBlockWords, gpu::BufferUse::kScratch},
        {uint64_t{push_.sides_max} * (sizeof(PhysicsContact) / 4), gpu::BufferUse::kScratch},
        {walls + std::max(push_.large, 1u), gpu::BufferUse::kUpload},
        {kPhysicsReportHead + uint64_t{push_.bodies} + push_.sides_max, gpu::BufferUse::kScratch},
        {uint64_t{push_.bodies} * kStateFloats, gpu::BufferUse::kUpload},
    };
    for (size_t binding = 0; binding < kPhysicsBuffersCount; ++binding) {
        if (Result<Done> made = make(binding, rows[binding].words, rows[binding].use); !made) {
            return made;
        }
    }
    Result<BufferPointer> state =
        device_.make_buffer(buffers_[kPhysicsState]->size(), gpu::BufferUse::kDownload);
    if (!state) return state.error();
    state_out_ = std::move(*state);
    // Without collisions only what has gone wrong is of interest.
    const uint64_t size =
        world_.lists_collisions ? buffers_[kPhysicsReport]->size() : kPhysicsReportHead * 4;
    const size_t most = size > kReportLarge ? kReportsOfLarge : kReportsMost;
    reports_.resize(std::min<uint64_t>(most, uint64_t{world_.steps} * world_.substeps));
    for (BufferPointer& report : reports_) {
        Result<BufferPointer> made = device_.make_buffer(size, gpu::BufferUse::kDownload);
        if (!made) return made.error();
        report = std::move(*made);
        reports_free_.push_back(report.get());
    }
    upload();
    for (size_t binding = 0; binding < kPhysicsBuffersCount; ++binding) {
        slices_.bind(binding, buffers_[binding].get());
    }
    if (Result<Done> done = add(PhysicsGpu::kCarry, push_.bodies, 0, 0); !done) return done;
    if (Result<Done> done = slices_.finish(nullptr); !done) return done;
    slices_.bind(kPhysicsState, state_out_.get());
    return Done{};
}

void GpuRun::upload() {
    auto* fixed = reinterpret_cast<PhysicsFixed*>(buffers_[kPhysicsFixed]->map());
    auto* state = reinterpret_cast<float*>(buffers_[kPhysicsState]->map());
    for (const PhysicsBody& body : world_.bodies) {
        *fixed++ = physics_fixed(body);
        state = std::copy_n(body.position, 3, state);
        state = std::copy_n(body.velocity, 3, state);
    }
    auto* wall = reinterpret_cast<float*>(buffers_[kPhysicsWalls]->map());
    for (const PhysicsPlane& plane : world_.planes) {
        wall = std::copy_n(plane.normal, 3, wall);
        *wall++ = plane.offset;
        *wall++ = plane.restitution;
        *wall++ = plane.friction;
    }
    for (const PhysicsBox& box : world_.boxes) {
        wall = std::copy_n(box.min, 3, wall);
        wall = std::copy_n(box.max, 3, wall);
        *wall++ = box.restitution;
        *wall++ = box.friction;
    }
    for (uint32_t id = 0; id < push_.bodies; ++id) {
        if (world_.bodies[id].radius > push_.large_radius) *wall++ = static_cast<float>(id);
    }
}

Result<Done> GpuRun::add(PhysicsGpu::Shader shader, uint32_t count, uint32_t turn,
                         uint32_t distance) {
    PhysicsPush push = push_;
    push.turn = turn;
    push.distance = distance;
    return slices_.add(shader, push, count);
}

Result<Done> GpuRun::step() {
    for (uint32_t i = 0; i < world_.substeps; ++i) {
        if (Result<Done> done = substep(); !done) return done;
    }
    return Done{};
}

Result<Done> GpuRun::substep() {
    const uint32_t bodies = push_.bodies;
    if (Result<Done> done = add(PhysicsGpu::kMove, keys_, speed_now_, 0); !done) return done;
    if (Result<Done> done = sort_keys(); !done) return done;
    if (Result<Done> done = find_contacts(); !done) return done;
    uint32_t shift_now = 0;
    for (uint32_t i = 0; i < world_.iterations; ++i, shift_now ^= 1) {
        if (Result<Done> done = add(PhysicsGpu::kPush, bodies, shift_now, 0); !done) return done;
    }
    const uint32_t turns = speed_now_ | shift_now << 1;
    if (Result<Done> done = add(PhysicsGpu::kSettle, bodies, turns, 0); !done) return done;
    const uint32_t bounces = physics_bounces(world_.iterations);
    for (uint32_t i = 0; i < bounces; ++i, speed_now_ ^= 1) {
        if (Result<Done> done = add(PhysicsGpu::kBounce, bodies, speed_now_, 0); !done) return done;
    }
    return ask_report();
}

// It is looked at once it is there, while the next substep computes.
Result<Done> GpuRun::ask_report() {
    if (reports_free_.empty()) {
        if (Result<Done> done = slices_.finish(nullptr); !done) return done;
    }
    slices_.snapshot(buffers_[kPhysicsReport].get(), reports_free_.back());
    reports_free_.pop_back();
    // A half for each of two submissions.
    return slices_.snapshots_waiting() >= reports_.size() / 2 ? slices_.flush() : Done{};
}

// Bitonic: merges of 2, 4 .. all keys, each by steps from half its size down to one.
Result<Done> GpuRun::sort_keys() {
    if (Result<Done> done = add(PhysicsGpu::kSortNear, keys_, 2, kSortBlock); !done) return done;
    for (uint32_t size = 2 * kSortBlock; size <= keys_; size *= 2) {
        for (uint32_t distance = size / 2; distance >= kSortBlock; distance /= 2) {
            Result<Done> done = add(PhysicsGpu::kSortFar, keys_ / 2, size, distance);
            if (!done) return done;
        }
        if (Result<Done> done = add(PhysicsGpu::kSortNear, keys_, size, size); !done) return done;
    }
    return Done{};
}

Result<Done> GpuRun::find_contacts() {
    struct Row {
        PhysicsGpu::Shader shader;
        uint32_t count;
        uint32_t distance;
    };
    const uint32_t bodies = push_.bodies;
    const Row rows[] = {{PhysicsGpu::kSlots, push_.slot_mask + 1, 0},
                        {PhysicsGpu::kSlots, bodies, 1},
                        {PhysicsGpu::kCount, bodies, 0},
                        {PhysicsGpu::kLargeCount, push_.large * kPhysicsGroup, 0},
                        {PhysicsGpu::kScan, bodies, 0},
                        {PhysicsGpu::kScan, 1, 1},
                        {PhysicsGpu::kFill, bodies, 0},
                        {PhysicsGpu::kLargeFill, push_.large * kPhysicsGroup, 0}};
    for (const Row& row : rows) {
        Result<Done> done = add(row.shader, row.count, speed_now_, row.distance);
        if (!done) return done;
    }
    return Done{};
}

Result<Done> GpuRun::read_report(gpu::Buffer* from) {
    reports_free_.push_back(from);
    const auto* report = reinterpret_cast<const uint32_t*>(from->map());
    if (report[kPhysicsReportBeyond] != 0) {
        return make_error(Status::kUnsupported,
                          device_.info().name + " computes worlds in which a body touches up to " +
                              std::to_string(kPhysicsContactsOfBodyMax) + " others and has up to " +
                              std::to_string(kPhysicsNearMax) + " around it");
    }
    contacts_ = report[kPhysicsReportTotal];
    if (contacts_ > push_.sides_max) return too_many_contacts(push_.bodies);
    if (!world_.lists_collisions) return Done{};
    const uint32_t* begins = report + kPhysicsReportHead;
    const uint32_t* contacts = begins + push_.bodies;
    for (uint32_t id = 0; id < push_.bodies; ++id) {
        const uint32_t end =
            id + 1 < push_.bodies ? begins[id + 1] : static_cast<uint32_t>(contacts_);
        if (begins[id] > end || end > contacts_) {
            return make_error(Status::kDevice,
                              device_.info().name + " reports contacts that are out of order");
        }
        for (uint32_t at = begins[id]; at < end; ++at) {
            if ((contacts[at] & kPhysicsReportPressed) == 0) continue;
            const uint32_t other = contacts[at] & ~kPhysicsReportPressed;
            if (other > id && other < push_.bodies) collisions_.add(physics_pair(id, other));
        }
    }
    return Done{};
}

Result<Done> GpuRun::store() {
    Result<Done> done = add(PhysicsGpu::kCarry, push_.bodies, speed_now_, 1);
    if (done) done = slices_.finish(state_out_.get());
    if (!done) return done;
    const auto* state = reinterpret_cast<const float*>(state_out_->map());
    for (PhysicsBody& body : world_.bodies) {
        std::copy_n(state, 3, body.position);
        std::copy_n(state + 3, 3, body.velocity);
        state += kStateFloats;
    }
    return Done{};
}

}  // namespace

PhysicsGpu::PhysicsGpu(std::shared_ptr<gpu::Device> device)
    : device_(std::move(device)), pace_(physics_first_guess()) {}

Result<std::unique_ptr<PhysicsGpu>> PhysicsGpu::create(std::shared_ptr<gpu::Device> device) {
    std::unique_ptr<PhysicsGpu> physics(new PhysicsGpu(std::move(device)));
    const std::span<const uint32_t> modules[kShadersCount] = {
        kPhysicsCarrySpirv,    kPhysicsMoveSpirv,   kPhysicsSortNearSpirv, kPhysicsSortFarSpirv,
        kPhysicsSlotsSpirv,    kPhysicsCountSpirv,  kPhysicsScanSpirv,     kPhysicsFillSpirv,
        kPhysicsPushSpirv,     kPhysicsSettleSpirv, kPhysicsBounceSpirv,   kPhysicsLargeCountSpirv,
        kPhysicsLargeFillSpirv};
    for (size_t i = 0; i < kShadersCount; ++i) {
        Result<std::shared_ptr<gpu::Pipeline>> made =
            physics->device_->make_pipeline(modules[i], kPhysicsBuffersCount, sizeof(PhysicsPush));
        if (!made) return made.error();
        physics->pipelines_[i] = std::move(*made);
    }
    return physics;
}

Result<Done> PhysicsGpu::run(PhysicsWorld& world, uint32_t energy_every, PhysicsOutcome& outcome,
                             const std::function<bool()>& stop) {
    const FloatScope floats;
    GpuRun run(*device_, pipelines_, pace_, world, stop);
    if (Result<Done> done = run.prepare(); !done) return done;
    if (energy_every > 0) outcome.energy.push_back({0, physics_energy(world)});
    for (uint32_t step = 1; step <= world.steps; ++step) {
        if (Result<Done> done = run.step(); !done) return done;
        if (energy_every > 0 && step % energy_every == 0) {
            if (Result<Done> done = run.store(); !done) return done;
            outcome.energy.push_back({step, physics_energy(world)});
        }
    }
    if (Result<Done> done = run.store(); !done) return done;
    outcome.collisions = run.collisions().sorted();
    outcome.collisions_cut = run.collisions().is_cut();
    outcome.contacts = run.contacts();
    return Done{};
}

}  // namespace p2c2r::kernels
