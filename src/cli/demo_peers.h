// What the demonstrations share: a coordinator, two peers and a client in this process, and a task
// that goes through all of them.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "cli/session.h"
#include "cli/task_request.h"

namespace p2c2r::cli {

inline constexpr uint32_t kDemoPeers = 2;

// `device` as --device has it. The peers have joined when it returns.
Result<std::unique_ptr<Session>> open_demo_session(const std::optional<std::string>& device);

struct DemoAnswer {
    nlohmann::json fields;
    std::string data;
    uint64_t processing_us = 0;
    bool by_peer = false;
};

// One task to its end; `data_path` may be "".
Result<DemoAnswer> ask_peers(Session& session, const std::string& task_type,
                             const nlohmann::json& params, const std::string& data_path = "");

}  // namespace p2c2r::cli
