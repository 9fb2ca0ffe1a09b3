#include "bindings/c/options.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "model/value_json.h"
#include "net/loopback.h"

namespace p2c2r::capi {

namespace {

constexpr std::string_view kPlain = "p2c2r+plain://";
constexpr std::string_view kSecure = "p2c2r://";
constexpr size_t kHostLengthMax = 253;

Error url_error(Status status, const std::string& text) {
    return field_error(status, "coordinator_url", text);
}

// A decimal number of 1 to 65535; 0 for anything else.
uint32_t parse_port(std::string_view text) {
    if (text.empty() || text.size() > 5) return 0;
    uint32_t port = 0;
    for (const char digit : text) {
        if (digit < '0' || digit > '9') return 0;
        port = port * 10 + static_cast<uint32_t>(digit - '0');
    }
    return port <= 65535 ? port : 0;
}

}  // namespace

Error Options::as_argument_error(const Error& error) {
    return field_error(Status::kArgument, error.field.empty() ? "options" : error.field,
                       "options: " + error.text);
}

Result<Options> Options::parse(const char* json) {
    Options options;
    if (!json) return options;
    Result<Bytes> bytes = json_to_value(json);
    if (!bytes) return as_argument_error(bytes.error());
    const Result<Value> value = parse_params(bytes->span());
    if (!value) return as_argument_error(value.error());
    options.bytes_ = std::move(*bytes);
    return options;
}

void read_content_bytes_max(ParamsReader& reader, uint64_t& value) {
    value = static_cast<uint64_t>(
        reader.integer("content_bytes_max", 0, int64_t{1} << 40, static_cast<int64_t>(value)));
}

namespace {

LinkSettings read_link(ParamsReader& reader) {
    LinkSettings settings;
    settings.allow_plaintext = reader.boolean("allow_plaintext", false);
    settings.checksum = reader.boolean("checksum", false);
    settings.code_results = reader.boolean("code_results", true);
    settings.backoff_first_us =
        static_cast<uint64_t>(reader.integer("reconnect_first_ms", 1, 60'000, 50)) * 1000;
    settings.backoff_max_us =
        static_cast<uint64_t>(reader.integer("reconnect_max_ms", 1, 600'000, 5'000)) * 1000;
    net::FakeNetwork& fake = settings.fake_network;
    const auto milliseconds = [&](const char* name) {
        return static_cast<uint64_t>(reader.number(name, 0, 10'000, 0) * 1000);
    };
    const auto bytes_s = [&](const char* name) {
        return static_cast<uint64_t>(reader.integer(name, 0, 100'000'000, 0)) * 125;
    };
    fake.lag_us = milliseconds("fake_lag_ms");
    fake.jitter_us = milliseconds("fake_jitter_ms");
    fake.loss = reader.number("fake_loss_percent", 0, 50, 0) / 100;
    fake.up_bytes_s = bytes_s("fake_up_kbps");
    fake.down_bytes_s = bytes_s("fake_down_kbps");
    return settings;
}

}  // namespace

Result<LinkSettings> read_link_settings(const char* json) {
    const Result<Options> options = Options::parse(json);
    if (!options) return options.error();
    ParamsReader reader(options->encoded());
    LinkSettings settings = read_link(reader);
    settings.place_by_worth = reader.boolean("place_by_worth", true);
    if (const Result<Done> good = reader.finish(); !good) {
        return Options::as_argument_error(good.error());
    }
    return settings;
}

Result<PeerOptionsRead> read_peer_options(const char* json) {
    const Result<Options> options = Options::parse(json);
    if (!options) return options.error();
    ParamsReader reader(options->encoded());
    PeerOptionsRead read;
    read.link = read_link(reader);
    const std::string_view circle =
        reader.choice("circle", {"own", "invited", "public"}, "invited");
    if (circle == "public") {
        return field_error(Status::kUnsupported, "circle",
                           "circle public is not available; there are own and invited");
    }
    if (circle == "own") read.link.circle = Circle::kOwn;
    read_content_bytes_max(reader, read.link.content_bytes_max);
    read.owner = owner::read_settings(reader);
    if (const Result<Done> good = reader.finish(); !good) {
        return Options::as_argument_error(good.error());
    }
    return read;
}

Result<std::vector<Url>> parse_urls(std::string_view urls, bool allow_plaintext) {
    std::vector<Url> places;
    for (size_t begin = 0; begin <= urls.size();) {
        const size_t end = std::min(urls.find(',', begin), urls.size());
        Result<Url> one = parse_url(urls.substr(begin, end - begin), allow_plaintext);
        if (!one) return one.error();
        if (!places.empty() && one->encrypted != places[0].encrypted) {
            return url_error(Status::kArgument,
                             "all places of one coordinator begin alike: p2c2r:// or "
                             "p2c2r+plain://");
        }
        if (places.size() == kPlacesMax) {
            return url_error(Status::kArgument,
                             "more than " + std::to_string(kPlacesMax) + " places");
        }
        places.push_back(std::move(*one));
        begin = end + 1;
    }
    return places;
}

Result<Url> parse_url(std::string_view text, bool allow_plaintext) {
    Url endpoint;
    endpoint.encrypted = text.starts_with(kSecure);
    if (!endpoint.encrypted && !text.starts_with(kPlain)) {
        return url_error(Status::kArgument, "'" + std::string(text.substr(0, 64)) +
                                                "' begins neither with p2c2r:// nor with "
                                                "p2c2r+plain://");
    }
    std::string_view rest = text.substr(endpoint.encrypted ? kSecure.size() : kPlain.size());
    if (!rest.empty() && rest.back() == '/') rest.remove_suffix(1);
    endpoint.port = limits::kListenPortDefault;
    std::string_view port;
    bool has_port = false;
    if (rest.starts_with('[')) {  // an IPv6 address
        const size_t end = rest.find(']');
        if (end == std::string_view::npos) {
            return url_error(Status::kArgument, "the address in brackets has no end");
        }
        endpoint.host = rest.substr(1, end - 1);
        const std::string_view behind = rest.substr(end + 1);
        has_port = behind.starts_with(':');
        if (!behind.empty() && !has_port) {
            return url_error(Status::kArgument, "only a port may follow the address in brackets");
        }
        if (has_port) port = behind.substr(1);
    } else {
        const size_t colon = rest.find(':');
        endpoint.host = rest.substr(0, colon);
        has_port = colon != std::string_view::npos;
        if (has_port) port = rest.substr(colon + 1);
    }
    if (has_port) {
        endpoint.port = parse_port(port);
        if (endpoint.port == 0) {
            return url_error(Status::kArgument, "port '" + std::string(port.substr(0, 16)) +
                                                    "' is not a number from 1 to 65535");
        }
    }
    if (endpoint.host.empty() || endpoint.host.size() > kHostLengthMax ||
        endpoint.host.find_first_of("/@?# ") != std::string::npos) {
        return url_error(Status::kArgument, "the host must be a name or an address of 1 to " +
                                                std::to_string(kHostLengthMax) + " bytes");
    }
    if (!endpoint.encrypted && !allow_plaintext && !net::is_loopback_host(endpoint.host)) {
        return url_error(Status::kDenied,
                         "plaintext to '" + endpoint.host +
                             "', which is not this machine, is refused unless options say "
                             "{\"allow_plaintext\": true}");
    }
    return endpoint;
}

}  // namespace p2c2r::capi
