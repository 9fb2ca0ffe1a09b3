// Addresses that a secret is good from. Whoever copies a token sits somewhere else, mostly: there
// it opens nothing.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace p2c2r::identity {

// All addresses that begin with the same bits. Addresses are given as
// net::Connection::peer_address() says them, with or without a port; an IPv4 one on a socket for
// both kinds is an IPv4 one.
class AddressPrefix {
  public:
    // "192.0.2.0/24", "2001:db8::/48"; an address alone is itself. Bits behind the prefix do not
    // count. Nothing for other text.
    static std::optional<AddressPrefix> read(std::string_view text);
    // The network of so many bits that an address lies in; nothing for what is no IP address.
    static std::optional<AddressPrefix> around(std::string_view address, uint32_t ipv4_bits,
                                               uint32_t ipv6_bits);

    [[nodiscard]] bool contains(std::string_view address) const;
    [[nodiscard]] std::string text() const;

  private:
    struct Address {
        std::array<uint8_t, 16> bytes{};  // of IPv4 the last four
        bool is_ipv4 = false;
    };
    static std::optional<Address> read_address(std::string_view text);
    static std::optional<std::array<uint8_t, 4>> read_ipv4(std::string_view text);
    static std::optional<std::array<uint8_t, 16>> read_ipv6(std::string_view text);

    AddressPrefix(const Address& address, uint32_t bits);

    Address first_;      // of the range
    uint32_t bits_ = 0;  // of all 16 bytes
};

// Where the token of an account is good from.
class AddressRule {
  public:
    static constexpr size_t kPrefixesMax = 16;
    static constexpr size_t kTextMax = 1024;

    AddressRule() = default;  // first
    static AddressRule only(const AddressPrefix& prefix);
    // "first": from where it is used first, from then on; "any"; or prefixes with commas between.
    static std::optional<AddressRule> read(std::string_view text);

    [[nodiscard]] std::string text() const;
    [[nodiscard]] bool is_first() const { return !any_ && prefixes_.empty(); }
    [[nodiscard]] bool allows(std::string_view address) const;

  private:
    bool any_ = false;
    std::vector<AddressPrefix> prefixes_;
};

}  // namespace p2c2r::identity
