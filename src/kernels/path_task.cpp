#include "kernels/path_task.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <optional>
#include <span>
#include <tuple>

#include "kernels/path_field.h"
#include "kernels/path_result.h"
#include "shaders/path.h"

namespace p2c2r::kernels {

namespace {

// Kept by each scratch that is idle: the nodes of 2048 x 2048 cells.
constexpr size_t kScratchKept = 64ull << 20;
constexpr size_t kScratchesIdleMax = 4;
// A GPU that this runtime chose by itself gets no fields so small that the way there costs more.
constexpr uint64_t kCellsForGpu = 256 * 256;

Error cancelled() {
    return make_error(Status::kCancelled, "the task was cancelled");
}

uint64_t count_reached(std::span<const uint8_t> field) {
    const auto none = std::count(field.begin(), field.end(), static_cast<uint8_t>(kPathNone));
    return field.size() - static_cast<uint64_t>(none);
}

}  // namespace

// One job.
class PathExecutor::Task {
  public:
    Task(const exec::Job& job, const PathRequest& request, PathScratch& scratch,
         const std::shared_ptr<GpuKernels>& gpu, const MemoryHook* memory)
        : job_(job), request_(request), scratch_(scratch), gpu_(gpu), memory_(memory) {
        query_.rule = request.rule;
        query_.algorithm = request.algorithm;
        query_.max_nodes = request.max_nodes;
        query_.stop = [this] { return job_.cancelled_or_wait(); };
    }

    Result<Done> run(Bytes& info, Bytes& data) {
        if (request_.output == PathOutput::kField) return field(info, data);
        answers_.resize(request_.agents.size());
        const Result<Done> done =
            request_.algorithm == PathAlgorithm::kFlowField ? follow_fields() : find_paths();
        if (!done) return done.error();
        info = describe_paths(request_, answers_, device_);
        if (request_.output == PathOutput::kPacked) data = pack_paths(answers_, memory_);
        return Done{};
    }

  private:
    Result<Done> find_paths() {
        for (size_t i = 0; i < answers_.size(); ++i) {
            const PathAgent& agent = request_.agents[i];
            answers_[i] = find_path(request_.grid, query_, agent.start, agent.goal, scratch_);
            if (Result<Done> good = account(answers_[i]); !good) return good.error();
        }
        return Done{};
    }

