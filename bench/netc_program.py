"""The suite compiled by netc: programs, their records for the peers, and what is measured of netc alone."""
import pathlib
import re
import subprocess
import time

from networks import NETWORKS

ROOT = pathlib.Path(__file__).resolve().parent.parent
NETC = ROOT / "build/tools/netc"


class Program:
    """One network of the suite: `path` is the program that is timed, `checked` the one whose results the peers must find, with the
    learning rate of the check and without dropout."""

    def __init__(self, name, folder):
        self.name = name
        self.path, self.checked = folder / name, folder / f"{name}-checked"
        start = time.perf_counter()
        self._compile(self.path)
        self.compile_seconds = time.perf_counter() - start
        network = NETWORKS[name]
        fixed = [f"-Dlr={network.optimizer.checked_rate}"] + (["-Drate=0"] if network.dropout else [])
        self._compile(self.checked, *fixed)

    def _compile(self, path, *options):
        subprocess.run([NETC, ROOT / "bench/suite" / f"{self.name}.net", "-o", path, "--target-cpu=native", *options], check=True)

    def record(self, function, batch, path):
        subprocess.run([self.checked, "bench", "--function", function, "--batch", str(batch), "--record", path], check=True)

    def command(self, function, batch, threads):
        return [self.path, "bench", "--serve", "--function", function, "--batch", str(batch), "--threads", str(threads)]

    def facts(self):
        """Size in bytes, and seconds from the call to the end of --help: the best of some."""
        times = []
        for _ in range(10):
            start = time.perf_counter()
            subprocess.run([self.path, "--help"], check=True, stdout=subprocess.DEVNULL)
            times.append(time.perf_counter() - start)
        return {"compile": self.compile_seconds, "size": self.path.stat().st_size, "start": min(times)}

    def limits(self, threads):
        """What the machine can do: multiply-adds and copies, as `bench` measures them."""
        text = subprocess.run([self.path, "bench", "--threads", str(threads)], check=True, capture_output=True, text=True).stdout
        flops, copied = re.search(r"limits in the same run: ([0-9.]+) GFLOP/s of multiply-adds, ([0-9.]+) GB/s copied", text).groups()
        return {"gigaflops": float(flops), "gigabytes": float(copied)}
