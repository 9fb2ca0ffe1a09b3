// Where roles of the same process reach a coordinator without a socket. Shared by the coordinator
// and those that connect to it; the coordinator may be gone before them.
#pragma once

#include <memory>

#include "roles/coordinator.h"

namespace p2c2r::capi {

class RuntimeState;

struct CoordinatorPort {
    RuntimeState* runtime = nullptr;
    roles::Coordinator* role = nullptr;  // loop only; NULL: gone

    void accept(std::unique_ptr<net::Connection> connection) const {
        if (role) role->accept(std::move(connection));
    }
};

}  // namespace p2c2r::capi
