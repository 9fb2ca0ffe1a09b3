// Which coordinator a command talks to, whom it believes there and what it shows of itself: from
// the command line, the environment, and what this machine has joined.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/failure.h"
#include "cli/guest_hosts.h"
#include "p2c2r/p2c2r.h"

namespace p2c2r::cli {

struct ContactOptions {
    std::optional<std::string> coordinator;
    std::optional<std::string> server_pin;
    std::optional<std::string> ca_file;
    std::optional<std::string> identity_file;
    std::optional<std::string> token_file;
    bool plaintext_anywhere = false;

    void add_to(Command& command);
};

class Contact {
  public:
    // What was not given comes from the environment (P2C2R_COORDINATOR_URL), then from what this
    // machine has joined; else it is the plaintext address of this very machine.
    static Result<Contact> resolve(const ContactOptions& options);
    Contact() = default;

    // The first place where it may be; all of them, as the library takes them.
    [[nodiscard]] const std::string& url() const { return urls_.front(); }
    [[nodiscard]] std::string urls() const;
    [[nodiscard]] size_t places() const { return urls_.size(); }
    // The hosts of all of them; empty: it is on this machine, as far as one says so.
    [[nodiscard]] std::vector<std::string> hosts_elsewhere() const;
    // Of a coordinator that this machine itself runs, or has run.
    [[nodiscard]] const Reach& reach() const { return reach_; }
    // This machine has joined it as one that may send as well: only such a one measures its line.
    [[nodiscard]] bool may_send() const { return may_send_; }
    // "host:port" of the event that says who answered: to be tried first from now on.
    void remember(const std::string& answered) const;
    [[nodiscard]] std::string pin_hex() const;
    [[nodiscard]] bool plaintext_anywhere() const { return plaintext_anywhere_; }
    // NULL when there is nothing to show and nobody to believe. Lives as long as this object stays
    // where it is.
    [[nodiscard]] const p2c2r_credentials* credentials();
    // A join code's secret, shown with the machine's key.
    void set_invite(const std::array<uint8_t, 16>& secret) {
        invite_.assign(secret.begin(), secret.end());
    }
    void set_places(std::vector<std::string> urls, const std::array<uint8_t, 32>& pin,
                    std::string identity_file);

  private:
    Outcome take_pin(const std::string& hex);

    std::vector<std::string> urls_ = {std::string()};  // never empty
    Reach reach_;
    bool may_send_ = false;
    bool plaintext_anywhere_ = false;
    std::array<uint8_t, 32> pin_{};
    std::string ca_file_;
    std::string identity_file_;
    std::vector<uint8_t> token_;
    std::vector<uint8_t> invite_;
    p2c2r_credentials credentials_ = {};
};

// host:port, with brackets around an IPv6 address.
std::string host_port(const std::string& host, uint32_t port);
// p2c2r://host:port, or p2c2r+plain:// where it is not encrypted.
std::string url_of(const std::string& host, uint32_t port, bool is_encrypted);

// The host of such a URL, without brackets; "": it is none.
std::string host_of(const std::string& url);

// Exactly `out.size()` bytes in hexadecimal.
bool read_hex(const std::string& text, std::vector<uint8_t>& out, size_t size);

}  // namespace p2c2r::cli
