#include "cli/join_code.h"

#include <algorithm>
#include <qrcodegen/qrcodegen.hpp>
#include <string_view>

#include "cli/guest_hosts.h"

namespace p2c2r::cli {

namespace {

constexpr std::string_view kStart = "P2C2R:";
constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";  // RFC 4648
constexpr uint8_t kVersion = 1;
constexpr uint8_t kGamerBit = 1;
constexpr uint8_t kPeerBit = 2;
constexpr size_t kHostLengthMax = 253;
constexpr size_t kCheckSize = 4;
constexpr size_t kGroup = 8;
constexpr int kQuiet = 2;  // light modules around

using Bytes = std::vector<uint8_t>;

// CRC-32 of IEEE 802.3: it is there against typing errors only.
uint32_t check_of(const uint8_t* bytes, size_t size) {
    uint32_t crc = 0xFFFFFFFF;
    for (size_t i = 0; i < size; ++i) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320 : 0);
    }
    return ~crc;
}

std::string to_letters(const Bytes& bytes) {
    std::string text;
    uint32_t bits = 0;
    int count = 0;
    for (const uint8_t byte : bytes) {
        bits = bits << 8 | byte;
        for (count += 8; count >= 5; count -= 5) text += kLetters[bits >> (count - 5) & 31];
    }
    if (count > 0) text += kLetters[bits << (5 - count) & 31];
    return text;
}

enum class Letters { kGood, kForeign, kNotWhole };

// The bits that the last letter has over are no part of any byte, so no check sum sees them: they
// are zero, and fewer than a letter has, or the text is none that to_letters() writes.
Letters from_letters(std::string_view text, Bytes& bytes) {
    uint32_t bits = 0;
    int count = 0;
    for (const char letter : text) {
        const size_t value = kLetters.find(letter);
        if (value == std::string_view::npos) return Letters::kForeign;
        bits = bits << 5 | static_cast<uint32_t>(value);
        count += 5;
        if (count < 8) continue;
        count -= 8;
        bytes.push_back(static_cast<uint8_t>(bits >> count));
    }
    const bool is_whole = count < 5 && (bits & ((1u << count) - 1)) == 0;
    return is_whole ? Letters::kGood : Letters::kNotWhole;
}

Failure no_code(const std::string& why) {
    return usage_failure("this is no join code: " + why);
}

// Takes parts off the front; `short_` once there is less than was asked for.
struct Reader {
    const Bytes& bytes;
    size_t at = 0;
    bool is_short = false;

    uint8_t byte() {
        if (at < bytes.size()) return bytes[at++];
        is_short = true;
        return 0;
    }
    template <class Out>
    void fill(Out begin, size_t size) {
        for (size_t i = 0; i < size; ++i) *begin++ = static_cast<char>(byte());
    }
};

}  // namespace

std::string join_code_text(const JoinCode& code) {
    Bytes bytes{kVersion};
    bytes.push_back(
        static_cast<uint8_t>((code.gamer ? kGamerBit : 0) | (code.peer ? kPeerBit : 0)));
    bytes.push_back(static_cast<uint8_t>(code.port >> 8));
    bytes.push_back(static_cast<uint8_t>(code.port));
    bytes.insert(bytes.end(), code.pin.begin(), code.pin.end());
    bytes.insert(bytes.end(), code.secret.begin(), code.secret.end());
    const size_t count = std::min(code.hosts.size(), kGuestHostsMax);
    bytes.push_back(static_cast<uint8_t>(count));
    for (size_t i = 0; i < count; ++i) {
        bytes.push_back(static_cast<uint8_t>(code.hosts[i].size()));
        bytes.insert(bytes.end(), code.hosts[i].begin(), code.hosts[i].end());
    }
    const uint32_t check = check_of(bytes.data(), bytes.size());
    for (int shift = 24; shift >= 0; shift -= 8) {
        bytes.push_back(static_cast<uint8_t>(check >> shift));
    }
    const std::string letters = to_letters(bytes);
    std::string text(kStart);
    for (size_t i = 0; i < letters.size(); ++i) {
        if (i > 0 && i % kGroup == 0) text += '-';
        text += letters[i];
    }
    return text;
}

Result<JoinCode> read_join_code(const std::string& text) {
    std::string letters;
    for (const char c : text) {
        if (c == '-' || c == ' ' || c == '\n' || c == '\r' || c == '\t') continue;
        letters += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    }
    if (!letters.starts_with(kStart)) return no_code("it does not begin with P2C2R:");
    Bytes bytes;
    const Letters read = from_letters(std::string_view(letters).substr(kStart.size()), bytes);
    if (read == Letters::kForeign) {
        return no_code("it has other characters than the letters A to Z and the digits 2 to 7");
    }
    if (bytes.size() <= kCheckSize) return no_code("it is too short");
    if (read == Letters::kNotWhole) {
        return no_code("its last letter is wrong, or one is missing or too many");
    }
    uint32_t check = 0;
    const size_t size = bytes.size() - kCheckSize;
    for (size_t i = size; i < bytes.size(); ++i) check = check << 8 | bytes[i];
    if (check != check_of(bytes.data(), size)) {
        return no_code("its check sum is wrong; a part is missing or was mistyped");
    }
    bytes.resize(size);
    Reader reader{bytes};
    JoinCode code;
    if (reader.byte() != kVersion) return no_code("it is of a later version of this program");
    const uint8_t roles = reader.byte();
    code.gamer = roles & kGamerBit;
    code.peer = roles & kPeerBit;
    code.port = static_cast<uint16_t>(reader.byte() << 8);
    code.port = static_cast<uint16_t>(code.port | reader.byte());
    reader.fill(code.pin.begin(), code.pin.size());
    reader.fill(code.secret.begin(), code.secret.size());
    const size_t count = reader.byte();
    for (size_t i = 0; i < count && !reader.is_short; ++i) {
        std::string host(reader.byte(), '\0');
        if (host.empty() || host.size() > kHostLengthMax) return no_code("a host has no name");
        reader.fill(host.begin(), host.size());
        if (reader.is_short) break;
        // It becomes a part of a URL: nothing in it may be more than a host.
        Result<std::string> read = read_host(host);
        if (!read) return no_code(read.failure().text);
        code.hosts.push_back(std::move(*read));
    }
    if (reader.is_short || reader.at != size) return no_code("it is not complete");
    if (code.hosts.empty() || code.hosts.size() > kGuestHostsMax || code.port == 0) {
        return no_code("it names no place");
    }
    return code;
}

std::string qr_text(const std::string& text) try {
    const qrcodegen::QrCode code =
        qrcodegen::QrCode::encodeText(text.c_str(), qrcodegen::QrCode::Ecc::LOW);
    const int size = code.getSize();
    // A light module is a full block: terminals are mostly dark.
    const auto is_light = [&](int x, int y) {
        const bool inside = x >= 0 && y >= 0 && x < size && y < size;
        return !inside || !code.getModule(x, y);
    };
    std::string picture;
    for (int y = -kQuiet; y < size + kQuiet; y += 2) {
        for (int x = -kQuiet; x < size + kQuiet; ++x) {
            const bool above = is_light(x, y);
            const bool below = is_light(x, y + 1) && y + 1 < size + kQuiet;
            picture += above ? (below ? "\u2588" : "\u2580") : (below ? "\u2584" : " ");
        }
        picture += '\n';
    }
    return picture;
} catch (const qrcodegen::data_too_long&) {
    return {};
}

}  // namespace p2c2r::cli
