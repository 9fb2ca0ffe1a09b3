// Where a client or peer finds its coordinator, and what it shows there.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "identity/login.h"
#include "model/task.h"
#include "net/tls.h"

namespace p2c2r::roles {

struct Endpoint {
    struct Place {
        std::string host;
        uint32_t port = limits::kListenPortDefault;
    };
    std::string host;
    uint32_t port = limits::kListenPortDefault;
    std::vector<Place> others;  // where the same coordinator may be instead: each is tried in turn
    std::shared_ptr<net::TlsContext> tls;                      // NULL: bytes travel as they are
    std::shared_ptr<const identity::Credentials> credentials;  // NULL: nothing to show
};

}  // namespace p2c2r::roles
