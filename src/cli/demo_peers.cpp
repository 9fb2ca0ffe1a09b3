#include "cli/demo_peers.h"

#include "cli/task_stream.h"

namespace p2c2r::cli {

using nlohmann::json;

namespace {

constexpr uint64_t kDemoDeadlineUs = 120'000'000;

}  // namespace

Result<std::unique_ptr<Session>> open_demo_session(const std::optional<std::string>& device) {
    Result<DeviceChoice> choice = parse_device(device.value_or("auto"));
    if (!choice) return choice.failure();
    SessionOptions options;
    options.peers_in_process = kDemoPeers;
    options.device = *choice;
    Result<std::unique_ptr<Session>> session = Session::open(options);
    if (session && !(*session)->wait_for_peers(kDemoPeers, kJoinTimeoutUs, nullptr)) {
        return Failure{kExitSomeFailed, "the peers did not join"};
    }
    return session;
}

Result<DemoAnswer> ask_peers(Session& session, const std::string& task_type, const json& params,
                             const std::string& data_path) {
    TaskRequest request;
    request.name = task_type;
    request.params = params;
    request.data_path = data_path;
    StreamOptions stream;
    stream.task_type = task_type;
    stream.deadline_us = kDemoDeadlineUs;
    stream.late_here =
        true;  // a coordinator gives a task five seconds, a software driver takes more
    DemoAnswer answer;
    Outcome failure;
    run_stream(session, {request}, stream, nullptr,
               [&](size_t, const TaskRecord& record, const p2c2r_result* result) {
                   if (record.status != P2C2R_OK || !result) {
                       failure = Failure{kExitSomeFailed, task_type + ": " + record.error};
                       return;
                   }
                   size_t size = 0;
                   const void* const data = p2c2r_result_data(result, &size);
                   answer.fields = fields_of(result);
                   answer.data.assign(static_cast<const char*>(data), size);
                   answer.processing_us = record.processing_us;
                   answer.by_peer = record.source == P2C2R_SOURCE_PEER;
               });
    if (failure) return *failure;
    return answer;
}

}  // namespace p2c2r::cli
