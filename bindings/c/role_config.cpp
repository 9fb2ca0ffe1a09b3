#include "bindings/c/role_config.h"

#include <cstring>

#include "core/utf8.h"
#include "model/value_json.h"

namespace p2c2r::capi {

void fill_reconnect(roles::ReconnectOptions& out, const LinkSettings& link,
                    uint32_t connect_timeout_ms, uint32_t attempts) {
    if (attempts == P2C2R_NONE) {
        out.attempts_max = 0;
    } else if (attempts != 0) {
        out.attempts_max = attempts;
    }
    out.backoff_first_us = link.backoff_first_us;
    out.backoff_max_us = link.backoff_max_us;
    if (connect_timeout_ms != 0) out.connect_timeout_us = uint64_t{connect_timeout_ms} * 1000;
}

Result<Done> read_role_id(const char* given, const char* field, std::string& out) {
    out.clear();
    if (!given) return Done{};
    const std::string_view text(given, strnlen(given, limits::kIdLengthMax + 1));
    if (text.empty() || text.size() > limits::kIdLengthMax || !is_name_text(text)) {
        return field_error(Status::kArgument, field,
                           std::string(field) + " must be 1 to " +
                               std::to_string(limits::kIdLengthMax) +
                               " bytes of UTF-8 without control characters");
    }
    out.assign(text);
    return Done{};
}

Result<Bytes> read_arguments(const char* args_json) {
    if (!args_json) return Bytes();
    Result<Bytes> made = json_to_value(args_json);
    const Result<Value> map = made ? parse_params(made->span()) : made.error();
    if (map) return made;
    return field_error(Status::kArgument, "args_json", "args_json: " + map.error().text);
}

}  // namespace p2c2r::capi
