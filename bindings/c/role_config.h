// What the configs of client, peer and coordinator have in common.
#pragma once

#include <memory>
#include <string>

#include "bindings/c/failure.h"
#include "bindings/c/options.h"
#include "bindings/c/runtime_state.h"
#include "core/status.h"
#include "p2c2r/p2c2r.h"
#include "roles/client.h"

namespace p2c2r::capi {

// 0: the default; P2C2R_NONE: no second attempt.
void fill_reconnect(roles::ReconnectOptions& out, const LinkSettings& link,
                    uint32_t connect_timeout_ms, uint32_t attempts);
// NULL: automatic. Else UTF-8 of 1 to 128 bytes, without control characters.
Result<Done> read_role_id(const char* given, const char* field, std::string& out);
// The coordinator_url and credentials of a config; the role's options get where and how.
p2c2r_status read_endpoint(const char* url, const p2c2r_credentials* credentials,
                           bool allow_plaintext, roles::Endpoint& out, p2c2r_error* why);
// The args_json of a call as MessagePack; NULL: {}.
Result<Bytes> read_arguments(const char* args_json);

// Puts a new role under the runtime and opens it; `out` gets its handle.
template <class State, class Handle>
p2c2r_status open_role(RuntimeState& runtime, std::unique_ptr<State> role, Handle** out,
                       p2c2r_error* why) {
    State& state = *role;
    Result<void*> handle = runtime.add_role(std::move(role));
    if (!handle) return fail(why, handle.error());
    const Status status = state.open();
    if (status != Status::kOk) {
        (void)runtime.destroy_role(state, P2C2R_FOREVER);
        return fail(why, status);
    }
    *out = static_cast<Handle*>(*handle);
    return P2C2R_OK;
}

}  // namespace p2c2r::capi
