// The table of keys, and of those that are refused because their feature is not built.
#include "cli/settings.h"

namespace p2c2r::cli {

using Kind = SettingKey::Kind;

namespace {

constexpr int64_t kMany = 0xFFFFFFF0;
// A petabyte and a terabit: they fit into 32 bits as megabytes and kilobits.
constexpr int64_t kRealMost = 1'000'000;

// Keys that the contract names and this release does not do yet. Ends with '.': all keys below it.
struct NotBuilt {
    const char* name;
    const char* feature;
};
constexpr NotBuilt kNotBuilt[] = {
    {"database", "the ledger"},
    {"mode", "owner-first modes"},
    {"modes", "owner-first modes"},
    {"schedule", "owner-first hours"},
    {"schedule.", "owner-first hours"},
    {"gpu_duty_cap", "owner-first caps"},
    {"caps.", "owner-first caps"},
    {"database.", "the ledger"},
    {"ledger.", "the ledger"},
    {"price", "prices"},
    {"sandbox", "the sandbox"},
    {"sandbox.", "the sandbox"},
    {"monitoring.dashboard", "the dashboard"},
};

}  // namespace

const std::vector<SettingKey>& setting_keys() {
    static const std::vector<SettingKey> keys = {
        {"listen_port", Kind::kPort, Daemon::kCoordinator, 0, 65535, "--port,--listen-port",
         "Port to listen on; 0: any free one (8765)"},
        {"listen_address", Kind::kText, Daemon::kCoordinator, 0, 0, "--listen-address",
         "Address to listen on (127.0.0.1)"},
        {"plaintext_anywhere", Kind::kBoolean, Daemon::kBoth, 0, 0, "--plaintext-anywhere",
         "true: allow plaintext with an address that is not loopback (false)"},
        {"certificate_file", Kind::kText, Daemon::kCoordinator, 0, 0, "--certificate-file",
         "Certificate for TLS, PEM; read again on SIGHUP (plaintext)"},
        {"key_file", Kind::kText, Daemon::kCoordinator, 0, 0, "--key-file",
         "Its private key, PEM, mode 0600"},
        {"access_file", Kind::kText, Daemon::kCoordinator, 0, 0, "--access-file",
         "Who may come in; made if it is not there (whoever comes)"},
        {"audit_file", Kind::kText, Daemon::kCoordinator, 0, 0, "--audit-file",
         "A line of JSON for each login, refusal and change (none)"},
        {"max_peers", Kind::kInteger, Daemon::kCoordinator, 1, 1'000'000, "--max-peers",
         "Peers at the same time (10000)"},
        {"task_timeout_ms", Kind::kInteger, Daemon::kCoordinator, 1, 3'600'000, "--task-timeout-ms",
         "Cap of every deadline (5000)"},
        {"heartbeat_interval_ms", Kind::kInteger, Daemon::kCoordinator, 10, 600'000,
         "--heartbeat-interval-ms", "Heartbeat of idle peers (1000)"},
        {"monitoring.prometheus_port", Kind::kPort, Daemon::kCoordinator, 0, 65535,
         "--prometheus-port,--monitoring-port",
         "Port of /metrics and /healthz; 0: any free one; off (9090 if it is free)"},
        {"coordinator_url", Kind::kText, Daemon::kPeer, 0, 0, "--coordinator,--coordinator-url",
         "p2c2r://host[:port] or p2c2r+plain://host[:port] (the one joined last, else "
         "p2c2r+plain://127.0.0.1:8765)"},
        {"server_pin", Kind::kText, Daemon::kPeer, 0, 0, "--server-pin",
         "SHA-256 of the coordinator's public key, 64 hexadecimal digits"},
        {"ca_file", Kind::kText, Daemon::kPeer, 0, 0, "--ca-file",
         "Authorities that vouch for the coordinator, PEM"},
        {"identity_file", Kind::kText, Daemon::kPeer, 0, 0, "--identity-file",
         "Private key to log in with, PEM, mode 0600"},
        {"token_file", Kind::kText, Daemon::kPeer, 0, 0, "--token-file",
         "File with a token to log in with, 64 hexadecimal digits"},
        {"peer_id", Kind::kText, Daemon::kPeer, 0, 0, "--peer-id", "Name of this peer (automatic)"},
        {"circle", Kind::kText, Daemon::kPeer, 0, 0, "--circle",
         "own: no tasks but those of this machine's owner (invited)"},
        {"max_concurrent_tasks", Kind::kInteger, Daemon::kPeer, 1, 1024, "--max-concurrent-tasks",
         "Tasks at the same time (4)"},
        {"device", Kind::kText, Daemon::kPeer, 0, 0, "--device",
         "auto, native or vulkan[:N] (auto)"},
        {"use_gpu", Kind::kBoolean, Daemon::kPeer, 0, 0, "--use-gpu",
         "false: as --device native (true)"},
        {"task_types", Kind::kList, Daemon::kPeer, 0, 0, "--tasks,--task-types",
         "Task types to take, with commas between them (all)"},
        {"worker_threads", Kind::kInteger, Daemon::kPeer, 1, 1024, "--worker-threads",
         "Threads that compute (one per core)"},
        {"reconnect_attempts", Kind::kInteger, Daemon::kPeer, 0, kMany, "--reconnect-attempts",
         "Failed tries in a row before giving up (no limit)"},
        {"capabilities.cpu_cores", Kind::kInteger, Daemon::kPeer, 1, 65536, "",
         "Overrides what was detected"},
        {"capabilities.ram_gb", Kind::kReal, Daemon::kPeer, 0, kRealMost, "",
         "Overrides what was detected"},
        {"capabilities.gpu_model", Kind::kText, Daemon::kPeer, 0, 0, "",
         "Overrides what was detected"},
        {"capabilities.gpu_vram_gb", Kind::kReal, Daemon::kPeer, 0, kRealMost, "",
         "Overrides what was detected"},
        {"capabilities.network_mbps", Kind::kReal, Daemon::kPeer, 0, kRealMost, "",
         "Speed of the link"},
        {"capabilities.location", Kind::kText, Daemon::kPeer, 0, 0, "", "A word for the place"},
        {"log.level", Kind::kText, Daemon::kBoth, 0, 0, "--log-level",
         "error, warn, info, debug or trace (info)"},
        {"log.file", Kind::kText, Daemon::kBoth, 0, 0, "--log-file",
         "File to append log lines to (standard error)"},
        {"log.format", Kind::kText, Daemon::kBoth, 0, 0, "--log-format", "text or json (text)"},
    };
    return keys;
}

const SettingKey* find_setting_key(const std::string& name) {
    for (const SettingKey& key : setting_keys()) {
        if (name == key.name) return &key;
    }
    return nullptr;
}

const char* not_built_feature(const std::string& name) {
    for (const NotBuilt& entry : kNotBuilt) {
        const std::string_view known = entry.name;
        if (known.ends_with('.') ? name.starts_with(known) : name == known) return entry.feature;
    }
    return nullptr;
}

}  // namespace p2c2r::cli
