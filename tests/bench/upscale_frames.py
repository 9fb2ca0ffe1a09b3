#!/usr/bin/env python3
"""PSNR and SSIM of `upscale` on real frames, its time on each, and details to look at.

  tests/bench/upscale_frames.py --data FOLDER [--build build] [--device vulkan:0] [--crops OUT] [--no-times]

FOLDER has frames.json: pairs of a low-resolution input and its original. PSNR is over RGB, SSIM over luma
(Gaussian windows of 11 x 11, sigma 1.5). Times are of `p2c2r bench kernels` on that very frame, raw to raw: one
thread, and the Vulkan device if one is named. --crops writes original, lanczos and edge side by side, each pixel
four times as large, for the busiest part of each frame and those named in CROPS; OUT must not be in this
tree, since frames of games have licences of their own. Needs numpy and Pillow.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

import numpy as np
from PIL import Image, ImageDraw

ALGORITHMS = ("lanczos", "edge")
CROP = (150, 100)
# Letters, thin lines and dark shapes before bright ground, found by eye: name, x, y in the original.
CROPS = {
    "etr_run": [("text", 40, 2), ("silhouette", 925, 700), ("lines", 1740, 500), ("hud", 1770, 960)],
    "neverball_menu": [("text", 720, 440), ("small-text", 890, 570), ("silhouette", 370, 500), ("lines", 1330, 650)],
    "openarena_lava": [("text", 830, 360), ("small-text", 0, 0), ("hud", 570, 975), ("lines", 1130, 500)],
    "openarena_lava_native": [("hud", 570, 975), ("lines", 1130, 500)],
    "photo_seeding": [("silhouette", 790, 260)],
}


def blurred(image, kernel):
    for axis in (0, 1):
        image = np.apply_along_axis(np.convolve, axis, image, kernel, "valid")
    return image


def ssim(a, b):
    luma = np.array([0.299, 0.587, 0.114])
    x, y = a @ luma, b @ luma
    offsets = np.arange(-5, 6)
    kernel = np.exp(-offsets ** 2 / (2 * 1.5 ** 2))
    kernel /= kernel.sum()
    mean_x, mean_y = blurred(x, kernel), blurred(y, kernel)
    var_x = blurred(x * x, kernel) - mean_x ** 2
    var_y = blurred(y * y, kernel) - mean_y ** 2
    both = blurred(x * y, kernel) - mean_x * mean_y
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    score = (2 * mean_x * mean_y + c1) * (2 * both + c2) / ((mean_x ** 2 + mean_y ** 2 + c1) * (var_x + var_y + c2))
    return float(score.mean())


def psnr(a, b):
    return float(10 * np.log10(255.0 ** 2 / np.mean((a - b) ** 2)))


def busiest(image):
    """The place with most contrast, for a crop."""
    grey = image.mean(axis=2)
    step = np.abs(np.diff(grey, axis=1))[:-1] + np.abs(np.diff(grey, axis=0))[:, :-1]
    width, height = CROP
    best = max(((step[y:y + height, x:x + width].sum(), x, y)
                for y in range(0, step.shape[0] - height, height // 2)
                for x in range(0, step.shape[1] - width, width // 2)))
    return best[1], best[2]


def write_crops(folder, name, original, results):
    os.makedirs(folder, exist_ok=True)
    places = CROPS.get(name, []) + [("busiest", *busiest(original))]
    zoom = 4
    for what, x, y in places:
        width, height = CROP
        pictures = [("original", original)] + list(results.items())
        sheet = Image.new("RGB", (len(pictures) * (width * zoom + 8), height * zoom + 20))
        draw = ImageDraw.Draw(sheet)
        for index, (label, pixels) in enumerate(pictures):
            part = Image.fromarray(pixels[y:y + height, x:x + width].astype(np.uint8))
            left = index * (width * zoom + 8)
            draw.text((left + 4, 4), f"{name}: {label}", fill=(255, 255, 255))
            sheet.paste(part.resize((width * zoom, height * zoom), Image.NEAREST), (left, 20))
        sheet.save(os.path.join(folder, f"{name}-{what}.png"))


def times_of(program, frame, device):
    """Milliseconds by algorithm: native on one thread, and on the device."""
    run = subprocess.run([program, "bench", "kernels", "--type", "upscale", "--data", frame, "--device",
                          device or "native", "--json"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                         check=False)
    summary = json.loads(run.stdout.strip().splitlines()[-1])
    times = {}
    for line in summary["frames"]:
        for algorithm in ALGORITHMS:
            if line["frame"].endswith(f"{algorithm}, raw"):
                times[algorithm] = (line["native_1_ms"], line.get("vulkan_ms"))
    return times


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--build", default="build")
    parser.add_argument("--device", default="")
    parser.add_argument("--crops", default="")
    parser.add_argument("--no-times", action="store_true")
    args = parser.parse_args()
    tree = os.path.realpath(os.path.join(os.path.dirname(__file__), "../.."))
    if args.crops and (os.path.realpath(args.crops) + "/").startswith(tree + "/"):
        parser.error("--crops is in this tree; frames of games do not belong there")
    program = os.path.join(args.build, "bin/p2c2r")
    with open(os.path.join(args.data, "frames.json"), encoding="utf-8") as file:
        frames = json.load(file)["frames"]
    columns = "" if args.no_times else "lanczos ms | edge ms"
    print("| frame | lanczos | edge |" + (f" {columns} |" if columns else ""))
    print("|---|---|---|" + ("---|---|" if columns else ""))
    means = {algorithm: [] for algorithm in ALGORITHMS}
    with tempfile.TemporaryDirectory() as folder:
        for frame in frames:
            low = os.path.join(args.data, frame["input"])
            original = np.asarray(Image.open(os.path.join(args.data, frame["reference"])).convert("RGB"), float)
            results = {}
            cells = []
            for algorithm in ALGORITHMS:
                out = os.path.join(folder, algorithm + ".png")
                params = {"algorithm": algorithm, "output_res": [original.shape[1], original.shape[0]]}
                subprocess.run([program, "exec", "upscale", "--data", low, "--params", json.dumps(params), "--out", out,
                                "--device", "native", "--quiet"], check=True)
                results[algorithm] = np.asarray(Image.open(out).convert("RGB"), float)
                score = psnr(original, results[algorithm]), ssim(original, results[algorithm])
                means[algorithm].append(score)
                cells.append(f"{score[0]:.2f} / {score[1]:.4f}")
            if columns:
                times = times_of(program, low, args.device)
                for algorithm in ALGORITHMS:
                    native, vulkan = times[algorithm]
                    cells.append(f"{native:.1f}" + (f", {vulkan:.0f} on {args.device}" if vulkan else ""))
            print(f"| `{frame['id']}` | " + " | ".join(cells) + " |", flush=True)
            if args.crops:
                write_crops(args.crops, frame["id"], original, results)
    mean = [f"{np.mean([s[0] for s in means[a]]):.2f} / {np.mean([s[1] for s in means[a]]):.4f}" for a in ALGORITHMS]
    print("| mean | " + " | ".join(mean) + " |" + (" | |" if columns else ""))
    if np.mean([s[0] for s in means["edge"]]) < np.mean([s[0] for s in means["lanczos"]]):
        sys.exit("edge is worse than lanczos on these frames")


if __name__ == "__main__":
    main()
