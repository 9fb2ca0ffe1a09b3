#!/usr/bin/env python3
"""Runs every benchmark of this folder and prints one table of figures, bars and verdicts.

  tests/bench/table.py [--build build] [--anchors DIR] [--only NAME,...] [--quick]

--anchors names a folder with compare.py, the harness that runs other brokers beside dispatch_bench in
the same run; without it that row is listed as skipped. Exit status 0 when every bar holds.
"""
import argparse
import json
import os
import re
import subprocess
import sys

BENCHES = [
    # name, program, arguments, what the JSON summary's figures are called
    ("scheduler", "scheduler_bench", ["--json"]),
    ("codec", "codec_bench", []),
    ("upscale", "upscale_bench", []),
    ("feel", "feel_bench", ["--json"]),
    ("idle", "scale_bench", ["idle", "--json"]),
    ("mix", "scale_bench", ["mix", "--json"]),
    ("roundtrip", "p2c2r", ["bench", "roundtrip", "--json"]),
    ("failover", "p2c2r", ["bench", "failover", "--row", "killed", "--json"]),
]


def summary_of(output):
    """The one-line JSON object that a benchmark ends with, or None."""
    for line in reversed(output.strip().splitlines()):
        if line.startswith("{") and line.endswith("}"):
            try:
                return json.loads(line)
            except ValueError:
                return None
    return None


def figures_of(summary):
    parts = []
    rows = (summary or {}).get("rows")
    for key, value in (rows[0] if rows else summary or {}).items():
        if key == "good" or isinstance(value, (list, dict)):
            continue
        parts.append(f"{key} {value:.3g}" if isinstance(value, float) else f"{key} {value}")
    return ", ".join(parts)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--build", default="build")
    parser.add_argument("--anchors", default=os.environ.get("P2C2R_ANCHORS"))
    parser.add_argument("--only", default="")
    parser.add_argument("--quick", action="store_true", help="fewer connections and frames")
    args = parser.parse_args()
    only = set(filter(None, args.only.split(",")))
    rows = []
    for name, program, arguments in BENCHES:
        if only and name not in only:
            continue
        path = os.path.join(args.build, "bin", program)
        if not os.path.exists(path):
            rows.append((name, "skipped", "not built: " + path))
            continue
        arguments = list(arguments)
        if args.quick and name == "idle":
            arguments += ["--connections", "1000"]
        if args.quick and name == "feel":
            arguments += ["--frames", "4000"]
        print(f"== {name}: {program} {' '.join(arguments)}", flush=True)
        run = subprocess.run([path, *arguments], stdout=subprocess.PIPE, text=True, timeout=600)
        print(run.stdout, end="", flush=True)
        figures = figures_of(summary_of(run.stdout))
        rows.append((name, "holds" if run.returncode == 0 else "SHORT", figures))
    if not only or "dispatch" in only:
        compare = os.path.join(args.anchors, "compare.py") if args.anchors else ""
        if compare and os.path.exists(compare):
            print("== dispatch: compare.py", flush=True)
            env = dict(os.environ, P2C2R_BENCH=os.path.abspath(os.path.join(args.build, "bin/dispatch_bench")))
            run = subprocess.run([sys.executable, compare], stdout=subprocess.PIPE, text=True, env=env,
                                 timeout=1500)
            print(run.stdout, end="", flush=True)
            held = re.search(r"(\d+) of (\d+) musts hold", run.stdout)
            rows.append(("dispatch", "holds" if run.returncode == 0 else "SHORT", held.group(0) if held else ""))
        else:
            rows.append(("dispatch", "skipped", "no --anchors folder"))
    print(f"\n{'benchmark':12s} {'bars':8s} figures")
    for row in rows:
        print(f"{row[0]:12s} {row[1]:8s} {row[2]}")
    sys.exit(1 if any(row[1] == "SHORT" for row in rows) else 0)


if __name__ == "__main__":
    main()
