#include "cli/gain_link_posix.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "cli/network_tool_posix.h"

namespace p2c2r::cli {

namespace {

constexpr int64_t kPeriodUs = 10'000;  // of the processor limit; shorter than a frame

// Into a file that is there: where no controller is, the folder may be a plain one.
bool write_text(const std::string& path, const std::string& text) {
    const int file = open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (file < 0) return false;
    const bool whole = write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    close(file);
    return whole;
}

std::vector<std::string> in_namespace(const std::string& name, std::vector<std::string> command) {
    std::vector<std::string> line = {find_tool("ip"), "netns", "exec", name};
    line.insert(line.end(), command.begin(), command.end());
    return line;
}

// A queue of 50 ms at most: a home router's, not a hoard.
std::vector<std::string> rate_words(const std::string& space, const std::string& device,
                                    double mbps, bool behind_delay) {
    std::vector<std::string> words = {"-n", space, "qdisc", "add", "dev", device};
    const std::vector<std::string> place =
        behind_delay ? std::vector<std::string>{"parent", "1:1"} : std::vector<std::string>{"root"};
    words.insert(words.end(), place.begin(), place.end());
    char rate[32], burst[32];
    std::snprintf(rate, sizeof rate, "%.0fkbit", mbps * 1000);
    // What the rate gives in 4 ms, the step of a slow kernel's clock; a packet at least.
    std::snprintf(burst, sizeof burst, "%.0f", std::max(16'000.0, mbps * 1e6 / 8 * 0.004));
    const std::vector<std::string> shape = {"tbf", "rate", rate, "burst", burst, "latency", "50ms"};
    words.insert(words.end(), shape.begin(), shape.end());
    return words;
}

}  // namespace

Result<std::unique_ptr<GainLink>> GainLink::make(const GainLine& line) {
    if (geteuid() != 0) {
        return usage_failure("network namespaces need root; this is user " +
                             std::to_string(geteuid()));
    }
    for (const char* tool : {"ip", "tc"}) {
        if (find_tool(tool).empty()) {
            return usage_failure(std::string("there is no `") + tool + "` here: install iproute2");
        }
    }
    std::unique_ptr<GainLink> link(new GainLink());
    if (Outcome failure = link->set_up(line)) return *failure;
    return link;
}

Outcome GainLink::set_up(const GainLine& line) {
    const std::string prefix = "p2c2r-" + std::to_string(getpid());
    if (Outcome failure = run_tool("ip", {"netns", "add", prefix + "-gamer"})) {
        return failure;
    }
    gamer_ = prefix + "-gamer";
    if (Outcome failure = run_tool("ip", {"netns", "add", prefix + "-helper"})) {
        return failure;
    }
    helper_ = prefix + "-helper";
    using Words = std::vector<std::string>;
    const std::string helper_network = std::string(helper_address()) + "/24";
    for (const Words& words :
         {Words{"-n", gamer_, "link", "add", "gamer0", "type", "veth", "peer", "name", "helper0",
                "netns", helper_},
          Words{"-n", gamer_, "addr", "add", "10.77.0.1/24", "dev", "gamer0"},
          Words{"-n", helper_, "addr", "add", helper_network, "dev", "helper0"},
          Words{"-n", gamer_, "link", "set", "lo", "up"},
          Words{"-n", helper_, "link", "set", "lo", "up"},
          Words{"-n", gamer_, "link", "set", "gamer0", "up"},
          Words{"-n", helper_, "link", "set", "helper0", "up"}}) {
        if (Outcome failure = run_tool("ip", words)) return failure;
    }
    char delay[32];
    std::snprintf(delay, sizeof delay, "%.0fus", line.rtt_ms * 1000 / 2);
    has_delay_ = true;
    for (const auto& [space, device] :
         {std::pair{gamer_, "gamer0"}, std::pair{helper_, "helper0"}}) {
        const bool delayed =
            has_delay_ && !run_tool("tc",
                                    {"-n", space, "qdisc", "add", "dev", device, "root", "handle",
                                     "1:", "netem", "limit", "10000", "delay", delay},
                                    "/dev/null");
        has_delay_ = delayed;
        const double mbps = space == gamer_ ? line.up_mbps : line.down_mbps;
        const Outcome failure = run_tool("tc", rate_words(space, device, mbps, delayed));
        if (failure) return failure;
    }
    return std::nullopt;
}

// The devices go with their namespaces.
GainLink::~GainLink() {
    for (const std::string& name : {gamer_, helper_}) {
        if (name.empty()) continue;
        if (const Outcome failure = run_tool("ip", {"netns", "del", name})) {
            std::fprintf(stderr, "%s\n", failure->text.c_str());
        }
    }
}

std::vector<std::string> GainLink::as_gamer(std::vector<std::string> command) const {
    return in_namespace(gamer_, std::move(command));
}

std::vector<std::string> GainLink::as_helper(std::vector<std::string> command) const {
    return in_namespace(helper_, std::move(command));
}

bool ProcessorLimit::limit_by_cgroup(int process_id, double share) {
    const std::string name = "/p2c2r-gain-" + std::to_string(process_id);
    const auto quota_us = static_cast<int64_t>(std::lround(share * kPeriodUs));
    const std::string quota = std::to_string(quota_us), period = std::to_string(kPeriodUs);
    // Version 2 with a processor controller, then version 1.
    for (const char* root : {"/sys/fs/cgroup", "/sys/fs/cgroup/cpu"}) {
        const std::string group = root + name;
        if (mkdir(group.c_str(), 0755) != 0) continue;
        const bool limited = write_text(group + "/cpu.max", quota + " " + period) ||
                             (write_text(group + "/cpu.cfs_period_us", period) &&
                              write_text(group + "/cpu.cfs_quota_us", quota));
        if (limited && write_text(group + "/cgroup.procs", std::to_string(process_id))) {
            how_ = "a cgroup";
            group_ = group;
            return true;
        }
        rmdir(group.c_str());
    }
    return false;
}

ProcessorLimit::ProcessorLimit(int process_id, double share) {
    if (limit_by_cgroup(process_id, share)) return;
    how_ = "stopping and continuing it, 10 ms periods";
    // A descriptor, not a number: what has ended is never taken for another process.
    process_ = static_cast<int>(syscall(SYS_pidfd_open, process_id, 0));
    if (process_ < 0) {
        how_ = "nothing: neither a cgroup nor a process descriptor can be had";
        return;
    }
    duty_ = std::thread([this, share] {
        const auto on_us = static_cast<useconds_t>(share * kPeriodUs);
        const auto tell = [this](int number) {
            return syscall(SYS_pidfd_send_signal, process_, number, nullptr, 0) == 0;
        };
        while (!done_ && tell(SIGCONT)) {
            usleep(on_us);
            tell(SIGSTOP);
            usleep(static_cast<useconds_t>(kPeriodUs) - on_us);
        }
        tell(SIGCONT);
    });
}

ProcessorLimit::~ProcessorLimit() {
    done_ = true;
    if (duty_.joinable()) duty_.join();
    if (process_ >= 0) close(process_);
    if (!group_.empty()) rmdir(group_.c_str());
}

}  // namespace p2c2r::cli
