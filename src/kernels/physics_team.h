// A few threads that do the same phase of a step together, many times a millisecond: what a phase
// reads, an earlier one wrote, so the next begins when all of this one is done.
//
// A phase is cut into pieces, and whoever is awake takes the next one. Nobody waits for a thread
// that has not come: on a busy machine the caller does it all by itself.
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
    // How many pieces a phase is worth cutting into.
    [[nodiscard]] uint32_t pieces() const {
        return threads_.empty() ? 1 : kPiecesPerMember * members();
    }
    // Calls work(0) .. work(pieces - 1), each once, on whatever thread, and waits for all. `pieces`
    // 1..kPiecesMax. `work` MUST NOT throw.
    void run(uint32_t pieces, const std::function<void(uint32_t piece)>& work);
    static constexpr uint32_t kPiecesMax = 0xFFFF;

  private:
    static constexpr uint32_t kPiecesPerMember = 4;

    void serve();
    // Does a piece; false when all are taken.
    bool take_piece();
    // Until `value` is no longer `old`; looks for a while before it sleeps.
    static void wait_change(const std::atomic<uint32_t>& value, uint32_t old);

    // Round, pieces and the next piece in one word (32, 16 and 16 bits): whoever takes a piece
    // takes it of the round whose work it then reads, which cannot end without it.
    std::atomic<uint64_t> ticket_{0};
    std::atomic<uint32_t> round_{0};  // for sleepers
    std::atomic<uint32_t> left_{0};   // pieces that are not done
    std::atomic<bool> leaving_{false};
    const std::function<void(uint32_t)>* work_ = nullptr;
    std::vector<std::unique_ptr<exec::Thread>> threads_;
};

}  // namespace p2c2r::kernels
