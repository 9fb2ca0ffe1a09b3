#!/usr/bin/env python3
"""What the game example costs a home link: Mbit of each second of play, beside the bars of 3 up and 15 down.

  tests/bench/game_link.py [--build build] [--seconds 20] [--up 10] [--down 50] [--rtt 20]
                           [--width 1920] [--height 1080]

Root, Linux, iproute2 and Xvfb. Two network namespaces joined by a link whose rates are limited by tbf both
ways (50 ms of queue, as `p2c2r bench gain` has it); the way there and back takes --rtt ms, added by the
library at the game (fake_lag_ms), since not every kernel has netem. In one `p2c2r host`, coordinator and peer, over TLS
with a pinned key and a login; the game in the other, on a virtual screen, with keys held: it rolls about, shoots,
and sees the mirror ball. A second of play is 60 frames; a machine that draws fewer of them in a second of the
clock is named by the fps beside it. Exit status 0 when both bars hold.
"""
import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

BAR_UP, BAR_DOWN = 3.0, 15.0
GAMER, HELPER = "10.78.0.1", "10.78.0.2"


class Link:
    """The two namespaces; gone with the object, also after an error."""

    def __init__(self, up, down):
        prefix = "p2c2r-game-%d" % os.getpid()
        self.names = [prefix + "-gamer", prefix + "-helper"]
        self.made = []
        self.up, self.down = up, down

    def __enter__(self):
        try:
            for name in self.names:
                tool("ip", "netns", "add", name)
                self.made.append(name)
            gamer, helper = self.names
            tool("ip", "-n", gamer, "link", "add", "gamer0", "type", "veth", "peer", "name", "helper0",
                 "netns", helper)
            for name, device, address, mbit in ((gamer, "gamer0", GAMER, self.up),
                                                (helper, "helper0", HELPER, self.down)):
                tool("ip", "-n", name, "addr", "add", address + "/24", "dev", device)
                tool("ip", "-n", name, "link", "set", "lo", "up")
                tool("ip", "-n", name, "link", "set", device, "up")
                tool("tc", "-n", name, "qdisc", "add", "dev", device, "root", "tbf", "rate",
                     "%dkbit" % (mbit * 1000), "burst", "%d" % max(16000, mbit * 1e6 / 8 * 0.004),
                     "latency", "50ms")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for name in self.made:
            subprocess.run(["ip", "netns", "del", name], check=False)
        self.made = []

    def gamer(self, *command):
        return ["ip", "netns", "exec", self.names[0], *command]

    def helper(self, *command):
        return ["ip", "netns", "exec", self.names[1], *command]

    def bytes(self):
        """Sent and received by the gamer's end, headers of all layers included."""
        said = subprocess.run(["ip", "-n", self.names[0], "-s", "-j", "link", "show", "gamer0"],
                              capture_output=True, check=True)
        counters = json.loads(said.stdout)[0]["stats64"]
        return counters["tx"]["bytes"], counters["rx"]["bytes"]


def tool(*words):
    done = subprocess.run(words, capture_output=True)
    if done.returncode:
        raise SystemExit("game_link.py: '%s': %s" % (" ".join(words), done.stderr.decode().strip()))


