// A few threads that do the same step of a loop together, many times a millisecond: what a step
// reads, an earlier one wrote, so all wait for the last before the next begins.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "exec/thread.h"

namespace p2c2r::kernels {

// One caller at a time. The caller is a member itself.
class PhysicsTeam {
  public:
    // As many as the system gives, `members` at most; at least the caller.
    explicit PhysicsTeam(uint32_t members);
    ~PhysicsTeam();
    PhysicsTeam(const PhysicsTeam&) = delete;
    PhysicsTeam& operator=(const PhysicsTeam&) = delete;

    [[nodiscard]] uint32_t members() const { return static_cast<uint32_t>(threads_.size()) + 1; }
    // Calls work(0) .. work(members() - 1), each on a thread of its own, and waits for all. `work`
    // MUST NOT throw.
    void run(const std::function<void(uint32_t member)>& work);

  private:
    void serve(uint32_t member);
    // Until `value` is no longer `old`; looks for a while before it sleeps.
    static void wait_change(const std::atomic<uint32_t>& value, uint32_t old);

    std::atomic<uint32_t> round_{0};
    std::atomic<uint32_t> busy_{0};
    std::atomic<bool> leaving_{false};
    const std::function<void(uint32_t)>* work_ = nullptr;  // of this round
    std::vector<std::unique_ptr<exec::Thread>> threads_;
};

}  // namespace p2c2r::kernels
