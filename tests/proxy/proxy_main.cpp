// The fault proxy by hand: a bad network between two programs of this machine.
#include <signal.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <stdexcept>
#include <string>

#include "proxy/fault_proxy_posix.h"

using namespace p2c2r::test;

namespace {

constexpr const char* kHelp =
    R"(p2c2r_fault_proxy --listen PORT --to HOST:PORT [--plan TEXT] [--seed N]

Passes TCP connections on from 127.0.0.1:PORT (0: any, told on standard output) to HOST:PORT, with the
faults of a plan. HOST is an IPv4 address.

  plan    clause; clause; ...
  clause  [connection N] [at TIME | after BYTES up|down] fault [up|down] fault [up|down] ...
  fault   delay TIME, jitter TIME, stall TIME, cut [rst|fin], slice BYTES, throttle BYTES, silence
  TIME    a number with us, ms or s          BYTES   a number, also with kB or MB

"delay 20ms jitter 5ms; at 300ms stall 200ms; connection 1 after 40kB down cut" delays everything by a
normal 20 ms +- 5, stalls each connection for 200 ms after 300, and resets the first one behind the
40000th byte that comes back. "up" is from whoever connects; a fault without a way is in both. The same
seed draws the same pieces and delays.

Lines of standard input are faults that come over all open connections at once. Ends with SIGINT or SIGTERM.
)";

struct ProxyOptions {
    FaultProxy::Place from;
    FaultProxy::Place to;
    FaultPlan plan;
    uint64_t seed = 1;
};

uint64_t number_of(const std::string& name, const std::string& text, uint64_t most) {
    uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value > most) {
        throw std::runtime_error(name + " '" + text + "' is no number up to " +
                                 std::to_string(most));
    }
    return value;
}

ProxyOptions read_options(int count, char** words) {
    ProxyOptions options;
    bool has_listen = false;
    bool has_to = false;
    for (int i = 1; i < count; i += 2) {
        const std::string name = words[i];
        const std::string value = i + 1 < count ? words[i + 1] : "";
        if (name == "--listen") {
            options.from.port = static_cast<uint16_t>(number_of(name, value, UINT16_MAX));
            has_listen = true;
        } else if (name == "--to") {
            const size_t colon = value.rfind(':');
            if (colon == std::string::npos) {
                throw std::runtime_error("--to '" + value + "' is no HOST:PORT");
            }
            options.to.address = value.substr(0, colon);
            options.to.port =
                static_cast<uint16_t>(number_of(name, value.substr(colon + 1), UINT16_MAX));
            has_to = true;
        } else if (name == "--plan") {
            std::string why;
            const std::optional<FaultPlan> plan = parse_plan(value, why);
            if (!plan) throw std::runtime_error("--plan: " + why);
            options.plan = *plan;
        } else if (name == "--seed") {
            options.seed = number_of(name, value, UINT64_MAX);
        } else {
            throw std::runtime_error("'" + name + "' is no option; see --help");
        }
    }
    if (!has_listen || !has_to)
        throw std::runtime_error("--listen and --to are needed; see --help");
    return options;
}

}  // namespace

int main(int count, char** words) {
    for (int i = 1; i < count; ++i) {
        if (std::strcmp(words[i], "--help") != 0 && std::strcmp(words[i], "-h") != 0) continue;
        std::fputs(kHelp, stdout);
        return 0;
    }
    ProxyOptions options;
    try {
        options = read_options(count, words);
    } catch (const std::runtime_error& why) {
        std::fprintf(stderr, "p2c2r_fault_proxy: %s\n", why.what());
        return 2;
    }
    try {
        FaultProxy proxy(options.from, options.to, options.plan, options.seed);
        std::printf("listening on 127.0.0.1:%u\n", proxy.port());
        std::fflush(stdout);
        for (std::string line; std::getline(std::cin, line);) {
            try {
                proxy.apply(line);
            } catch (const std::runtime_error& why) {
                std::fprintf(stderr, "p2c2r_fault_proxy: %s\n", why.what());
            }
        }
        for (;;) pause();  // until a signal ends the process
    } catch (const std::runtime_error& why) {
        std::fprintf(stderr, "p2c2r_fault_proxy: %s\n", why.what());
        return 1;
    }
}
