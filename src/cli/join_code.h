// A join code: all that another machine needs to find a coordinator, to know that it is the right
// one, and to be let in once. Text of capital letters and digits, so that it survives being typed,
// read aloud and drawn as a QR code.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "cli/failure.h"

namespace p2c2r::cli {

struct JoinCode {
    std::vector<std::string> hosts;  // names or addresses, the likeliest first; 1 to 8
    uint16_t port = 0;
    std::array<uint8_t, 32> pin{};
    std::array<uint8_t, 16> secret{};
    bool gamer = false;  // what the newcomer may be
    bool peer = false;
};

// "P2C2R:" and letters in groups of eight with '-' between.
std::string join_code_text(const JoinCode& code);
// Spaces, '-' and small letters do not matter. Usage failures say what is wrong with the text: not
// a code, a typing error (its check sum), one of a later version.
Result<JoinCode> read_join_code(const std::string& text);

// The code as a QR picture of text blocks, dark on light, two rows of modules in a line; each line
// ends with '\n'. Empty when the text is too long for one.
std::string qr_text(const std::string& text);

}  // namespace p2c2r::cli
