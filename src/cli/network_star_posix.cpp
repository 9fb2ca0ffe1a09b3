#include "cli/network_star_posix.h"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "cli/network_tool_posix.h"

namespace p2c2r::cli {

namespace {

constexpr const char* kThisSpace = "/proc/thread-self/ns/net";
constexpr size_t kSpokesMax = 200;  // a byte of their addresses

std::string hub_device(size_t index) {
    return "hub" + std::to_string(index);
}

std::string spoke_address(size_t index) {
    return "10.79." + std::to_string(index) + ".2";
}

}  // namespace

Result<NetworkSpace> NetworkSpace::make() {
    if (geteuid() != 0) {
        return usage_failure("network namespaces need root; this is user " +
                             std::to_string(geteuid()));
    }
    if (find_tool("ip").empty()) return usage_failure("there is no `ip` here: install iproute2");
    const int back = open(kThisSpace, O_RDONLY | O_CLOEXEC);
    if (back < 0 || unshare(CLONE_NEWNET) != 0) {
        const std::string why = std::strerror(errno);
        if (back >= 0) close(back);
        return Failure{kExitSomeFailed, "no network namespace can be made here: " + why};
    }
    NetworkSpace space;
    space.descriptor_ = open(kThisSpace, O_RDONLY | O_CLOEXEC);
    setns(back, CLONE_NEWNET);
    close(back);
    if (Outcome failure = space.ip({"link", "set", "lo", "up"})) return *failure;
    return space;
}

NetworkSpace::~NetworkSpace() {
    if (descriptor_ >= 0) close(descriptor_);
}

NetworkSpace::NetworkSpace(NetworkSpace&& other) noexcept {
    *this = std::move(other);
}

NetworkSpace& NetworkSpace::operator=(NetworkSpace&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
}

NetworkSpace::Visit::Visit(const NetworkSpace& space)
    : back_(open(kThisSpace, O_RDONLY | O_CLOEXEC)) {
    setns(space.descriptor_, CLONE_NEWNET);
}

NetworkSpace::Visit::~Visit() {
    setns(back_, CLONE_NEWNET);
    close(back_);
}

Outcome NetworkSpace::ip(const std::vector<std::string>& words) const {
    const Visit inside(*this);
    return run_tool("ip", words);
}

std::string NetworkSpace::path() const {
    return "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(descriptor_);
}

std::string NetworkStar::hub_address(size_t index) {
    return "10.79." + std::to_string(index) + ".1";
}

Result<std::unique_ptr<NetworkStar>> NetworkStar::make(size_t spokes) {
    if (spokes > kSpokesMax) return usage_failure("a star has at most 200 spokes");
    std::unique_ptr<NetworkStar> star(new NetworkStar());
    Result<NetworkSpace> hub = NetworkSpace::make();
    if (!hub) return hub.failure();
    star->hub_ = std::move(*hub);
    for (size_t index = 0; index < spokes; ++index) {
        Result<NetworkSpace> spoke = NetworkSpace::make();
        if (!spoke) return spoke.failure();
        star->spokes_.push_back(std::move(*spoke));
        if (Outcome failure = star->join(index)) return *failure;
    }
    return star;
}

Outcome NetworkStar::join(size_t index) {
    const NetworkSpace& spoke = spokes_[index];
    const std::string device = hub_device(index);
    using Words = std::vector<std::string>;
    for (const Words& words : {Words{"link", "add", device, "type", "veth", "peer", "name",
                                     "spoke0", "netns", spoke.path()},
                               Words{"addr", "add", hub_address(index) + "/24", "dev", device},
                               Words{"link", "set", device, "up"}}) {
        if (Outcome failure = hub_.ip(words)) return failure;
    }
    for (const Words& words : {Words{"addr", "add", spoke_address(index) + "/24", "dev", "spoke0"},
                               Words{"link", "set", "spoke0", "up"}}) {
        if (Outcome failure = spoke.ip(words)) return failure;
    }
    return std::nullopt;
}

Outcome NetworkStar::silence(size_t index) const {
    return spokes_[index].ip({"route", "add", "blackhole", hub_address(index) + "/32"});
}

Outcome NetworkStar::hear(size_t index) const {
    return spokes_[index].ip({"route", "del", "blackhole", hub_address(index) + "/32"});
}

Outcome NetworkStar::unplug(size_t index) const {
    return spokes_[index].ip({"link", "set", "spoke0", "down"});
}

}  // namespace p2c2r::cli
