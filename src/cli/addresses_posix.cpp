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

std::string host_name() {
    char name[256] = "";
    if (gethostname(name, sizeof name - 1) != 0 || !*name) return "machine";
    return name;
}

}  // namespace p2c2r::cli
