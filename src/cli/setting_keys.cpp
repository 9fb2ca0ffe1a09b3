// The table of keys, and of those that are refused because their feature is not built.
#include "cli/settings.h"

namespace p2c2r::cli {

using Kind = SettingKey::Kind;

namespace {

constexpr int64_t kMany = 0xFFFFFFF0;
constexpr int64_t kMegabytesMax = 1'000'000'000;
// A petabyte and a terabit: they fit into 32 bits as megabytes and kilobits.
constexpr int64_t kRealMost = 1'000'000;

// Keys that the contract names and this release does not do yet. Ends with '.': all keys below it.
struct NotBuilt {
    const char* name;
    const char* feature;
};
constexpr NotBuilt kNotBuilt[] = {
    {"database", "the ledger"},
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
        {"listen_port", Kind::kPort, Daemon::kCoordinating, 0, 65535, "--port,--listen-port",
         "Port to listen on; 0: any free one (8765)"},
        {"listen_address", Kind::kText, Daemon::kCoordinating, 0, 0, "--listen-address",
         "Address to listen on (127.0.0.1; host: all of this machine's)"},
        {"plaintext_anywhere", Kind::kBoolean, Daemon::kAll, 0, 0, "--plaintext-anywhere",
         "true: allow plaintext with an address that is not loopback (false)"},
        {"certificate_file", Kind::kText, Daemon::kCoordinating, 0, 0, "--certificate-file",
         "Certificate for TLS, PEM; read again on SIGHUP (plaintext; host: its own)"},
        {"key_file", Kind::kText, Daemon::kCoordinating, 0, 0, "--key-file",
         "Its private key, PEM, mode 0600"},
        {"access_file", Kind::kText, Daemon::kCoordinating, 0, 0, "--access-file",
         "Who may come in; made if it is not there (whoever comes; host: its own)"},
        {"audit_file", Kind::kText, Daemon::kCoordinating, 0, 0, "--audit-file",
         "A line of JSON for each login, refusal and change (none; host: its own)"},
        {"max_peers", Kind::kInteger, Daemon::kCoordinating, 1, 1'000'000, "--max-peers",
         "Peers at the same time (10000)"},
        {"task_timeout_ms", Kind::kInteger, Daemon::kCoordinating, 1, 3'600'000,
         "--task-timeout-ms", "Cap of every deadline (5000)"},
        {"heartbeat_interval_ms", Kind::kInteger, Daemon::kCoordinating, 10, 600'000,
         "--heartbeat-interval-ms", "Heartbeat of idle peers (1000)"},
        {"monitoring.prometheus_port", Kind::kPort, Daemon::kCoordinating, 0, 65535,
         "--prometheus-port,--monitoring-port",
         "Port of /metrics and /healthz; 0: any free one; off (9090 if it is free; host: off)"},
        {"content_mb", Kind::kInteger, Daemon::kAll, 0, 1'000'000, "--content-mb",
         "MiB of contents (scenes, levels) kept for later tasks; 0: none (256)"},
        {"answer_cache_mb", Kind::kInteger, Daemon::kCoordinating, 0, 1'000'000,
         "--answer-cache-mb", "MiB of answers kept for who asks the same again; 0: none (64)"},
        {"copies_percent", Kind::kInteger, Daemon::kCoordinating, 0, 100, "--copies-percent",
         "Of a hundred attempts, second ones of tasks that are late; 0: none (5)"},
        {"gamer_tasks_per_s", Kind::kInteger, Daemon::kCoordinating, 0, kMany,
         "--gamer-tasks-per-s",
         "Tasks a second of each account but the operator's; 0: no limit (20000)"},
        {"gamer_bytes_per_s", Kind::kInteger, Daemon::kCoordinating, 0, kMany,
         "--gamer-bytes-per-s", "The same of bytes, contents included (268435456)"},
        {"gamer_in_flight_max", Kind::kInteger, Daemon::kCoordinating, 1, 65536,
         "--gamer-in-flight-max", "The same of tasks where peers may get them (64)"},
        {"gamer_queued_max", Kind::kInteger, Daemon::kCoordinating, 0, 65536, "--gamer-queued-max",
         "The same of tasks that wait for these (256)"},
        {"account_connections_max", Kind::kInteger, Daemon::kCoordinating, 1, 65536,
         "--account-connections-max", "Clients and peers of each of these accounts at a time (64)"},
        {"limit_operator", Kind::kBoolean, Daemon::kCoordinating, 0, 0, "--limit-operator",
         "true: these limits hold for the operator's own machines as well (false)"},
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
        {"max_concurrent_tasks", Kind::kInteger, Daemon::kHelping, 1, 1024,
         "--max-concurrent-tasks", "Tasks at the same time (4)"},
        {"device", Kind::kText, Daemon::kHelping, 0, 0, "--device",
         "auto, native or vulkan[:N] (auto)"},
        {"use_gpu", Kind::kBoolean, Daemon::kHelping, 0, 0, "--use-gpu",
         "false: as --device native (true)"},
        {"task_types", Kind::kList, Daemon::kPeer, 0, 0, "--tasks,--task-types",
         "Task types to take, with commas between them (all)"},
        {"worker_threads", Kind::kInteger, Daemon::kHelping, 1, 1024, "--worker-threads",
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
        {"capabilities.speed", Kind::kReal, Daemon::kHelping, 0, 1000, "",
         "How fast it computes, 1 being any one machine; 0: says nothing (as the benchmark found)"},
        {"capabilities.location", Kind::kText, Daemon::kPeer, 0, 0, "", "A word for the place"},
        {"mode", Kind::kText, Daemon::kHelper, 0, 0, "--mode",
         "When it helps: idle (nobody uses the machine), while_gaming (for a share of the time), "
         "schedule or always (idle)"},
        {"idle_minutes", Kind::kInteger, Daemon::kHelper, 0, 1440, "--idle-minutes",
         "Minutes without input before it helps (5)"},
        {"hand_back_ms", Kind::kInteger, Daemon::kHelper, 0, 60'000, "",
         "How long tasks wait for the owner to be gone again before they are handed back (300)"},
        {"schedule.hours", Kind::kText, Daemon::kHelper, 0, 0, "--hours",
         "Only within these hours of the day, as 22:00-07:00 (all day)"},
        {"gpu_duty_cap", Kind::kInteger, Daemon::kHelper, 1, 100, "--gpu-duty-cap",
         "Percent of the time that it may work (100; 30 in mode while_gaming)"},
        {"on_battery", Kind::kBoolean, Daemon::kHelper, 0, 0, "--on-battery",
         "true: also while the machine runs on its battery (false)"},
        {"on_metered", Kind::kBoolean, Daemon::kHelper, 0, 0, "--on-metered",
         "true: also over a metered network (false)"},
        {"metered", Kind::kBoolean, Daemon::kHelper, 0, 0, "--metered",
         "true: this machine's network is metered (false)"},
        {"caps.data_day_mb", Kind::kInteger, Daemon::kHelper, 1, kMegabytesMax, "--data-day-mb",
         "Megabytes a day, both ways (no cap)"},
        {"caps.data_month_mb", Kind::kInteger, Daemon::kHelper, 1, kMegabytesMax, "--data-month-mb",
         "Megabytes a calendar month, both ways (no cap)"},
        {"caps.vram_mb", Kind::kInteger, Daemon::kHelper, 1, 1 << 20, "--vram-mb",
         "Memory of the GPU that tasks may hold (no cap)"},
        {"caps.gpu_temperature", Kind::kInteger, Daemon::kHelper, 0, 150, "--gpu-temperature",
         "Rests above so many degrees, where the driver tells them; 0: no cap (85)"},
        {"caps.cpu_temperature", Kind::kInteger, Daemon::kHelper, 0, 150, "--cpu-temperature",
         "The same of the processor (95)"},
        {"caps.power_watts", Kind::kInteger, Daemon::kHelper, 1, 100'000, "--power-watts",
         "Rests while the GPU or the battery gives more, where they tell it (no cap)"},
        {"data_file", Kind::kText, Daemon::kHelper, 0, 0, "--data-file",
         "Where the counts of data are kept (data in $P2C2R_HOME, else ~/.config/p2c2r)"},
        {"display", Kind::kText, Daemon::kHelper, 0, 0, "--display",
         "X display whose input and windows tell whether you are there ($DISPLAY)"},
        {"log.level", Kind::kText, Daemon::kAll, 0, 0, "--log-level",
         "error, warn, info, debug or trace (info)"},
        {"log.file", Kind::kText, Daemon::kAll, 0, 0, "--log-file",
         "File to append log lines to (standard error)"},
        {"log.format", Kind::kText, Daemon::kAll, 0, 0, "--log-format", "text or json (text)"},
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
