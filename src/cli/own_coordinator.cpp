#include "cli/own_coordinator.h"

#include "cli/addresses_posix.h"
#include "cli/contact.h"
#include "cli/coordinator_log.h"
#include "cli/device_choice.h"
#include "cli/machine.h"

namespace p2c2r::cli {

using nlohmann::json;

Result<OwnCoordinator> start_own_coordinator(p2c2r_runtime* runtime, const CoordinatorPlace& place,
                                             const Settings& settings, LogWriter& log) {
    const auto or_null = [](const std::string& text) {
        return text.empty() ? nullptr : text.c_str();
    };
    p2c2r_coordinator_config config = {};
    config.struct_size = sizeof config;
    config.listen_port = settings.port("listen_port").value_or(0);
    config.max_peers = settings.integer("max_peers").value_or(0);
    config.task_timeout_ms = settings.integer("task_timeout_ms").value_or(0);
    config.heartbeat_interval_ms = settings.integer("heartbeat_interval_ms").value_or(0);
    config.prometheus_port = place.prometheus_port;
    // Log lines are quick and take no turn of the program: they may come from the loop itself.
    config.deliver = P2C2R_DELIVER_ON_LOOP;
    if (settings.boolean("plaintext_anywhere").value_or(false)) {
        config.flags = P2C2R_COORDINATOR_PLAINTEXT_ANYWHERE;
    }
    config.listen_address = place.listen_address.c_str();
    const std::string rare = role_options(settings, Daemon::kCoordinator, false);
    config.options = rare.c_str();
    config.certificate_file = or_null(place.certificate_file);
    config.key_file = or_null(place.key_file);
    config.access_file = or_null(place.access_file);
    config.audit_file = or_null(place.audit_file);
    config.event = log_coordinator_event;
    config.user = &log;
    OwnCoordinator own;
    p2c2r_coordinator* coordinator = nullptr;
    p2c2r_error why = {};
    p2c2r_status status = p2c2r_coordinator_create(runtime, &config, &coordinator, &why);
    own.handle.reset(coordinator);
    if (status == P2C2R_OK) status = p2c2r_coordinator_start(coordinator, &why);
    if (status != P2C2R_OK) {
        // Denied is what the options must allow first: plaintext with any address.
        const bool is_usage = status == P2C2R_E_ARGUMENT || status == P2C2R_E_DENIED;
        const int code = is_usage ? kExitUsage : kExitSomeFailed;
        return library_failure(code, "cannot listen", why);
    }
    p2c2r_coordinator_port(coordinator, &own.port, &own.monitoring_port);
    return own;
}

Result<json> ask_own(p2c2r_coordinator* coordinator, const char* name, const json& arguments) {
    p2c2r_result* answer = nullptr;
    p2c2r_error why = {};
    const p2c2r_status status =
        p2c2r_coordinator_call(coordinator, name, arguments.dump().c_str(), 0, &answer, &why);
    const ResultHandle owned(answer);
    if (status != P2C2R_OK) {
        return call_failure(kExitSomeFailed, name, why);
    }
    return fields_of(answer);
}

// The call that reads the certificate again is the one that tells its pin, of whatever kind its key
// is.
std::string pin_of_own(p2c2r_coordinator* coordinator) {
    const Result<json> reloaded = ask_own(coordinator, "reload");
    return reloaded ? reloaded->value("pin", "") : std::string();
}

Outcome enrol_self(p2c2r_runtime* runtime, const OwnCoordinator& own, const CoordinatorPlace& place,
                   LogWriter& log) {
    const Result<Identity> self = machine_identity(runtime);
    if (!self) return self.failure();
    std::string name = host_name();
    const Result<json> list = ask_own(own.handle.get(), "key.list");
    if (!list) return list.failure();
    bool is_known = false;
    bool is_taken = name == "operator";
    std::string obstacle;
    for (const json& account : list->value("accounts", json::array())) {
        is_taken = is_taken || account.value("name", "") == name;
        if (account.value("key", "") != self->public_key) continue;
        is_known = true;
        name = account.value("name", "");
        if (account.value("roles", "").find("admin") == std::string::npos) obstacle = "is no admin";
        if (account.value("revoked_ms", uint64_t{0}) != 0) obstacle = "was revoked";
    }
    if (is_taken && !is_known) name += "-" + self->public_key.substr(0, 6);
    if (!is_known) {
        const Result<json> added = ask_own(own.handle.get(), "key.add",
                                           {{"name", name},
                                            {"key", self->public_key},
                                            {"roles", "gamer,peer,admin"},
                                            {"circle", "own"}});
        if (!added) return added.failure();
    }
    if (!obstacle.empty()) {
        log.write(P2C2R_LOG_WARN, "coordinator",
                  "this machine's account '" + name + "' " + obstacle +
                      ": p2c2r invite, token, accounts and revoke are refused here");
    }
    const std::string pin = place.certificate_file.empty() ? "" : pin_of_own(own.handle.get());
    const std::string url = url_of(near_host(place.listen_address), own.port, !pin.empty());
    const Reach reach{place.listen_address, place.given_hosts};
    return remember_coordinator({name, {url}, pin, true, true, reach});
}

}  // namespace p2c2r::cli
