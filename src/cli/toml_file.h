// TOML text as flat dotted keys with JSON values; toml++ stays behind this file pair.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "cli/failure.h"

namespace p2c2r::cli {

// [log] level = "debug" becomes {"log.level": "debug"}. Errors name `origin`, line and column.
Result<std::map<std::string, nlohmann::json>> flat_toml(std::string_view text,
                                                        const std::string& origin);

}  // namespace p2c2r::cli
