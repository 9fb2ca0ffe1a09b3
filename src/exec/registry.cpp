#include <map>
#include <mutex>

#include "exec/executor.h"
#include "model/task_type.h"

namespace p2c2r::exec {

struct Registry::State {
    mutable std::mutex mutex;
    std::map<std::string, std::shared_ptr<Executor>, std::less<>> executors;
    std::atomic<uint64_t> revision{1};
};

Registry::Registry() : state_(std::make_unique<State>()) {}
Registry::~Registry() = default;

Result<Done> Registry::add(std::string task_type, std::shared_ptr<Executor> executor) {
    if (task_type.empty() || task_type.size() > limits::kTaskTypeLengthMax) {
        return field_error(Status::kArgument, "task_type",
                           "task_type must have 1 to " +
                               std::to_string(limits::kTaskTypeLengthMax) + " bytes, not " +
                               std::to_string(task_type.size()));
    }
    const std::lock_guard lock(state_->mutex);
    if (state_->executors.size() >= limits::kTaskTypesMax) {
        return make_error(Status::kLimit, "no more than " + std::to_string(limits::kTaskTypesMax) +
                                              " executors can be registered");
    }
    const auto [where, added] = state_->executors.emplace(task_type, std::move(executor));
    if (!added) {
        return field_error(Status::kExists, "task_type",
                           "there is an executor for '" + task_type + "' already");
    }
    state_->revision.fetch_add(1, std::memory_order_release);
    return Done{};
}

Result<Done> Registry::remove(std::string_view task_type) {
    const std::lock_guard lock(state_->mutex);
    const auto found = state_->executors.find(task_type);
    if (found == state_->executors.end()) {
        return field_error(Status::kStale, "task_type",
                           "there is no executor for '" + std::string(task_type) + "'");
    }
    state_->executors.erase(found);
    state_->revision.fetch_add(1, std::memory_order_release);
    return Done{};
}

std::shared_ptr<Executor> Registry::find(std::string_view task_type) const {
    const std::lock_guard lock(state_->mutex);
    const auto found = state_->executors.find(task_type);
    return found == state_->executors.end() ? nullptr : found->second;
}

std::vector<std::string> Registry::task_types() const {
    const std::lock_guard lock(state_->mutex);
    std::vector<std::string> names;
    for (const auto& [name, executor] : state_->executors) names.push_back(name);
    return names;
}

uint64_t Registry::revision() const {
    return state_->revision.load(std::memory_order_acquire);
}

}  // namespace p2c2r::exec
