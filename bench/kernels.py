"""Measures kernels in turns and writes the table of them; called by bench/kernels, which builds what this needs."""
import argparse
import json
import os
import pathlib
import subprocess
import time

import machine
from report import geometric_mean, table

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = ROOT / "build/bench/bench_kernels"
TIME_LIMIT = 180  # seconds for one case

# The vectors to compute with: a name, netc's target, what limits the libraries to them.
AVX512 = ("AVX-512", "native", {})
AVX2 = ("AVX2", "x86-64-v3", {"ONEDNN_MAX_CPU_ISA": "AVX2", "OPENBLAS_CORETYPE": "Haswell"})

# In percent of the peak of multiply-adds, in the operations of the direct algorithm; of sweeps in percent of the copy.
TARGETS = {
    "gemm": 95, "dense forward": 95, "dense backward data": 95, "dense backward weights": 94, "dense batch 1": None,
    "convolution 3x3 forward": 97, "convolution 3x3 backward data": 97, "convolution 3x3 backward weights": 95,
    "Winograd forward": 250, "Winograd backward data": 220, "Winograd backward weights": 220,
    "other convolution 3x3 forward": None, "other convolution 3x3 backward data": None, "other convolution 3x3 backward weights": None,
    "convolution 1x1 forward": 94, "convolution 1x1 backward data": 94, "convolution 1x1 backward weights": 94,
    "depthwise 3x3 forward": 80, "depthwise 3x3 backward data": 80, "depthwise 3x3 backward weights": 80,
    "grouped 3x3 forward": None, "grouped 3x3 backward data": None, "grouped 3x3 backward weights": None,
    "bf16 dense forward": 195, "bf16 dense backward data": 195, "bf16 dense backward weights": 195,
    "bf16 convolution 3x3 forward": 195, "bf16 convolution 3x3 backward data": 195, "bf16 convolution 3x3 backward weights": 195,
    "batch norm and relu": 80, "max pool 2x2": 80, "add and relu": 80, "adam": 80,
}
SWEEPS = ("batch norm and relu", "max pool 2x2", "add and relu", "adam")  # what moves memory