    // One field for all agents with the same goal.
    Result<Done> follow_fields() {
        std::vector<size_t> order(request_.agents.size());
        std::iota(order.begin(), order.end(), size_t{0});
        const auto goal_of = [&](size_t i) { return request_.agents[i].goal; };
        std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
            return std::tuple(goal_of(a).y, goal_of(a).x) < std::tuple(goal_of(b).y, goal_of(b).x);
        });
        PathEnd end = PathEnd::kFound;
        for (size_t i = 0; i < order.size(); ++i) {
            const PathCell goal = goal_of(order[i]);
            if (i == 0 || goal != goal_of(order[i - 1])) {
                const Result<PathEnd> made = make_field(goal);
                if (!made) return made.error();
                end = *made;
            }
            PathAnswer& answer = answers_[order[i]];
            answer = follow(request_.agents[order[i]].start, end);
            if (Result<Done> good = account(answer); !good) return good.error();
        }
        return Done{};
    }

    PathAnswer follow(PathCell start, PathEnd end) {
        PathAnswer answer;
        if (end == PathEnd::kFound) {
            answer = field_->follow(start);
        } else {
            answer.end = request_.grid.blocked(start) ? PathEnd::kStartBlocked : end;
        }
        answer.nodes_explored = cells_reached_;
        return answer;
    }

    Result<Done> field(Bytes& info, Bytes& data) {
        const size_t size = size_t{request_.grid.width()} * request_.grid.height();
        const Result<PathEnd> end = make_field(request_.field_goal);
        if (!end) return end.error();
        Buffer buffer = Buffer::allocate(size, memory_);
        if (*end == PathEnd::kFound) {
            if (!field_->write(buffer.data(), query_.stop)) return cancelled();
        } else {
            std::memset(buffer.data(), kPathNone, size);
        }
        info = describe_field(request_, *end, cells_reached_, device_);
        data = std::move(buffer).freeze(size);
        return Done{};
    }

    // The field of `goal`, into field_.
    Result<PathEnd> make_field(PathCell goal) {
        const PathGrid& grid = request_.grid;
        const uint64_t cells = uint64_t{grid.width()} * grid.height();
        PathEnd end = PathEnd::kStopped;
        const auto on_gpu = [&](GpuKernels& gpu) -> Result<Done> {
            const Result<std::shared_ptr<PathGpu>> path = gpu.path();
            if (!path) return path.error();
            std::vector<uint8_t> directions(cells);
            Result<Done> done =
                (*path)->run(grid, request_.rule, goal, directions.data(), query_.stop);
            if (!done) return done;
            cells_reached_ = grid.blocked(goal) ? 0 : count_reached(directions);
            field_.emplace(grid, std::move(directions));
            end = judge_gpu_field(goal);
            return done;
        };
        const auto native = [&]() -> Result<Done> {
            end = search_field(grid, query_, goal, scratch_, cells_reached_);
            if (end == PathEnd::kStopped) return cancelled();
            field_.emplace(grid, request_.rule, scratch_);
            return Done{};
        };
        // Small grids are not worth the way, unless the owner says where to compute.
        const bool worth = gpu_ && (gpu_->required() || cells >= kCellsForGpu);
        const Result<Done> done = compute_on(worth ? gpu_.get() : nullptr, on_gpu, native, device_);
        if (!done) return done.error();
        return end;
    }

    PathEnd judge_gpu_field(PathCell goal) {
        if (request_.grid.blocked(goal)) return PathEnd::kGoalBlocked;
        if (cells_reached_ <= request_.max_nodes) return PathEnd::kFound;
        cells_reached_ = request_.max_nodes;
        return PathEnd::kMaxNodes;
    }

    Result<Done> account(const PathAnswer& answer) {
        if (answer.end == PathEnd::kStopped || job_.cancelled()) return cancelled();
        if (answer.end == PathEnd::kBroken) {
            return make_error(Status::kDevice, device_ + " made a flow field that leads nowhere");
        }
        cells_ += answer.path.size();
        if (cells_ <= kPathCellsMax) return Done{};
        return too_many_path_cells();
    }

    const exec::Job& job_;
    const PathRequest& request_;
    PathScratch& scratch_;
    const std::shared_ptr<GpuKernels>& gpu_;
    const MemoryHook* memory_;
    PathQuery query_;
    std::string device_ = "native";
    std::optional<FlowField> field_;
    uint64_t cells_reached_ = 0;
    std::vector<PathAnswer> answers_;
    uint64_t cells_ = 0;
};

Status PathExecutor::run(exec::Job& job) {
    const Result<PathRequest> request = read_path_request(job.params.span(), job.data.span());
    if (!request) return job.fail(request.error());
    std::unique_ptr<PathScratch> scratch = take_scratch();
    Bytes info;
    Bytes data;
    const Result<Done> done = Task(job, *request, *scratch, gpu_, memory_).run(info, data);
    keep_scratch(std::move(scratch));
    if (!done) return job.fail(done.error());
    job.set_output(std::move(info), std::move(data));
    return Status::kOk;
}

std::unique_ptr<PathScratch> PathExecutor::take_scratch() {
    {
        const std::lock_guard lock(mutex_);
        if (!idle_.empty()) {
            std::unique_ptr<PathScratch> scratch = std::move(idle_.back());
            idle_.pop_back();
            return scratch;
        }
    }
    return std::make_unique<PathScratch>();
}

void PathExecutor::keep_scratch(std::unique_ptr<PathScratch> scratch) {
    scratch->trim(kScratchKept);
    const std::lock_guard lock(mutex_);
    if (idle_.size() < kScratchesIdleMax) idle_.push_back(std::move(scratch));
}

}  // namespace p2c2r::kernels