class Host:
    """Coordinator and peer behind the link, and this machine enrolled there; ended with the object."""

    def __init__(self, program, link, folder):
        self.program, self.link, self.folder = program, link, folder
        self.process = None

    def home(self, name):
        return dict(os.environ, P2C2R_HOME=os.path.join(self.folder, name))

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def start(self):
        log = open(os.path.join(self.folder, "host.log"), "wb")
        self.process = subprocess.Popen(
            self.link.helper(self.program, "host", "--no-benchmark", "--listen-address", HELPER, "--address", HELPER, "--port",
                             "0", "--mode", "always", "--device", "native", "--no-qr", "--stop-with-input"),
            stdout=subprocess.PIPE, stderr=log, stdin=subprocess.PIPE, env=self.home("host"))
        code = None
        for line in self.process.stdout:
            found = re.search(rb"p2c2r join (\S+)", line)
            if found:
                code = found.group(1).decode()
                break
        if not code:
            raise SystemExit("game_link.py: the host ended without a join code")
        joined = subprocess.run(self.link.gamer(self.program, "join", code, "--no-benchmark", "--name", "courtyard"),
                                env=self.home("gamer"), capture_output=True, timeout=60)
        if joined.returncode:
            raise SystemExit("game_link.py: join: " + joined.stderr.decode())
        with open(os.path.join(self.folder, "gamer", "joined.json")) as file:
            there = json.load(file)[0]
        self.url, self.pin = there["urls"][0], there["pin"]
        self.identity = os.path.join(self.folder, "gamer", "identity.pem")

    def __exit__(self, *_):
        if not self.process:
            return
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def keys_of(seconds):
    """Rolls up to the mirror ball and around it, and shoots every two seconds."""
    keys = []
    directions = ("right", "up", "right", "up", "left", "down")
    for half in range(int(seconds * 2)):
        keys.append("%d:%s" % (1 + half * 30, directions[half % len(directions)]))
        if half % 4 == 3:
            keys.append("%d:space" % (10 + half * 30))
    return ",".join(keys)


def play(options, link, host):
    frames = int(options.seconds * 60)
    command = [os.path.join(options.build, "bin", "courtyard"), "--url", host.url, "--pin",
               host.pin, "--identity", host.identity, "--width", str(options.width), "--height", str(options.height),
               "--view-scale", str(options.view_scale), "--network", json.dumps({"fake_lag_ms": options.rtt / 2}),
               "--frames", str(frames), "--keys", keys_of(options.seconds)]
    if options.screenshot:
        command += ["--screenshots", "%d:%s" % (frames * 3 // 4, os.path.abspath(options.screenshot))]
    screen = "-screen 0 %dx%dx24" % (options.width, options.height)
    before = link.bytes()
    done = subprocess.run(link.gamer("xvfb-run", "-a", "-s", screen, *command), capture_output=True,
                          env=host.home("gamer"), timeout=options.seconds * 6 + 60)
    after = link.bytes()
    text = done.stdout.decode()
    if done.returncode:
        raise SystemExit("game_link.py: courtyard: " + done.stderr.decode())
    return text, [8e-6 * (b - a) / options.seconds for a, b in zip(before, after)]


def measure(options, folder):
    program = os.path.join(options.build, "bin", "p2c2r")
    with Link(options.up, options.down) as link, Host(program, link, folder) as host:
        text, wire = play(options, link, host)
    print(text, end="")
    said = re.search(r"(\d+) frames in ([\d.]+) s; up ([\d.]+) down ([\d.]+) Mbit", text)
    frames, clock, up, down = (float(word) for word in said.groups())
    print("%gx%g, home link %g up, %g down Mbit/s, %g ms there and back; %.1f fps of 60 asked for"
          % (options.width, options.height, options.up, options.down, options.rtt, frames / clock))
    holds = True
    for name, counted, on_wire, bar in (("up", up, wire[0], BAR_UP), ("down", down, wire[1], BAR_DOWN)):
        good = counted <= bar
        holds = holds and good
        print("%-4s %6.2f Mbit a second of play by the client's counters, %6.2f on the interface; bar <= %g: %s"
              % (name, counted, on_wire, bar, "holds" if good else "missed"))
    return 0 if holds else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--up", type=float, default=10)
    parser.add_argument("--down", type=float, default=50)
    parser.add_argument("--rtt", type=float, default=20)
    parser.add_argument("--width", type=int, default=1920)
    parser.add_argument("--height", type=int, default=1080)
    parser.add_argument("--view-scale", type=int, default=3, help="the local picture has 1/N of the window")
    parser.add_argument("--screenshot", help="a BMP of a frame late in the game")
    options = parser.parse_args()
    if os.geteuid() != 0:
        raise SystemExit("game_link.py: network namespaces need root")
    for name in ("ip", "tc", "xvfb-run"):
        if not shutil.which(name):
            raise SystemExit("game_link.py: there is no %s here" % name)
    with tempfile.TemporaryDirectory(prefix="p2c2r-game-") as folder:
        return measure(options, folder)


if __name__ == "__main__":
    sys.exit(main())
