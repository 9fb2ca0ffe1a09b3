// A host and a port as one text.
#pragma once

#include <cstdint>
#include <string>

namespace p2c2r::net {

// "host:port", with brackets around an IPv6 address.
inline std::string join_host_port(const std::string& host, uint32_t port) {
    const bool brackets = host.find(':') != std::string::npos;
    return (brackets ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

}  // namespace p2c2r::net
