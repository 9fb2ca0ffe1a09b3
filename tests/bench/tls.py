#!/usr/bin/env python3
"""What encryption costs: dispatch_bench over TLS beside itself in plaintext, in the same run.

  tests/bench/tls.py [--build build] [--reps 5] [--secs 0.5] [--host-net]

Each figure is the median over repetitions taken in turn (plain, TLS, plain, ...), all processes on one
CPU. As root it runs in a network namespace of its own with an unpaced congestion control (reno), as
the harness for other brokers does; --host-net uses the machine's own setting. Exit status 0 when every
must holds.
"""
import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time

# name, bytes, in flight, workers, figure, at least, must, goal
ROWS = [
    ("64 B, one in flight", 64, 1, 1, "p50_us", False, 1.6, 1.3),
    ("64 B x 256", 64, 256, 2, "tps", True, 0.5, 0.8),
    ("64 KiB x 64", 65536, 64, 2, "mbps", True, 0.3, 0.5),
]
UNITS = {"p50_us": "us p50", "tps": "tasks/s", "mbps": "MB/s"}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def run_once(program, row, tls, secs):
    _, size, inflight, workers = row[:4]
    extra = ["--tls"] if tls else []
    port = str(free_port())
    with tempfile.TemporaryDirectory(prefix="p2c2r-tls-") as folder:
        started = []

        def start(*arguments):
            command = ["taskset", "-c", "0", program, *arguments, "--port", port, *extra]
            started.append(subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL,
                                            stderr=subprocess.DEVNULL))

        try:
            start("broker")
            time.sleep(0.3)
            for index in range(workers):
                start("worker", "--id", str(index), "--inflight", str(inflight))
            time.sleep(0.3)
            client = subprocess.run(
                ["taskset", "-c", "0", program, "client", "--port", port, "--size", str(size),
                 "--inflight", str(inflight), "--workers", str(workers), "--secs", str(secs),
                 "--warm", "0.15", "--pids", ",".join(str(p.pid) for p in started), *extra],
                cwd=folder, stdout=subprocess.PIPE, timeout=secs + 15, check=True)
            figures = json.loads(client.stdout.decode().strip().splitlines()[-1])
            if figures["errors"]:
                raise SystemExit(f"tls.py: {row[0]}: {figures['errors']} tasks went wrong")
            return figures
        finally:
            for process in reversed(started):
                process.terminate()
                process.wait(10)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build")
    parser.add_argument("--reps", type=int, default=5)
    parser.add_argument("--secs", type=float, default=0.5)
    parser.add_argument("--host-net", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if not options.host_net and os.geteuid() == 0 and not os.environ.get("P2C2R_BENCH_NETNS"):
        os.environ["P2C2R_BENCH_NETNS"] = "1"
        prepare = ('ip link set lo up && echo reno > /proc/sys/net/ipv4/tcp_congestion_control && '
                   'exec "$@"')
        os.execvp("unshare", ["unshare", "-n", "sh", "-c", prepare, "sh", sys.executable,
                              os.path.abspath(__file__), *sys.argv[1:]])
    program = os.path.abspath(os.path.join(options.build, "bin", "dispatch_bench"))
    found = {}
    for _ in range(options.reps):
        for row in ROWS:
            for tls in (False, True):
                found.setdefault((row[0], tls), []).append(
                    run_once(program, row, tls, options.secs))
    good = True
    summary = {}
    print(f"{'echo tasks':22s} {'figure':8s} {'plain':>12s} {'TLS':>12s} {'ratio':>7s}  {'must':>7s} "
          f"{'goal':>7s}  {'us/task of broker, worker, client: plain':40s} TLS")
    for row in ROWS:
        name, figure, at_least, must, goal = row[0], *row[4:]

        def median(tls, key):
            return statistics.median(one[key] for one in found[name, tls])

        ratio = median(True, figure) / median(False, figure)
        sign = ">=" if at_least else "<="
        holds = ratio >= must if at_least else ratio <= must
        reached = ratio >= goal if at_least else ratio <= goal
        good = good and holds
        costs = [" ".join(f"{median(tls, key):.2f}" for key in ("broker_us", "workers_us", "client_us"))
                 for tls in (False, True)]
        print(f"{name:22s} {UNITS[figure]:8s} {median(False, figure):12.1f} {median(True, figure):12.1f} "
              f"{ratio:7.2f}  {sign}{must:5.2f} {sign}{goal:5.2f}  {costs[0]:40s} {costs[1]:20s} "
              f"{'goal' if reached else 'holds' if holds else 'SHORT'}")
        summary[name] = round(ratio, 3)
    if options.json:
        print(json.dumps({"good": good, **summary}))
    sys.exit(0 if good else 1)


main()
