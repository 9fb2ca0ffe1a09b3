// The system's own tools for networks, as children.
#pragma once

#include <string>
#include <vector>

#include "cli/failure.h"

namespace p2c2r::cli {

// Where `ip`, `tc` and the like are; "": not here.
std::string find_tool(const char* name);

// A tool to its end; what it says of errors goes to `errors` ("": where ours go).
Outcome run_tool(const char* name, const std::vector<std::string>& arguments,
                 const char* errors = "");

}  // namespace p2c2r::cli
