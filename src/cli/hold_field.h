// Many gamers at once: a coordinator in this process, peers of `hold` tasks as processes, and
// gamers with an account each, which the coordinator therefore holds to their shares. All of them
// meet over sockets of the loopback address; the gamers' functions run on the thread that turns.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cli/device_choice.h"
#include "cli/hold_load.h"
#include "cli/process_posix.h"
#include "cli/temporary_posix.h"

namespace p2c2r::cli {

struct FieldShape {
    size_t gamers = 10;
    size_t peers = 4;
    uint32_t slots = 4;
    uint64_t hold_us = 20'000;

    // Tasks a second that the peers can do.
    [[nodiscard]] double capacity() const {
        return static_cast<double>(peers * slots) * 1e6 / static_cast<double>(hold_us);
    }
};

// What the gamers of a field have been through for a time: how each one's tasks ended.
struct FieldPlay {
    std::vector<std::vector<HoldEnded>> ended;  // by gamer
    uint64_t from_us = 0;
    uint64_t until_us = 0;  // what was still pending then may be among them all the same
    uint64_t refused = 0;   // by the coordinator: clients refuse more, without asking it

    [[nodiscard]] double seconds() const { return static_cast<double>(until_us - from_us) / 1e6; }
    [[nodiscard]] std::vector<HoldEnded> all() const;
};

class HoldField {
  public:
    // All are connected when it returns, and nobody asks for anything.
    static Result<std::unique_ptr<HoldField>> start(const FieldShape& shape, StopSignals& signals);
    ~HoldField();
    HoldField(const HoldField&) = delete;
    HoldField& operator=(const HoldField&) = delete;

    // Each gamer asks as `ask_of` says, for so long; what it has asked for before goes on. With
    // `drain` nobody asks any more then, and all that was asked has ended when it returns. What the
    // play before this one has left over is not in it.
    Result<FieldPlay> play(const std::function<HoldAsk(size_t gamer)>& ask_of, uint64_t for_us,
                           bool drain);
    [[nodiscard]] size_t gamers() const { return loads_.size(); }
    [[nodiscard]] const std::string& last_error(size_t gamer) const {
        return loads_[gamer]->last_error;
    }

    // Ends the peers. How many tasks they began, and how many of these too late to be in time.
    struct Begun {
        uint64_t tasks = 0;
        uint64_t late = 0;
    };
    Result<Begun> end();

  private:
    HoldField(const FieldShape& shape, StopSignals& signals, TemporaryDirectory directory)
        : shape_(shape), signals_(signals), directory_(std::move(directory)) {}
    Outcome start_all();
    Outcome start_coordinator();
    Outcome start_peers();
    Outcome start_gamer(size_t index);
    Result<std::string> token_for(const std::string& name, const std::string& role);
    // By the coordinator, so far.
    Result<uint64_t> refused();
    Outcome drain();
    Outcome turn_until(uint64_t timeout_us, const std::function<bool()>& done);

    const FieldShape shape_;
    StopSignals& signals_;
    const TemporaryDirectory directory_;
    OpenedRuntime runtime_;
    CoordinatorHandle coordinator_;
    std::string url_;
    std::vector<Process> peers_;
    RuntimeHandle gamers_runtime_;  // turned by this thread
    std::vector<ClientHandle> clients_;
    std::vector<std::unique_ptr<HoldLoad>> loads_;
};

}  // namespace p2c2r::cli
