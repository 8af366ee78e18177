#!/usr/bin/env python3
"""What augmentation costs: training of examples/fashion.net with and without it, in turns.

    bench/augmentation.py [--threads 2] [--pairs 12] [--sample 20%]

Each pair is an epoch of the plain network and one of the augmented network, run directly after one another, the first of
the two in turn; what is compared is the time of the training steps (samples_per_second of history.jsonl). Printed are the
medians and the median of the ratios of the pairs, with their quartiles. Python's standard library only.
"""

import argparse
import json
import pathlib
import shutil
import statistics
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
LISTS = {
    "plain": "[]",
    "flip and translate": "[flip(horizontal), translate(0.05)]",
    "all": "[flip(horizontal), translate(5%), rotate(10 deg), zoom(10%), shear(5%), brightness(10%), contrast(20%), "
           "noise(2%), erase]",
    "all and mixup": "[flip(horizontal), translate(5%), rotate(10 deg), zoom(10%), shear(5%), brightness(10%), "
                     "contrast(20%), noise(2%), erase, mixup(0.2), cutmix]",
}


def compile_with(netc, folder, name, augment):
    text = (ROOT / "examples/fashion.net").read_text()
    line = next(line for line in text.splitlines() if line.strip().startswith("augment"))
    file = folder / f"{name.replace(' ', '_')}.net"
    file.write_text(text.replace(line, f"  augment    = {augment}"))
    program = file.with_suffix("")
    subprocess.run([netc, file, "-o", program], check=True)
    return program


def samples_per_second(program, folder, options):
    run = folder / "run"
    shutil.rmtree(run, ignore_errors=True)
    subprocess.run([program, "train", "--epochs", "1", "--threads", str(options.threads), "--sample", options.sample,
                    "--run", run], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return json.loads((run / "history.jsonl").read_text().splitlines()[0])["samples_per_second"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--pairs", type=int, default=12)
    parser.add_argument("--sample", default="20%", help="share of the training data of an epoch")
    parser.add_argument("--netc", default=ROOT / "build/tools/netc")
    parser.add_argument("--lists", default="all", help="of: " + ", ".join(LISTS), nargs="*")
    options = parser.parse_args()
    lists = options.lists if isinstance(options.lists, list) else [options.lists]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        programs = {key: compile_with(options.netc, folder, key, LISTS[key]) for key in ["plain", *lists]}
        for key in lists:
            plain, augmented = [], []
            for pair in range(options.pairs):
                for one in (["plain", key] if pair % 2 == 0 else [key, "plain"]):
                    (plain if one == "plain" else augmented).append(
                        samples_per_second(programs[one], folder, options))
            ratios = sorted(a / b for a, b in zip(plain, augmented))  # of the times
            quarter = statistics.quantiles(ratios, n=4)
            print(f"{key}: plain {statistics.median(plain):,.0f} samples/s, augmented "
                  f"{statistics.median(augmented):,.0f} samples/s; time {100 * (statistics.median(ratios) - 1):+.1f} % "
                  f"({100 * (quarter[0] - 1):+.1f} ... {100 * (quarter[2] - 1):+.1f}), {options.pairs} pairs")


if __name__ == "__main__":
    main()
