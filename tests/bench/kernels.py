#!/usr/bin/env python3
"""Builds and runs the benchmarks of the kernels and prints one table for each, as Markdown.

  tests/bench/kernels.py [--build build] [--pathfinding FOLDER] [--only upscale,raytrace,physics,path]
                         [--under COMMAND] [--log FILE] [--no-build]

Ours on one thread, on two threads and on the first Vulkan device of this machine, beside a peer in the same
run, with the bars of the kernels and whether they hold. A peer that is not installed is named, with what
installs it. P2C2R_DATA names the folder of real frames and maps; without it drawn ones are used.

--pathfinding names a folder with the npm package `pathfinding` (npm install --prefix FOLDER pathfinding).
--under runs each benchmark under another command, for example one that keeps the machine quiet.
Exit status 0 when every bar holds that could be measured.
"""
import argparse
import json
import os
import shlex
import subprocess
import sys

BENCHES = {
    # name: (program, arguments, what installs its peer, the peer)
    "upscale": ("upscale_bench", [], "apt-get install libzimg-dev libopencv-dev", "zimg and OpenCV"),
    "raytrace": ("raytrace_bench", ["vulkan"], "apt-get install libembree-dev", "Embree 3"),
    "physics": ("physics_bench", ["10000", "200"], "apt-get install libbullet-dev", "Bullet"),
    "path": ("path_bench", [], "apt-get install libboost-graph-dev", "Boost.Graph"),
}


def number(value):
    if not value:
        return "-"
    return f"{value:.3g}" if value < 100 else f"{value:.0f}"


def bar(row, name):
    if not row["must"]:
        return "-"
    return (">= " if row["at_least"] else "<= ") + f"{row[name]:g}"


def verdict(row):
    """What became of the bar: None where there is none or nothing to compare with."""
    if not row["must"] or not row["ratio"]:
        return None
    reaches = (lambda limit: row["ratio"] >= limit) if row["at_least"] else (lambda limit: row["ratio"] <= limit)
    if reaches(row["goal"]):
        return "goal" if row["goal"] != row["must"] else "holds"
    return "holds" if reaches(row["must"]) else "SHORT"


def table(rows):
    device = next((row["device"] for row in rows if row["device"]), "no Vulkan device")
    lines = [f"| kernel | 1 thread | 2 threads | {device} | peer, same run | ratio | must | goal | held |",
             "|---|---|---|---|---|---|---|---|---|"]
    for row in rows:
        unit = row["unit"]
        equal = "" if row["equal"] else " BYTES DIFFER"
        peer = f"{row['peer']} {number(row['peer_value'])} {unit}" if row["peer_value"] else "-"
        vulkan = f"{number(row['vulkan'])} {unit}{equal}" if row["vulkan"] else "-"
        lines.append(f"| {row['kernel']} | {number(row['one'])} {unit} | {number(row['two'])} {unit} | {vulkan} | {peer} "
                     f"| {number(row['ratio'])} | {bar(row, 'must')} | {bar(row, 'goal')} | {verdict(row) or '-'} |"
                     .replace("| - ms |", "| - |").replace("| - us |", "| - |").replace("| - Mrays/s |", "| - |"))
    return "\n".join(lines)


def rows_of(output):
    """The rows in the one-line JSON object that a benchmark ends with, or None."""
    for line in reversed(output.strip().splitlines()):
        if line.startswith("{") and line.endswith("}"):
            try:
                return json.loads(line).get("rows")
            except ValueError:
                return None
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--build", default="build")
    parser.add_argument("--pathfinding", default="")
    parser.add_argument("--only", default="")
    parser.add_argument("--under", default="")
    parser.add_argument("--log", default=os.devnull, help="where the benchmarks' own output goes")
    parser.add_argument("--no-build", action="store_true")
    args = parser.parse_args()
    names = [name for name in args.only.split(",") if name] or list(BENCHES)
    unknown = [name for name in names if name not in BENCHES]
    if unknown:
        parser.error(f"there is no benchmark {', '.join(unknown)}; there are {', '.join(BENCHES)}")
    short = False
    notes = []
    with open(args.log, "w", encoding="utf-8") as log:
        for name in names:
            program, arguments, install, peer = BENCHES[name]
            path = os.path.join(args.build, "bin", program)
            if not args.no_build:
                subprocess.run(["cmake", "--build", args.build, "--target", program], stdout=log, stderr=log,
                               check=False)
            if not os.path.exists(path):
                notes.append(f"{name}: not built; it needs {peer} ({install}), then configure again")
                continue
            arguments = list(arguments)
            if name == "path" and args.pathfinding:
                arguments.append(args.pathfinding)
            elif name == "path":
                notes.append("path: without PathFinding.js (npm install --prefix FOLDER pathfinding, "
                             "--pathfinding FOLDER)")
            run = subprocess.run([*shlex.split(args.under), path, *arguments], stdout=subprocess.PIPE, text=True,
                                 timeout=900, check=False)
            log.write(run.stdout)
            rows = rows_of(run.stdout)
            if not rows:
                notes.append(f"{name}: {program} ended with {run.returncode} and no figures")
                short = True
                continue
            if not any(row["peer_value"] for row in rows):
                notes.append(f"{name}: without {peer} ({install}), then configure again")
            elif name == "path" and args.pathfinding and not any("PathFinding" in row["peer"] for row in rows):
                notes.append(f"path: PathFinding.js did not run; node and {args.pathfinding}/node_modules/pathfinding?")
            print(f"\n{table(rows)}", flush=True)
            short = short or any(verdict(row) == "SHORT" or not row["equal"] for row in rows)
    for note in notes:
        print(f"\n{note}")
    sys.exit(1 if short else 0)


if __name__ == "__main__":
    main()
