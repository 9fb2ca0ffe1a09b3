// `p2c2r bench gain`: what a gamer with a quarter of a core wins by a helper, over the rates and
// delays of a local network and of a home, encrypted and logged in as ever. Gamer and helper are
// processes in network namespaces of their own; the helper has the rest of the machine and computes
// natively.
#include <algorithm>
#include <cstdio>
#include <iterator>
#include <nlohmann/json.hpp>

#include "cli/bench.h"
#include "cli/files.h"
#include "cli/gain_frames.h"
#include "cli/gain_link_posix.h"
#include "cli/process_posix.h"
#include "cli/temporary_posix.h"
#include "cli/text_table.h"
#include "cli/wait_posix.h"

namespace p2c2r::cli {

using nlohmann::json;

namespace {

constexpr GainLine kLines[] = {{"lan", 1000, 1000, 1}, {"home", 10, 50, 20}};
constexpr double kBars[] = {3, 2};  // of the best type, over each of them
constexpr uint64_t kStartTimeoutUs = 60'000'000;
constexpr uint64_t kLookUs = 200'000;  // between two looks at the signals
constexpr uint64_t kEndTimeoutUs = 5'000'000;
constexpr double kBytesPerGb = 1e9;

struct LinkRun {
    const GainLine* line = nullptr;
    double bar = 0;
    std::string delay_by = {};
    std::string limit_by = {};
    std::vector<json> frames = {};
    double best = 0;
    bool keeps_losers = true;
    [[nodiscard]] bool pass() const { return best >= bar && keeps_losers; }
};

// Below that a type loses by leaving, whatever the error of measuring.
constexpr double kLosing = 0.9;

double gain_of(const json& frame) {
    return frame["remote"]["fps"].get<double>() / frame["local"]["fps"].get<double>();
}

// Where most frames went when the client chose.
bool is_kept(const json& frame) {
    return frame["auto"]["kept"].get<double>() > 0.5;
}

// `home`: where the machine that it stands for keeps its keys.
Result<Process> start(const std::vector<std::string>& words, const std::string& home) {
    Process::Options options;
    options.ends_with_us = true;
    options.without = "P2C2R_";
    options.environment = {"P2C2R_HOME=" + home};
    return Process::start(words.front(), {words.begin() + 1, words.end()}, options);
}

// As read_line_with, but a signal ends it.
Result<std::string> line_with(Process& process, const char* begin, uint64_t timeout_us,
                              StopSignals& signals) {
    const uint64_t until_us = p2c2r_now_us() + timeout_us;
    for (;;) {
        Result<std::string> line = process.read_line_with(begin, kLookUs);
        if (line || !process.running()) return line;
        if (signals.count() > 0) return Failure{kExitSomeFailed, "stopped"};
        if (p2c2r_now_us() >= until_us) {
            return Failure{kExitSomeFailed, std::string("no line '") + begin + "' in time"};
        }
    }
}

// All lines of the gamer, until it ends.
Outcome gather(Process& gamer, uint64_t timeout_us, StopSignals& signals, LinkRun& run) {
    for (;;) {
        const Result<std::string> text = line_with(gamer, "frame ", timeout_us, signals);
        if (!text && gamer.running()) return text.failure();
        if (!text) break;
        run.frames.push_back(json::parse(*text));
        std::fprintf(stderr, "%s: %s\n", run.line->name,
                     run.frames.back()["type"].get<std::string>().c_str());
    }
    if (gamer.wait(0) == kExitOk && !run.frames.empty()) return std::nullopt;
    return Failure{kExitSomeFailed, "the gamer ended with " + std::to_string(gamer.wait(0))};
}

std::vector<std::string> gamer_command(const GainOptions& options, const GainLink& link,
                                       const GainLine& line) {
    std::vector<std::string> command = {own_path(), "bench", "gain-client"};
    if (!link.has_delay()) {
        command.insert(command.end(), {"--lag-ms", std::to_string(line.rtt_ms / 2)});
    }
    command.insert(command.end(), {"--seconds", std::to_string(options.seconds.value_or(3)),
                                   "--window", std::to_string(options.window.value_or(4))});
    if (options.type) command.insert(command.end(), {"--type", *options.type});
    if (options.small) command.emplace_back("--small");
    return command;
}

// As two people would do it: one hosts, the other joins with the code that it shows.
Outcome measure(const GainOptions& options, LinkRun& run, StopSignals& signals) {
    const Result<TemporaryDirectory> keys = TemporaryDirectory::make();
    if (!keys) return keys.failure();
    const std::string helper_home = join_path(keys->path(), "helper");
    const std::string gamer_home = join_path(keys->path(), "gamer");
    // Goes last: processes below run in it.
    const Result<std::unique_ptr<GainLink>> link = GainLink::make(*run.line);
    if (!link) return link.failure();
    run.delay_by = (*link)->has_delay() ? "netem" : "the library's fake_lag_ms at the gamer";
    Result<Process> host = start(
        (*link)->as_helper({own_path(), "host", "--listen-address", (*link)->helper_address(),
                            "--port", "0", "--device", "native", "--mode", "always", "--no-qr",
                            "--no-benchmark", "--log-level", "error", "--stop-with-input"}),
        helper_home);
    if (!host) return host.failure();
    const Result<std::string> code = line_with(*host, "    p2c2r join ", kStartTimeoutUs, signals);
    if (!code) return Failure{kExitSomeFailed, "host: " + code.failure().text};
    Result<Process> joining =
        start((*link)->as_gamer({own_path(), "join", *code, "--name", "gamer", "--no-benchmark"}),
              gamer_home);
    if (!joining) return joining.failure();
    if (const int exit_code = joining->wait(kStartTimeoutUs); exit_code != kExitOk) {
        return Failure{kExitSomeFailed, "the gamer could not join: " + std::to_string(exit_code)};
    }
    Result<Process> gamer =
        start((*link)->as_gamer(gamer_command(options, **link, *run.line)), gamer_home);
    if (!gamer) return gamer.failure();
    Result<std::string> ready = line_with(*gamer, "ready", kStartTimeoutUs, signals);
    if (!ready) return Failure{kExitSomeFailed, "gamer: " + ready.failure().text};
    // Frames are made by now; only what is measured is under the limit.
    const ProcessorLimit limit(gamer->id(), options.share.value_or(0.25));
    run.limit_by = limit.how();
    gamer->close_input();
    const auto timeout_us = static_cast<uint64_t>((options.seconds.value_or(3) * 6 + 90) * 1e6);
    Outcome failure = gather(*gamer, timeout_us, signals, run);
    gamer->kill_now();  // none where it has ended
    gamer->wait(kEndTimeoutUs);
    return failure;
}

std::string quality_text(const json& side) {
    return side.contains("psnr_db") ? number_text(side["psnr_db"], 1) : "-";
}

std::string age_text(const json& side) {
    return number_text(side["age_p50_us"].get<double>() / 1000, 0) + " / " +
           number_text(side["age_p95_us"].get<double>() / 1000, 0);
}

void print(const LinkRun& run, double share) {
    TextTable table({"type", "frame", "here fps", "there fps", "gain", "KB up", "KB down",
                     "GB/hour", "age here ms", "age there ms", "dB here", "dB there",
                     "by default"});
    std::string losing, reasons;
    for (const json& frame : run.frames) {
        const json& here = frame["local"];
        const json& there = frame["remote"];
        const double up = there["bytes_up"], down = there["bytes_down"], fps = there["fps"];
        table.add({frame["type"], frame["frame"], number_text(here["fps"], 1), number_text(fps, 1),
                   number_text(gain_of(frame), 2) + "x", number_text(up / 1000, 1),
                   number_text(down / 1000, 1),
                   number_text((up + down) * fps * 3600 / kBytesPerGb, 2), age_text(here),
                   age_text(there), quality_text(here), quality_text(there),
                   is_kept(frame) ? "kept here" : "sent"});
        reasons += frame["type"].get<std::string>() + ": " +
                   frame["auto"]["text"].get<std::string>() + " (" +
                   number_text(frame["auto"]["fps"], 1) + " fps, age " +
                   number_text(frame["auto"]["age_p50_us"].get<double>() / 1000, 0) + " ms)\n";
        if (gain_of(frame) < 1)
            losing += (losing.empty() ? "" : ", ") + frame["type"].get<std::string>();
    }
    std::printf(
        "%s: %g Mbit/s up, %g down (tbf), %g ms there and back (%s); gamer: %g of a core "
        "(%s); helper: the rest of this machine, native; TLS\n%s",
        run.line->name, run.line->up_mbps, run.line->down_mbps, run.line->rtt_ms,
        run.delay_by.c_str(), share, run.limit_by.c_str(), table.text().c_str());
    std::printf("by default, as the client chose:\n%s", reasons.c_str());
    std::printf("losing by leaving: %s%s\n", losing.empty() ? "none" : losing.c_str(),
                losing.empty()     ? ""
                : run.keeps_losers ? "; by default they stay here"
                                   : "; by default not all of them stay here: missed");
    std::printf("best gain %.2fx, bar >= %gx: %s\n\n", run.best, run.bar,
                run.best >= run.bar ? "holds" : "missed");
}

Outcome bench(const GainOptions& options, std::vector<LinkRun>& runs) {
    const double seconds = options.seconds.value_or(3), share = options.share.value_or(0.25);
    if (!(seconds >= 0.1 && seconds <= 60)) return usage_failure("--seconds is 0.1 to 60");
    if (!(share >= 0.1 && share <= 1)) return usage_failure("--share is 0.1 to 1");
    const uint64_t window = options.window.value_or(4);
    if (window < 1 || window > 64) return usage_failure("--window is 1 to 64");
    if (options.type) {
        std::string types;
        bool known = false;
        for (const char* type : kGainTypes) {
            known = known || *options.type == type;
            types += (types.empty() ? "" : ", ") + std::string(type);
        }
        if (!known) return usage_failure("--type '" + *options.type + "' is none of " + types);
    }
    const std::string wanted = options.link.value_or("");
    for (size_t i = 0; i < std::size(kLines); ++i) {
        if (!wanted.empty() && wanted != kLines[i].name) continue;
        runs.push_back({.line = &kLines[i], .bar = kBars[i]});
    }
    if (runs.empty()) return usage_failure("--link '" + wanted + "' is neither lan nor home");
    StopSignals signals;
    for (LinkRun& run : runs) {
        if (Outcome failure = measure(options, run, signals)) return failure;
        for (const json& frame : run.frames) {
            run.best = std::max(run.best, gain_of(frame));
            if (gain_of(frame) < kLosing && !is_kept(frame)) run.keeps_losers = false;
        }
        print(run, share);
    }
    std::printf(
        "here: PLACE_LOCAL; there: PLACE_REMOTE, %g in flight; by default: PLACE_AUTO. KB: of a "
        "frame on the wire, headers included. "
        "age: "
        "of what a display shows 60 times\na second. dB: PSNR of that layer against the one that "
        "is right at that moment, mean of 6 moments; -: not a layer.\n",
        static_cast<double>(window));
    return std::nullopt;
}

}  // namespace

int run_bench_gain(const GainOptions& options) {
    std::vector<LinkRun> runs;
    if (const Outcome failure = bench(options, runs)) return report("bench gain", *failure);
    bool pass = true;
    json summary = {{"bench", "gain"}, {"links", json::array()}};
    for (const LinkRun& run : runs) {
        pass = pass && run.pass();
        json link = {{"link", run.line->name},
                     {"up_mbps", run.line->up_mbps},
                     {"down_mbps", run.line->down_mbps},
                     {"rtt_ms", run.line->rtt_ms},
                     {"delay_by", run.delay_by},
                     {"limit_by", run.limit_by},
                     {"best", run.best},
                     {"bar", run.bar},
                     {"keeps_losers", run.keeps_losers},
                     {"pass", run.pass()},
                     {"frames", run.frames}};
        summary["links"].push_back(std::move(link));
    }
    summary["pass"] = pass;
    if (options.json) std::printf("%s\n", summary.dump().c_str());
    return pass ? kExitOk : kExitSomeFailed;
}

}  // namespace p2c2r::cli
