#!/usr/bin/env python3
"""Streams 10 GB of generated pictures through one epoch of training in less than 1 GB of memory.

    test/campaign/stream_10gb.py [--netc build/tools/netc] [--folder DIR] [--gigabytes 10] [--threads N]

Takes minutes and the disk space of the pictures, which are removed afterwards. Fails when the peak of the resident set
reaches 1 GB or the network has not learnt the pictures.
"""

import argparse
import csv
import os
import pathlib
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "test/program"))
import large_data


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--netc", default=str(ROOT / "build/tools/netc"))
    arguments.add_argument("--folder", default=None, help="where the pictures are put; default: the folder for temporary files")
    arguments.add_argument("--gigabytes", type=int, default=10)
    arguments.add_argument("--threads", default=str(os.cpu_count()))
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = pathlib.Path(name)
        begin = time.monotonic()
        count = large_data.write_pictures(folder, 1000 * options.gigabytes)
        print(f"{count} pictures, {(folder / 'pictures.bin').stat().st_size / 1e9:.2f} GB, "
              f"written in {time.monotonic() - begin:.0f} s", flush=True)
        large_data.write_network(folder / "large.net", 256, 1)
        subprocess.run([options.netc, "large.net", "-o", "large"], cwd=folder, check=True)
        begin = time.monotonic()
        process = subprocess.Popen(["./large", "train", "--run", "run", "--threads", options.threads], cwd=folder)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            sys.exit("the training failed")
        with open(folder / "run/history.csv", newline="") as file:
            accuracy = float(list(csv.DictReader(file))[-1]["val_accuracy"])
        peak = usage.ru_maxrss / 1000
        print(f"trained in {time.monotonic() - begin:.0f} s, peak of the resident set {peak:.0f} MB, "
              f"accuracy on held-out pictures {accuracy:.3f}")
        if peak >= 1000 or accuracy < 0.9:
            sys.exit("FAILED: less than 1000 MB and an accuracy of 0.9 were expected")


main()