def arguments_of():
    parser = argparse.ArgumentParser(prog="bench/kernels", description=__doc__)
    parser.add_argument("cases", nargs="*", metavar="START", help="of the name of a case (default: all)")
    parser.add_argument("--rounds", type=int, default=15, help="turns of each contestant (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=0.02, help="of one turn (default: %(default)s)")
    parser.add_argument("--results", type=pathlib.Path, default=ROOT / "bench/results", help="folder for what is written")
    return parser.parse_args()


def environment(limits):
    return {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", **limits}


def cases(chosen):
    names = subprocess.run([PROGRAM, "--benchmark_list_tests"], check=True, capture_output=True, text=True).stdout.splitlines()
    found = list(dict.fromkeys(name.rsplit("/", 1)[0] for name in names))
    return [name for name in found if not chosen or any(name.startswith(start) for start in chosen)]


def measure(case, target, limits, arguments):
    """Rates of all contestants, their best of the rounds, in operations or bytes a second; and the kind of the case."""
    command = [PROGRAM, f"--target-cpu={target}", f"--benchmark_filter=^{case}/", f"--benchmark_repetitions={arguments.rounds}",
               f"--benchmark_min_time={arguments.seconds}", "--benchmark_enable_random_interleaving=true", "--benchmark_format=json"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=TIME_LIMIT, env=environment(limits), check=True)
    kind, rates = "", {}
    for run in json.loads(result.stdout)["benchmarks"]:
        if run["run_type"] != "iteration" or run.get("error_occurred"):
            continue
        kind = run["label"]
        name = run["name"].rsplit("/", 1)[1].removesuffix(" 0").removesuffix(" 1")  # variants of oneDNN
        rates[name] = max(rates.get(name, 0), run["amount"] / run["cpu_time"] * 1e9)
    return kind, rates


class Row:
    """One case with one kind of vectors."""

    def __init__(self, vectors, case, kind, rates):
        self.vectors, self.case, self.kind = vectors, case, kind
        self.limit = rates.pop("limit")
        self.shares = {name: 100 * rate / self.limit for name, rate in rates.items()}

    @property
    def netc(self):
        return self.shares["netc"]

    @property
    def ratio(self):
        """The time of the best library over netc's."""
        others = [share for name, share in self.shares.items() if name != "netc"]
        return self.netc / max(others) if others else None

    def line(self):
        others = "".join(f"  {name} {share:.0f} %" for name, share in self.shares.items() if name != "netc")
        return f"{self.vectors:<8} {self.case:<58} netc {self.netc:4.0f} %{others}"


def whole(value):
    return "–" if value is None else f"{value:.0f}"


def ratio(value):
    return "–" if value is None else f"{value:.2f}"


def by_kind(rows):
    """For each kind the target, and for each kind of vectors the shares from the least to the best and the mean ratio."""
    vectors = list(dict.fromkeys(row.vectors for row in rows))
    header = ["kernels", "target, %"]
    for name in vectors:
        header += [f"{name}: netc, %", "best library / netc"]
    yield header
    for kind, target in TARGETS.items():
        if not any(row.kind == kind for row in rows):
            continue
        cells = [kind, whole(target)]
        for name in vectors:
            mine = [row for row in rows if row.kind == kind and row.vectors == name]
            shares = sorted(row.netc for row in mine)
            ends = list(dict.fromkeys(whole(share) for share in (shares[0], shares[-1]))) if shares else ["–"]
            cells.append(" to ".join(ends))
            mean = geometric_mean([row.ratio for row in mine if row.ratio])
            cells.append(f"**{ratio(mean)}**" if mean else ratio(None))
        yield cells


def each(rows):
    libraries = list(dict.fromkeys(name for row in rows for name in row.shares if name != "netc"))
    yield ["kernel", "target, %", "netc, %", *(f"{name}, %" for name in libraries), "best library / netc"]
    for row in rows:
        yield [row.case, whole(TARGETS[row.kind]), f"**{row.netc:.0f}**", *(whole(row.shares.get(name)) for name in libraries), ratio(row.ratio)]


def markdown(rows, failures, arguments):
    described = machine.describe()
    lines = ["# Kernels", "",
             f"`bench/kernels`, in one run on one machine: {described['model']}, {described['vectors']}; one thread, f32 where it does not say bf16; {arguments.rounds} rounds of "
             f"{arguments.seconds} s in turns, best of the rounds. [How to read it](../../docs/performance.md). Shares are of the peak of "
             "multiply-adds, counted in the operations of the direct algorithm; of what moves memory (batch norm, pool, add, adam), of a copy of as "
             "many bytes. **A ratio is the time of the best library over netc's: above 1 netc is faster.** Libraries: oneDNN 2.6.3, in the layouts it "
             "asks for, and OpenBLAS 0.3.21.", "", "## By kind", ""]
    lines += table(*split(by_kind(rows)))
    for vectors in dict.fromkeys(row.vectors for row in rows):
        mine = [row for row in rows if row.vectors == vectors]
        peak = max((row.limit for row in mine if row.kind not in SWEEPS), default=0)
        copy = max((row.limit for row in mine if row.kind in SWEEPS), default=0)
        lines += ["", f"## {vectors}", "", f"Peak: {peak / 1e9:.0f} GFLOP/s. Copy: {copy / 1e9:.1f} GB/s, read and written.", ""]
        lines += table(*split(each(mine)))
    lines += ["", "## Missing", "", *([f"- {failure}" for failure in failures] or ["Nothing."])]
    return "\n".join(lines) + "\n"


def split(rows):
    header, *rest = rows
    return header, rest


def main():
    arguments = arguments_of()
    arguments.results.mkdir(parents=True, exist_ok=True)
    chosen = cases(arguments.cases)
    kinds = [AVX512, AVX2] if machine.describe()["vectors"] == "AVX-512" else [AVX2]
    rows, failures, start = [], [], time.monotonic()
    work = [(vectors, case) for vectors in kinds for case in chosen if vectors is not AVX2 or not case.startswith("bf16")]
    for number, (vectors, case) in enumerate(work):
        name, target, limits = vectors
        try:
            rows.append(Row(name, case, *measure(case, target, limits, arguments)))
        except (subprocess.SubprocessError, ValueError, KeyError) as problem:
            failures.append(f"{name}, {case}: {problem}")
            print(failures[-1], flush=True)
            continue
        left = (time.monotonic() - start) / (number + 1) * (len(work) - number - 1)
        print(f"{rows[-1].line()}  ({left / 60:.0f} min left)", flush=True)
        (arguments.results / "kernels.md").write_text(markdown(rows, failures, arguments))


if __name__ == "__main__":
    main()
