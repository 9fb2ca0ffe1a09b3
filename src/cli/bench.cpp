// `p2c2r bench`: measurements with real processes and sockets; each prints its figures and exits 0
// only when its bar holds.
#include "cli/bench.h"

#include "cli/commands.h"
#include "cli/gain_client_posix.h"
#include "cli/hold_peer.h"

namespace p2c2r::cli {

void add_bench_command(Command& root) {
    static FailoverOptions failover;
    static FramesBenchOptions frames;
    static LoadBenchOptions overload;
    static LoadBenchOptions fairness;
    static LoadBenchOptions tail;
    static std::vector<std::string> placement;
    static SplitBenchOptions split;
    static RoundtripOptions roundtrip;
    static KernelsOptions kernels;
    static MachineOptions machine;
    static OwnerBenchOptions owner;
    static GainOptions gain;
    static GainClientOptions gain_client;
    static HoldPeerOptions hold;

    Command bench = root.add_command("bench", "Measure with real processes on this machine");
    Command command = bench.add_command(
        "failover", "What the tasks of a peer that dies, or falls silent (root), feel of it; bars",
        [] { return run_bench_failover(failover); });
    command.add_text(
        "--row", failover.row,
        "killed, silent, coordinator, deadlines-killed, deadlines-silent or jitter alone "
        "(all)");
    command.add_count("--rounds", failover.rounds,
                      "Faults of killed (50), silent (30) and coordinator (20)");
    command.add_count("--peers", failover.peers, "Peers at the same time (4)");
    command.add_count("--in-flight", failover.in_flight, "Tasks in flight (12)");
    command.add_count("--hold-ms", failover.hold_ms, "How long a task holds its slot (20)");
    command.add_count("--seconds", failover.seconds, "Of each of the other rows (60)");
    command.add_flag("--json", failover.json, "End with a one-line summary");

    command = bench.add_command(
        "frames",
        "A game's frames while one in five of its peers misbehaves; bars: no pull late, 95 % "
        "remote and at most 2 frames old, 1 dB",
        [] { return run_bench_frames(frames); });
    command.add_count("--fps", frames.fps, "Frames a second (60)", {10, 500});
    command.add_count("--peers", frames.peers, "Peers at the same time (5)", {5, 50});
    command.add_count("--seconds", frames.seconds, "With faults (60)", {1, 3600});
    command.add_count("--calm-seconds", frames.calm_seconds, "Without, before (15)", {1, 3600});
    command.add_count("--seed", frames.seed, "Which peers misbehave, and how (1)");
    command.add_flag("--json", frames.json, "End with a one-line summary");

    command = bench.add_command(
        "overload", "Three times the load that peers can do; bars of goodput, refusals, recovery",
        [] { return run_bench_overload(overload); });
    command.add_count("--seconds", overload.seconds, "Of too much load (20)", {1, 3600});
    command.add_flag("--json", overload.json, "End with a one-line summary");

    command = bench.add_command(
        "fairness", "One gamer floods 20 times its share beside nine others; bars of theirs",
        [] { return run_bench_fairness(fairness); });
    command.add_count("--seconds", fairness.seconds, "Of the flood (20)", {1, 3600});
    command.add_flag("--json", fairness.json, "End with a one-line summary");

    command = bench.add_command(
        "tail",
        "What one task in a thousand waits for while one of twenty peers is slow, with and without "
        "copies of late tasks; bars 10 times less, 5 % more work",
        [] { return run_bench_tail(tail); });
    command.add_count("--seconds", tail.seconds, "Of each of the two (20)", {5, 3600});
    command.add_flag("--json", tail.json, "End with a one-line summary");

    command = bench.add_command(
        "placement",
        "Ways to choose a peer in virtual time, over a thousand of them: p2c2r_sim beside this "
        "program",
        [] { return run_bench_placement(placement); });
    command.take_rest(placement);
    command.set_footer(
        "Options of p2c2r_sim placement: --peers N (1000), --tasks N, --seed S, --speeds-told, "
        "--json. Builds with P2C2R_BUILD_TESTS, as they are unless told otherwise, make it.");

    command = bench.add_command(
        "split", "One big task over 1 to 8 peers: equal bytes; bars of how much sooner",
        [] { return run_bench_split(split); });
    command.add_count("--rounds", split.rounds, "Of each, the median counts (5)", {1, 1000});
    command.add_flag("--json", split.json, "End with a one-line summary");

    command = bench.add_command(
        "roundtrip", "Whole-frame round trip against its own decode + upscale + encode; bar 1.3x",
        [] { return run_bench_roundtrip(roundtrip); });
    command.add_text("--data", roundtrip.data,
                     "Frame or directory of frames (a drawn 1280x720 frame)");
    command.add_count("--frames", roundtrip.frames, "Frames to send (60)");
    command.add_flag("--json", roundtrip.json, "End with a one-line summary");

    command = bench.add_command(
        "kernels", "A typical frame of each task type: bytes, time by device, equal answers",
        [] { return run_bench_kernels(kernels); });
    command.add_text("--device", kernels.device,
                     "native, or the Vulkan device beside it: vulkan[:N] (auto: a real GPU)");
    command.add_text("--type", kernels.type, "This task type only");
    command.add_text("--data", kernels.data, "Frame to upscale (a drawn 1280x720 frame)");
    command.add_flag("--small", kernels.small, "Small frames, for a quick look");
    command.add_flag("--json", kernels.json, "End with a one-line summary");

    command =
        bench.add_command("this-machine", "How many gamers this machine and its uplink can serve",
                          [] { return run_bench_machine(machine); });
    command.add_text("--device", machine.device, "auto, native or vulkan[:N] (auto)");
    command.add_text("--type", machine.type, "This task type only");
    command.add_count("--fps", machine.fps, "Frames a second of a gamer (60)");
    command.add_count("--gpu-duty-cap", machine.duty_percent,
                      "Percent of its time that the machine gives (100)");
    command.add_real("--uplink-mbps", machine.uplink_mbps,
                     "What it can send, in Mbit/s (measured towards the coordinator joined last)");
    command.add_flag("--small", machine.small, "Small frames, for a quick look");
    command.add_flag("--json", machine.json, "End with a line of JSON");

    command = bench.add_command(
        "owner",
        "From the owner's word to an idle machine, the duty cap, and the counts of data; bars 8 ms "
        "at p99, 2 points, no byte",
        [] { return run_bench_owner(owner); });
    command.add_text("--device", owner.device, "native or vulkan[:N] (native)");
    command.add_text("--type", owner.type, "This task type only");
    command.add_count("--rounds", owner.rounds, "Interruptions of each type (50)", {1, 100'000});
    command.add_count("--duty-seconds", owner.duty_seconds, "How long the duty is measured (10)",
                      {1, 3600});
    command.add_flag("--json", owner.json, "End with a one-line summary");
    command = bench.add_command(
        "gain", "A slow gamer with and without a helper over real rates (Linux, root); bars 3x, 2x",
        [] { return run_bench_gain(gain); });
    command.add_text("--link", gain.link, "lan or home alone (both)");
    command.add_real("--seconds", gain.seconds, "Measured for each type, here and there (3)");
    command.add_count("--window", gain.window, "Tasks in flight (4)");
    command.add_text("--type", gain.type, "This task type only");
    command.add_real("--share", gain.share, "Of one core, for the gamer (0.25)");
    command.add_flag("--small", gain.small, "Small frames, for a quick look");
    command.add_flag("--json", gain.json, "End with a one-line summary");

    command = bench.add_command("gain-client", "The gamer of `bench gain`",
                                [] { return run_gain_client(gain_client); });
    command.add_real("--lag-ms", gain_client.lag_ms, "Added one way");
    command.add_real("--seconds", gain_client.seconds, "Measured each");
    command.add_count("--window", gain_client.window, "Tasks in flight", {1, 64});
    command.add_text("--type", gain_client.type, "This task type only");
    command.add_flag("--small", gain_client.small, "Small frames");
    command.hide();

    command =
        bench.add_command("hold-peer", "A peer of benches", [] { return run_hold_peer(hold); });
    hold.add_to(command);
    command.hide();
}

}  // namespace p2c2r::cli
