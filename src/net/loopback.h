// Which hosts are this machine and nothing else: what plaintext is allowed to without being forced.
#pragma once

#include <string_view>

namespace p2c2r::net {

// "localhost", "::1", and 127.x.y.z in four plain numbers. A name that only begins like that, such
// as 127.example.org, is anybody's.
inline bool is_loopback_host(std::string_view host) {
    if (host == "localhost" || host == "::1") return true;
    if (!host.starts_with("127.")) return false;
    host.remove_prefix(4);
    for (int part = 0; part < 3; ++part) {
        const size_t size = host.find_first_not_of("0123456789");
        const std::string_view digits = host.substr(0, size);
        if (digits.empty() || digits.size() > 3 || (digits.size() == 3 && digits > "255")) {
            return false;
        }
        host.remove_prefix(digits.size());
        if (part == 2) break;
        if (!host.starts_with('.')) return false;
        host.remove_prefix(1);
    }
    return host.empty();
}

}  // namespace p2c2r::net
