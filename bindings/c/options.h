// The `options` of configs (JSON, rare settings) and the URLs of coordinators. Errors are about the
// caller's argument and name the key or the part of the URL.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"
#include "model/params_reader.h"
#include "model/task.h"
#include "net/fake_network.h"
#include "owner/owner_settings.h"

namespace p2c2r::capi {

// The JSON of an `options` field, open for reading; NULL is an empty map.
class Options {
  public:
    static Result<Options> parse(const char* json);
    [[nodiscard]] std::span<const uint8_t> encoded() const { return bytes_.span(); }
    // What finish() of a reader over these options says, as an error of the argument.
    static Error as_argument_error(const Error& error);

  private:
    Bytes bytes_;
};

// The settings of a role's connection.
struct LinkSettings {
    bool allow_plaintext = false;  // a plaintext address that is not loopback
    bool checksum = false;
    uint64_t backoff_first_us = 50'000;
    uint64_t backoff_max_us = 5'000'000;
    Circle circle = Circle::kInvited;  // of a peer: whose tasks it takes
    uint64_t content_bytes_max = limits::kContentBytesMaxDefault;  // the same: of contents it keeps
    bool code_results = true;    // where the line is slow and both ends can
    bool place_by_worth = true;  // of a client
    net::FakeNetwork fake_network;
};
Result<LinkSettings> read_link_settings(const char* json);
// The same for a peer, whose options have the keys of its owner as well.
struct PeerOptionsRead {
    LinkSettings link;
    owner::Settings owner;
};
Result<PeerOptionsRead> read_peer_options(const char* json);
// The key of roles that keep contents; `value` is the default, and what is read.
void read_content_bytes_max(ParamsReader& reader, uint64_t& value);

struct Url {
    std::string host;
    uint32_t port = 0;
    bool encrypted = false;
};
// p2c2r://host[:port] or p2c2r+plain://host[:port]; with the latter a host that is not loopback is
// kDenied unless allow_plaintext.
Result<Url> parse_url(std::string_view url, bool allow_plaintext);
// One of these, or up to kPlacesMax of one kind with commas between: places of one coordinator.
inline constexpr size_t kPlacesMax = 8;
Result<std::vector<Url>> parse_urls(std::string_view urls, bool allow_plaintext);

}  // namespace p2c2r::capi
