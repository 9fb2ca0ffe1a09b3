// UTF-8: is a text well formed.
#pragma once

#include <string_view>

namespace p2c2r {

// True for well-formed UTF-8: shortest forms, no surrogates, nothing above U+10FFFF.
bool is_utf8(std::string_view text);

}  // namespace p2c2r
