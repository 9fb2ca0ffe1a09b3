// What the library says, in words of the program: whoever types options and commands has never
// heard of the fields of a structure and the names of calls.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "p2c2r/p2c2r.h"

namespace p2c2r::cli {

struct Renamed {
    std::string_view field;
    std::string_view said;          // "": the text says enough without it
    bool only_where_named = false;  // it is not put before a text that does not begin with it
};

// "--port: 70000 is above 65535", of an error about what roles were made with or calls were asked
// with; `here` comes before what is known of each field anyway.
std::string in_options(const p2c2r_error& error, std::span<const Renamed> here = {});

// "making a join code", of "key.invite".
std::string said_call(std::string_view call);

}  // namespace p2c2r::cli
