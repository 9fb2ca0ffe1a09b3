#include "cli/guest_hosts.h"

#include <algorithm>
#include <string_view>

#include "cli/addresses_posix.h"

namespace p2c2r::cli {

namespace {

constexpr size_t kNameMax = 253;
constexpr size_t kLabelMax = 63;
constexpr size_t kShownMax = 80;

bool is_digit(char letter) {
    return letter >= '0' && letter <= '9';
}

bool is_number(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
}

bool is_label_letter(char letter) {
    return is_digit(letter) || (letter >= 'a' && letter <= 'z') ||
           (letter >= 'A' && letter <= 'Z') || letter == '-';
}

// What keeps a text from being the name of a host; "": nothing. One whose last part is a number
// would be taken for an IPv4 address.
std::string why_no_name(std::string_view name) {
    if (name.size() > kNameMax) {
        return "has " + std::to_string(name.size()) + " bytes; a name has at most 253";
    }
    std::string_view label;
    for (std::string_view rest = name;;) {
        const size_t dot = std::min(rest.find('.'), rest.size());
        label = rest.substr(0, dot);
        if (label.empty()) return "has an empty part between its dots";
        if (label.size() > kLabelMax) {
            return "has a part of " + std::to_string(label.size()) + " letters; at most 63";
        }
        const auto odd = std::find_if_not(label.begin(), label.end(), is_label_letter);
        if (odd != label.end()) {
            return "is neither an IP address nor the name of a host, which has letters a to z, "
                   "digits, '-' and dots alone";
        }
        if (label.front() == '-' || label.back() == '-') {
            return "has a part that begins or ends with '-'";
        }
        if (dot == rest.size()) break;
        rest.remove_prefix(dot + 1);
    }
    return is_number(label) ? "is no IPv4 address, nor a name: its last part is a number" : "";
}

// "HOST:PORT" and "[HOST]:PORT", of which the latter part is no business of an address.
bool has_port(std::string_view text) {
    const size_t colon = text.rfind(':');
    if (colon == std::string_view::npos || !is_number(text.substr(colon + 1))) return false;
    return text.find(':') == colon || (text.starts_with('[') && text[colon - 1] == ']');
}

}  // namespace

Result<std::string> read_host(const std::string& text) {
    const auto wrong = [&](const std::string& why) {
        const bool is_long = text.size() > kShownMax;
        return usage_failure("'" + text.substr(0, kShownMax) + (is_long ? "..." : "") + "' " + why);
    };
    if (text.empty()) return wrong("names no host");
    if (has_port(text)) {
        return wrong("has a port, which is no part of an address: `p2c2r host --port` sets it");
    }
    if (text.front() == '[' || text.back() == ']') {
        const bool both = text.size() > 2 && text.front() == '[' && text.back() == ']';
        const std::string inner = both ? text.substr(1, text.size() - 2) : "";
        const std::string six = numeric_address(inner);
        if (six.find(':') == std::string::npos) return wrong("is no IPv6 address in brackets");
        return read_host(six);
    }
    if (const std::string address = numeric_address(text); !address.empty()) {
        if (address != "0.0.0.0" && address != "::") return address;
        return wrong("stands for all addresses of a machine; others need one that leads to it");
    }
    if (text.find(':') != std::string::npos) return wrong("is no IPv6 address");
    std::string name = text;
    if (name.size() > 1 && name.back() == '.') name.pop_back();
    const std::string why = why_no_name(name);
    if (!why.empty()) return wrong(why);
    return name;
}

Result<std::vector<std::string>> read_hosts(const std::string& text) {
    std::vector<std::string> hosts;
    for (size_t begin = 0; begin <= text.size();) {
        const size_t end = std::min(text.find(',', begin), text.size());
        const Result<std::string> host = read_host(text.substr(begin, end - begin));
        if (!host) return usage_failure("--address " + host.failure().text);
        if (std::find(hosts.begin(), hosts.end(), *host) == hosts.end()) hosts.push_back(*host);
        begin = end + 1;
    }
    if (hosts.size() > kGuestHostsMax) {
        return usage_failure("--address names " + std::to_string(hosts.size()) +
                             " hosts; a join code holds at most " + std::to_string(kGuestHostsMax));
    }
    return hosts;
}

bool is_loopback(const std::string& host) {
    if (host == "localhost" || host.ends_with(".localhost")) return true;
    const std::string address = numeric_address(host);
    return address == "::1" || address.starts_with("127.") || address.starts_with("::ffff:127.");
}

std::string near_host(const std::string& listen_address) {
    const std::string address = numeric_address(listen_address);
    return address == "0.0.0.0" || address == "::" ? "127.0.0.1" : listen_address;
}

std::vector<std::string> guest_hosts(const Reach& reach, const std::vector<std::string>& own) {
    if (!reach.given_hosts.empty()) return reach.given_hosts;
    const std::string at = numeric_address(reach.listen_address);
    // One address, or the name of loopback, which is all that a listener knows by name.
    if (!reach.listen_address.empty() && at != "0.0.0.0" && at != "::") {
        return {at.empty() ? "127.0.0.1" : at};
    }
    std::vector<std::string> hosts;
    for (const std::string& address : own) {
        if (at == "0.0.0.0" && address.find(':') != std::string::npos) continue;
        hosts.push_back(address);
    }
    if (hosts.empty()) hosts.emplace_back("127.0.0.1");
    return hosts;
}

}  // namespace p2c2r::cli
