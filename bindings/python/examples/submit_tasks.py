#!/usr/bin/env python3
"""Submits an echo and an upscale and says who computed them.

Without --coordinator, coordinator and peer run in this process as well.
"""

import argparse
import sys
from pathlib import Path

HERE = Path(__file__).resolve()
sys.path.insert(0, str(HERE.parents[1]))  # the package beside these examples

import p2c2r  # noqa: E402

PICTURE = HERE.parents[3] / "examples" / "media" / "seeding.jpg"


def parse_size(text):
    width, _, height = text.partition("x")
    return [int(width), int(height)]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("image", nargs="?", default=PICTURE, type=Path, help="a JPEG or PNG file")
    parser.add_argument("--coordinator", metavar="URL", help="p2c2r+plain://host[:port]")
    parser.add_argument("--size", default="2560x1440", type=parse_size, help="of the larger image")
    parser.add_argument("--quality", default="fast", choices=["fast", "balanced", "quality"])
    parser.add_argument("--deadline-ms", default=10000, type=int, help="for the upscale")
    parser.add_argument("--out", type=Path, help="where the upscaled image goes (.jpg or .png)")
    return parser.parse_args()


def show(result):
    info = result.info
    print(
        f"{result.task_type}: {len(result.data)} bytes from {result.source.name} "
        f"in {info.total_us / 1000:.1f} ms (computing {info.processing_us / 1000:.1f} ms)"
    )


def run(client, options):
    show(client.submit_and_wait("echo", b"hello from Python"))
    suffix = options.out.suffix.lower() if options.out else ".png"
    params = {
        "output_res": options.size,
        "quality": options.quality,
        "output_format": "png" if suffix == ".png" else "jpeg",
    }
    picture = options.image.read_bytes()
    result = client.submit_and_wait(
        "upscale", picture, params, deadline_us=options.deadline_ms * 1000
    )
    show(result)
    image = result.image
    print(f"upscale: {image.width}x{image.height} by {result.algorithm}, {result.digest.hex()}")
    if options.out:
        options.out.write_bytes(image.data)
        print(f"written: {options.out}")


def main():
    options = arguments()
    try:
        with p2c2r.Runtime() as runtime:
            if options.coordinator:
                client = p2c2r.Client(runtime, coordinator_url=options.coordinator)
            else:
                limits = {"task_timeout_ms": options.deadline_ms}
                coordinator = p2c2r.Coordinator(runtime, **limits).start()
                p2c2r.Peer(runtime, local=coordinator, peer_id="here").start()
                client = p2c2r.Client(runtime, local=coordinator)
            run(client.connect(), options)
    except (p2c2r.Error, OSError) as error:
        print(f"failed: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
