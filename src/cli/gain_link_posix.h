// A line between two network namespaces of Linux, for `bench gain`: rates by tbf both ways, delay
// by netem where the kernel has it. And a limit to the processor time of a process. All of it goes
// with its object.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "cli/failure.h"

namespace p2c2r::cli {

struct GainLine {
    const char* name;
    double up_mbps;  // from the gamer
    double down_mbps;
    double rtt_ms;
};

class GainLink {
  public:
    // Needs root, `ip` and `tc`; says which of them is missing.
    static Result<std::unique_ptr<GainLink>> make(const GainLine& line);
    ~GainLink();
    GainLink(const GainLink&) = delete;
    GainLink& operator=(const GainLink&) = delete;

    // A command line that runs in one of the namespaces: its program first.
    [[nodiscard]] std::vector<std::string> as_gamer(std::vector<std::string> command) const;
    [[nodiscard]] std::vector<std::string> as_helper(std::vector<std::string> command) const;
    [[nodiscard]] const char* helper_address() const { return "10.77.0.2"; }
    [[nodiscard]] bool has_delay() const { return has_delay_; }  // else the client adds it

  private:
    GainLink() = default;
    Outcome set_up(const GainLine& line);

    std::string gamer_;
    std::string helper_;
    bool has_delay_ = false;
};

// One process gets a share of one core: by a cgroup, or, where none can be made, by stopping and
// continuing it. The process should have ended before this does, or the group stays behind.
class ProcessorLimit {
  public:
    ProcessorLimit(int process_id, double share);
    ~ProcessorLimit();
    ProcessorLimit(const ProcessorLimit&) = delete;
    ProcessorLimit& operator=(const ProcessorLimit&) = delete;
    [[nodiscard]] const char* how() const { return how_; }

  private:
    bool limit_by_cgroup(int process_id, double share);

    const char* how_ = "";
    std::string group_;  // "": none
    int process_ = -1;
    std::atomic<bool> done_ = false;
    std::thread duty_;
};

}  // namespace p2c2r::cli
