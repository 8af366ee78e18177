"""The suite compiled by netc: programs, their records for the peers, and what is measured of netc alone."""
import pathlib
import re
import shutil
import subprocess
import time

from networks import NETWORKS

ROOT = pathlib.Path(__file__).resolve().parent.parent
NETC = ROOT / "build/tools/netc"


def rewritten(suite, folder, precision):
    """The suite with `precision` in every train section; returns where it is."""
    copy = folder / "suite"
    shutil.copytree(suite, copy, dirs_exist_ok=True)
    for path in copy.glob("*.net"):
        text = path.read_text()
        changed = text.replace("\n  batch_size = ", f"\n  precision  = {precision}\n  batch_size = ")
        assert changed != text, path
        path.write_text(changed)
    return copy


class Program:
    """One network of the suite: `path` is the program that is timed, `checked` the one whose results the peers must find, with the
    learning rate of the check and without dropout."""

    def __init__(self, name, folder, precision="f32"):
        self.name, self.precision = name, precision
        suite = ROOT / "bench/suite"
        if precision != "f32":
            suite, folder = rewritten(suite, folder / precision, precision), folder / precision
        self.source = suite / f"{name}.net"
        self.path, self.checked = folder / name, folder / f"{name}-checked"
        start = time.perf_counter()
        self._compile(self.path)
        self.compile_seconds = time.perf_counter() - start
        network = NETWORKS[name]
        fixed = [f"-Dlr={network.optimizer.checked_rate}"] + (["-Drate=0"] if network.dropout else [])
        self._compile(self.checked, *fixed)

    def _compile(self, path, *options):
        subprocess.run([NETC, self.source, "-o", path, "--target-cpu=native", *options], check=True)

    def record(self, function, batch, path):
        subprocess.run([self.checked, "bench", "--function", function, "--batch", str(batch), "--record", path], check=True)

    def command(self, function, batch, threads):
        return [self.path, "bench", "--serve", "--function", function, "--batch", str(batch), "--threads", str(threads)]

    def facts(self):
        """Size in bytes; seconds from the call to the end of --help, and to the end of the first training step; workspace of that step as
        planned, over the least it could be."""
        return {"compile": self.compile_seconds, "size": self.path.stat().st_size, "start": self._best_of(10, self._help),
                "first_step": self._best_of(15, self._first_step), "workspace": self._workspace()}

    @staticmethod
    def _best_of(count, seconds):
        return min(seconds() for _ in range(count))

    def _help(self):
        start = time.perf_counter()
        subprocess.run([self.path, "--help"], check=True, stdout=subprocess.DEVNULL)
        return time.perf_counter() - start

    def _first_step(self):
        """Data in memory, weights initialised. `bench` says that it is ready after three steps, of which two are taken off."""
        command = [str(word) for word in self.command("train_step", NETWORKS[self.name].batches[0], 1)]
        start = time.perf_counter()
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            process.stdout.readline()
            ready = time.perf_counter() - start
            process.stdin.write("go 2\n")
            process.stdin.flush()
            return ready - 2 * float(process.stdout.readline())

    def _workspace(self):
        command = [NETC, self.source, "--memory", "--emit=planned", "-o", "/dev/null"]
        text = subprocess.run(command, check=True, capture_output=True, text=True)
        line = next(line for line in (text.stdout + text.stderr).splitlines() if line.startswith("train_step"))
        fixed, batch, least_fixed, least_batch = (int(number) for number in re.findall(r"\d+", line))
        size = NETWORKS[self.name].batches[0]
        return (fixed + batch * size) / (least_fixed + least_batch * size)

    def limits(self, threads):
        """What the machine can do: multiply-adds and copies, as `bench` measures them."""
        text = subprocess.run([self.path, "bench", "--threads", str(threads)], check=True, capture_output=True, text=True).stdout
        flops, copied = re.search(r"limits in the same run: ([0-9.]+) GFLOP/s of multiply-adds, ([0-9.]+) GB/s copied", text).groups()
        return {"gigaflops": float(flops), "gigabytes": float(copied)}
