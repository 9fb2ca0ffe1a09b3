#include "cli/addresses_posix.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <unistd.h>

namespace p2c2r::cli {

std::vector<std::string> own_addresses() {
    std::vector<std::string> four;
    std::vector<std::string> six;
    ifaddrs* all = nullptr;
    if (getifaddrs(&all) != 0) return four;
    for (const ifaddrs* entry = all; entry; entry = entry->ifa_next) {
        if (!entry->ifa_addr || !(entry->ifa_flags & IFF_UP) || entry->ifa_flags & IFF_LOOPBACK) {
            continue;
        }
        char text[INET6_ADDRSTRLEN] = "";
        if (entry->ifa_addr->sa_family == AF_INET) {
            const auto* address = reinterpret_cast<const sockaddr_in*>(entry->ifa_addr);
            inet_ntop(AF_INET, &address->sin_addr, text, sizeof text);
            four.emplace_back(text);
        } else if (entry->ifa_addr->sa_family == AF_INET6) {
            const auto* address = reinterpret_cast<const sockaddr_in6*>(entry->ifa_addr);
            if (IN6_IS_ADDR_LINKLOCAL(&address->sin6_addr)) continue;
            inet_ntop(AF_INET6, &address->sin6_addr, text, sizeof text);
            six.emplace_back(text);
        }
    }
    freeifaddrs(all);
    four.insert(four.end(), six.begin(), six.end());
    return four;
}

std::string numeric_address(const std::string& text) {
    char shown[INET6_ADDRSTRLEN] = "";
    in_addr four{};
    if (inet_pton(AF_INET, text.c_str(), &four) == 1) {
        inet_ntop(AF_INET, &four, shown, sizeof shown);
    }
    in6_addr six{};
    if (inet_pton(AF_INET6, text.c_str(), &six) == 1) {
        inet_ntop(AF_INET6, &six, shown, sizeof shown);
    }
    return shown;
}

bool is_public_address(const std::string& address) {
    in_addr four{};
    if (inet_pton(AF_INET, address.c_str(), &four) == 1) {
        const uint32_t number = ntohl(four.s_addr);
        const auto within = [&](uint32_t network, int bits) {
            return number >> (32 - bits) == network >> (32 - bits);
        };
        return !within(0x0A000000, 8) && !within(0xAC100000, 12) && !within(0xC0A80000, 16) &&
               !within(0xA9FE0000, 16) && !within(0x64400000, 10) && !within(0x7F000000, 8) &&
               !within(0, 8) && !within(0xE0000000, 3);
    }
    in6_addr six{};
    if (inet_pton(AF_INET6, address.c_str(), &six) != 1) return false;
    return (six.s6_addr[0] & 0xE0) == 0x20;  // 2000::/3: all that is given out
}

std::string host_name() {
    char name[256] = "";
    if (gethostname(name, sizeof name - 1) != 0 || !*name) return "machine";
    return name;
}

}  // namespace p2c2r::cli
