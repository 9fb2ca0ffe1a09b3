// The simulated machine: an exec::Runner whose jobs take drawn times, stall, fail, ignore cancels,
// and whose answers name the very execution they come from.
//
// What every simulated task carries and every answer gives back:
//   params of a task   {"t": token}  who asked, and which of its tasks it is
//   info of an answer  {"s": stamp}  a number that no other execution has
//   data of an answer  the input with every byte flipped, so that a mix-up shows
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/prng.h"
#include "exec/executor.h"
#include "sim/coverage.h"
#include "sim/sim_loop.h"

namespace p2c2r::sim {

// {"t": value} or {"s": value}: 12 bytes of MessagePack.
Bytes encode_word(char key, uint64_t value);
std::optional<uint64_t> decode_word(char key, std::span<const uint8_t> map);
// The input of the task with this token, and the answer to it.
Bytes input_of(uint64_t token, size_t size);
Bytes answer_to(std::span<const uint8_t> input);
// The same eight bytes at a time.
uint64_t input_word(uint64_t token, size_t index);
uint64_t answer_word(uint64_t word);

inline constexpr const char* kTypeEcho = "echo";         // at once, on the loop
inline constexpr const char* kTypeDwell = "dwell";       // takes a drawn time
inline constexpr const char* kTypeContract = "upscale";  // has aliases and a deadline of its own
inline constexpr const char* kTypeTurn = "turn";         // asked for in a whole cluster only

struct RunnerOptions {
    std::vector<std::string> task_types = {kTypeEcho, kTypeDwell};
    uint32_t parallel = 4;
    uint64_t dwell_us_min = 100;
    uint64_t dwell_us_max = 20'000;  // more than the least
    double slow = 1;                 // factor on every time
    double stall_chance = 0;         // of a job that takes up to stall_us_max more
    uint64_t stall_us_max = 0;
    double error_chance = 0;
    double params_error_chance = 0;
    double refuse_chance = 0;  // of a start that is refused
    double ignore_cancel_chance = 0;
    uint64_t slice_us = 5000;  // how often a job looks whether it was cancelled
};

// Told of every job: the checkers' view of who works on what.
class RunnerObserver {
  public:
    virtual void on_job_started(uint32_t host, uint64_t stamp, uint64_t token) = 0;
    // The worker has stopped, whatever came out of it.
    virtual void on_job_stopped(uint32_t host, uint64_t stamp) = 0;
    // It has been asked to stop.
    virtual void on_job_cancelled(uint32_t host, uint64_t stamp) = 0;

  protected:
    ~RunnerObserver() = default;
};

class SimRunner final : public exec::Runner, private World::Target {
  public:
    SimRunner(World& world, SimLoop& loop, Prng prng, Coverage& coverage, uint32_t host,
              RunnerOptions options);
    ~SimRunner() override;
    SimRunner(const SimRunner&) = delete;
    SimRunner& operator=(const SimRunner&) = delete;

    uint64_t start(const exec::JobSpec& spec, uint64_t tag, exec::RunnerEvents& events) override;
    void cancel(uint64_t job) override;
    void forget(exec::RunnerEvents& events) override;
    [[nodiscard]] bool can_run(std::string_view task_type) const override;
    [[nodiscard]] std::vector<std::string> task_types() const override { return types_; }
    [[nodiscard]] uint64_t revision() const override { return revision_; }
    [[nodiscard]] uint32_t parallel() const override { return options_.parallel; }

    void set_observer(RunnerObserver* observer) { observer_ = observer; }
    // Takes an executor away, or puts it back.
    void set_type(const std::string& task_type, bool present);
    // From now on jobs are quick, honest and punctual; those that stall end soon. `dwell_us`: how
    // long each dwell job then takes.
    void calm(uint64_t dwell_us);
    // Jobs that start from now on take so many times as long.
    [[nodiscard]] double slow() const { return options_.slow; }
    void set_slow(double factor) { options_.slow = factor; }
    // The process stands still until then, and so does what it computes.
    void freeze(uint64_t until_us);
    // The process dies: its jobs stop without a word.
    void kill();
    [[nodiscard]] size_t running() const { return jobs_.size(); }

    // A stamp that nobody has, for answers that are made up.
    uint64_t next_stamp() { return ++*stamps_ << 8 | host_; }
    void share_stamps(uint64_t* stamps) { stamps_ = stamps; }

  private:
    enum Kind : uint32_t { kEnd = 1, kSlice = 2 };
    struct Job {
        uint64_t tag = 0;
        exec::RunnerEvents* events = nullptr;
        uint64_t stamp = 0;
        uint64_t started_us = 0;
        uint64_t ends_us = 0;
        bool ignores_cancel = false;
        bool cancelled = false;
        exec::Output output;
    };

    void on_event(uint32_t kind, uint64_t tag) override;
    exec::Output compute(const exec::JobSpec& spec, uint64_t stamp);
    uint64_t duration_us(std::string_view task_type);
    void finish(uint64_t job, bool cancelled);

    World& world_;
    SimLoop& loop_;
    Prng prng_;
    Coverage& coverage_;
    const uint32_t address_;
    const uint32_t host_;
    RunnerOptions options_;
    std::vector<std::string> types_;
    uint64_t revision_ = 1;
    std::map<uint64_t, Job> jobs_;
    uint64_t jobs_made_ = 0;
    uint64_t own_stamps_ = 0;
    uint64_t* stamps_ = &own_stamps_;
    std::optional<uint64_t> calm_dwell_us_;
    uint64_t frozen_until_us_ = 0;
    RunnerObserver* observer_ = nullptr;
};

}  // namespace p2c2r::sim
