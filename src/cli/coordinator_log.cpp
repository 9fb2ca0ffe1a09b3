#include "cli/coordinator_log.h"

#include <string>

#include "cli/device_choice.h"
#include "cli/failure.h"
#include "cli/handles.h"

namespace p2c2r::cli {

void P2C2R_CALL log_coordinator_event(void* user, const p2c2r_event* event) {
    auto* log = static_cast<LogWriter*>(user);
    const std::string peer = event->subject ? event->subject : "";
    const std::string reason = event->text && *event->text ? std::string(": ") + event->text : "";
    switch (event->type) {
        case P2C2R_EVENT_PEER_JOINED:
            log->write(P2C2R_LOG_INFO, "coordinator", "peer joined" + reason, {{"peer_id", peer}});
            break;
        case P2C2R_EVENT_PEER_LEFT:
            log->write(P2C2R_LOG_INFO, "coordinator", "peer left" + reason, {{"peer_id", peer}});
            break;
        case P2C2R_EVENT_PEER_FAILED:
            log->write(P2C2R_LOG_WARN, "coordinator", "peer failed" + reason, {{"peer_id", peer}});
            break;
        default:
            break;
    }
}

void reload_certificate(p2c2r_coordinator* coordinator, LogWriter& log) {
    p2c2r_result* answer = nullptr;
    p2c2r_error why = {};
    const p2c2r_status status =
        p2c2r_coordinator_call(coordinator, "reload", nullptr, 0, &answer, &why);
    const ResultHandle owned(answer);
    if (status != P2C2R_OK) {
        log.write(P2C2R_LOG_ERROR, "coordinator", "cannot reload: " + describe(why));
        return;
    }
    const std::string pin = fields_of(answer).value("pin", "");
    log.write(P2C2R_LOG_INFO, "coordinator", "certificate reloaded, its pin is " + pin);
}

}  // namespace p2c2r::cli
