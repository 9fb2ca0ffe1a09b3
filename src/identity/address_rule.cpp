#include "identity/address_rule.h"

#include <algorithm>
#include <charconv>
#include <cstdio>

namespace p2c2r::identity {

namespace {

constexpr uint32_t kIpv4At = 96;  // bits in front of an IPv4 address
constexpr uint32_t kBits = 128;

// Digits alone, all of the text.
std::optional<uint32_t> read_number(std::string_view text, int base, uint32_t most) {
    const bool fits = !text.empty() && text.size() <= (base == 16 ? 4 : 3);
    uint32_t number = 0;
    const char* const end = text.data() + text.size();
    if (!fits) return std::nullopt;
    const auto [at, error] = std::from_chars(text.data(), end, number, base);
    if (error != std::errc() || at != end || number > most) return std::nullopt;
    return number;
}

// Without the port, the brackets and the name of a network card.
std::string_view host_of(std::string_view address) {
    if (address.starts_with('[')) {
        address = address.substr(1, std::min(address.find(']'), address.size()) - 1);
    } else if (const size_t colon = address.find(':');
               colon != std::string_view::npos &&
               address.find(':', colon + 1) == std::string_view::npos) {
        address = address.substr(0, colon);
    }
    return address.substr(0, address.find('%'));
}

}  // namespace

// ---- one prefix
// ----------------------------------------------------------------------------------

std::optional<std::array<uint8_t, 4>> AddressPrefix::read_ipv4(std::string_view text) {
    std::array<uint8_t, 4> bytes{};
    for (size_t i = 0; i < bytes.size(); ++i) {
        const size_t dot = i + 1 < bytes.size() ? text.find('.') : text.size();
        if (dot == std::string_view::npos) return std::nullopt;
        const std::optional<uint32_t> number = read_number(text.substr(0, dot), 10, 255);
        if (!number) return std::nullopt;
        bytes[i] = static_cast<uint8_t>(*number);
        text.remove_prefix(std::min(dot + 1, text.size()));
    }
    return bytes;
}

std::optional<std::array<uint8_t, 16>> AddressPrefix::read_ipv6(std::string_view text) {
    std::vector<uint8_t> read;
    std::optional<size_t> gap;  // where "::" stands for zeros
    if (text.starts_with("::")) {
        gap = 0;
        text.remove_prefix(2);
    }
    while (!text.empty()) {
        const size_t colon = std::min(text.find(':'), text.size());
        const std::string_view word = text.substr(0, colon);
        if (colon == text.size() && word.find('.') != std::string_view::npos) {
            const std::optional<std::array<uint8_t, 4>> tail = read_ipv4(word);
            if (!tail) return std::nullopt;
            read.insert(read.end(), tail->begin(), tail->end());
        } else {
            const std::optional<uint32_t> group = read_number(word, 16, 0xffff);
            if (!group) return std::nullopt;
            read.push_back(static_cast<uint8_t>(*group >> 8));
            read.push_back(static_cast<uint8_t>(*group));
        }
        if (read.size() > 16) return std::nullopt;
        if (colon == text.size()) break;
        text.remove_prefix(colon + 1);
        if (text.empty()) return std::nullopt;
        if (text.front() != ':') continue;
        if (gap) return std::nullopt;
        gap = read.size();
        text.remove_prefix(1);
    }
    std::array<uint8_t, 16> bytes{};
    if (gap ? read.size() > 14 : read.size() != 16) return std::nullopt;
    const auto middle = read.begin() + static_cast<ptrdiff_t>(gap.value_or(16));
    std::copy(read.begin(), middle, bytes.begin());
    std::copy_backward(middle, read.end(), bytes.end());
    return bytes;
}

std::optional<AddressPrefix::Address> AddressPrefix::read_address(std::string_view text) {
    Address address;
    if (const std::optional<std::array<uint8_t, 4>> ipv4 = read_ipv4(text)) {
        address.is_ipv4 = true;
        std::copy(ipv4->begin(), ipv4->end(), address.bytes.begin() + 12);
        return address;
    }
    const std::optional<std::array<uint8_t, 16>> ipv6 = read_ipv6(text);
    if (!ipv6) return std::nullopt;
    address.bytes = *ipv6;
    // ::ffff:192.0.2.1
    const auto mark = address.bytes.begin() + 10;
    if (mark[0] == 0xff && mark[1] == 0xff &&
        std::all_of(address.bytes.begin(), mark, [](uint8_t byte) { return byte == 0; })) {
        address.is_ipv4 = true;
        mark[0] = mark[1] = 0;
    }
    return address;
}

AddressPrefix::AddressPrefix(const Address& address, uint32_t bits) : first_(address), bits_(bits) {
    for (uint32_t bit = bits; bit < kBits; ++bit) {
        first_.bytes[bit / 8] &= static_cast<uint8_t>(~(0x80u >> bit % 8));
    }
}

std::optional<AddressPrefix> AddressPrefix::read(std::string_view text) {
    const size_t slash = std::min(text.find('/'), text.size());
    const std::optional<Address> address = read_address(text.substr(0, slash));
    if (!address) return std::nullopt;
    const uint32_t before = address->is_ipv4 ? kIpv4At : 0;
    if (slash == text.size()) return AddressPrefix(*address, kBits);
    const std::optional<uint32_t> bits = read_number(text.substr(slash + 1), 10, kBits - before);
    if (!bits) return std::nullopt;
    return AddressPrefix(*address, before + *bits);
}

std::optional<AddressPrefix> AddressPrefix::around(std::string_view text, uint32_t ipv4_bits,
                                                   uint32_t ipv6_bits) {
    const std::optional<Address> address = read_address(host_of(text));
    if (!address) return std::nullopt;
    return AddressPrefix(*address, address->is_ipv4 ? kIpv4At + ipv4_bits : ipv6_bits);
}

bool AddressPrefix::contains(std::string_view text) const {
    const std::optional<Address> address = read_address(host_of(text));
    if (!address || address->is_ipv4 != first_.is_ipv4) return false;
    return AddressPrefix(*address, bits_).first_.bytes == first_.bytes;
}

std::string AddressPrefix::text() const {
    std::string text;
    if (first_.is_ipv4) {
        for (size_t i = 12; i < 16; ++i) {
            text += (i > 12 ? "." : "") + std::to_string(first_.bytes[i]);
        }
        return bits_ == kBits ? text : text + "/" + std::to_string(bits_ - kIpv4At);
    }
    // Zeros at the end, which most prefixes have, are not written out.
    size_t groups = 8;
    while (groups > 0 && first_.bytes[2 * groups - 1] == 0 && first_.bytes[2 * groups - 2] == 0) {
        --groups;
    }
    for (size_t i = 0; i < groups; ++i) {
        char group[8];
        std::snprintf(group, sizeof group, "%x",
                      first_.bytes[2 * i] * 256u + first_.bytes[2 * i + 1]);
        text += (i > 0 ? ":" : "") + std::string(group);
    }
    if (groups == 7) text += ":0";
    if (groups < 7) text += "::";
    return bits_ == kBits ? text : text + "/" + std::to_string(bits_);
}

// ---- the rule
// ------------------------------------------------------------------------------------

AddressRule AddressRule::only(const AddressPrefix& prefix) {
    AddressRule rule;
    rule.prefixes_.push_back(prefix);
    return rule;
}

std::optional<AddressRule> AddressRule::read(std::string_view text) {
    AddressRule rule;
    if (text == "first") return rule;
    rule.any_ = text == "any";
    if (rule.any_) return rule;
    for (;;) {
        const size_t comma = std::min(text.find(','), text.size());
        const std::optional<AddressPrefix> prefix = AddressPrefix::read(text.substr(0, comma));
        if (!prefix || rule.prefixes_.size() == kPrefixesMax) return std::nullopt;
        rule.prefixes_.push_back(*prefix);
        if (comma == text.size()) return rule;
        text.remove_prefix(comma + 1);
    }
}

std::string AddressRule::text() const {
    if (any_) return "any";
    if (prefixes_.empty()) return "first";
    std::string text;
    for (const AddressPrefix& prefix : prefixes_) {
        text += (text.empty() ? "" : ",") + prefix.text();
    }
    return text;
}

bool AddressRule::allows(std::string_view address) const {
    return any_ || prefixes_.empty() ||
           std::any_of(prefixes_.begin(), prefixes_.end(),
                       [&](const AddressPrefix& prefix) { return prefix.contains(address); });
}

}  // namespace p2c2r::identity
