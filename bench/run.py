"""Measures netc and its peers in turns; called by bench/run, which sets up what this needs."""
import argparse
import itertools
import json
import pathlib
import signal
import sys
import tempfile
import time

import machine
import picture
import report
from netc_program import ROOT, Program
from networks import BF16_NETWORKS, NETWORKS
from turns import Contestant, start_all, take_turns

PEERS = ROOT / "bench/peers"
# Name, program, variant, what it can do, how exactly. In the order of the table.
CONTESTANTS = [
    ("PyTorch", "torch_peer.py", "", ("train", "predict"), ("f32", "bf16")),
    ("torch.compile", "torch_peer.py", "compile", ("train", "predict"), ("f32", "bf16")),
    ("JAX", "jax_peer.py", "", ("train", "predict"), ("f32",)),
    ("Keras", "keras_peer.py", "", ("train", "predict"), ("f32",)),
    ("ONNX Runtime", "onnx_peer.py", "", ("predict",), ("f32",)),
    ("OpenVINO", "openvino_peer.py", "", ("predict",), ("f32", "bf16")),
]
SLOW_TO_START = ("torch.compile", "JAX", "Keras")


def arguments_of(words):
    parser = argparse.ArgumentParser(prog="bench/run", description=__doc__)
    parser.add_argument("networks", nargs="*", metavar="NETWORK", help=", ".join(NETWORKS) + " (default: all)")
    parser.add_argument("--quick", action="store_true", help="3 short rounds")
    parser.add_argument("--rounds", type=int, default=9, help="turns of each (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=0.3, help="of one turn (default: %(default)s)")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2], metavar="N")
    parser.add_argument("--peers", nargs="+", default=[name for name, *_ in CONTESTANTS], metavar="NAME",
                        help="(default: %(default)s)")
    parser.add_argument("--tasks", nargs="+", default=["train", "predict"], choices=("train", "predict"))
    parser.add_argument("--precisions", nargs="+", default=["f32", "bf16"], choices=("f32", "bf16"),
                        help="bf16: of " + ", ".join(BF16_NETWORKS) + " alone (default: both)")
    parser.add_argument("--results", type=pathlib.Path, default=ROOT / "bench/results", help="folder for what is written")
    parser.add_argument("--resume", action="store_true", help="keep what the last run, which was interrupted, has measured")
    parser.add_argument("--draw", action="store_true", help="measure nothing; write table and picture of the last measurement anew")
    arguments = parser.parse_args(words)
    if unknown := [name for name in arguments.networks if name not in NETWORKS]:
        parser.error(f"there is no network {unknown[0]}; there are {', '.join(NETWORKS)}")
    if unknown := [name for name in arguments.peers if name not in [name for name, *_ in CONTESTANTS]]:
        parser.error(f"there is no peer {unknown[0]}")
    if arguments.quick:
        arguments.rounds, arguments.seconds = 3, 0.2
    arguments.networks = arguments.networks or list(NETWORKS)
    return arguments


def measure(program, task, batch, threads, arguments, caches):
    """Times of netc and of all peers for one function, batch, number of threads and precision."""
    function = {"train": "train_step", "predict": "predict"}[task]
    record = caches / "record.safetensors"
    program.record(function, batch, record)
    contestants = [Contestant("netc", program.command(function, batch, threads))]
    for name, file, variant, tasks, precisions in CONTESTANTS:
        if name in arguments.peers and task in tasks and program.precision in precisions:
            command = [sys.executable, PEERS / file, program.name, task, "--record", record, "--threads", threads, "--variant", variant,
                       "--precision", program.precision]
            contestants.append(Contestant(name, command))
    try:
        start_all(sorted(contestants, key=lambda each: each.name not in SLOW_TO_START), threads, caches)
        take_turns(contestants, arguments.rounds, arguments.seconds)
    finally:
        found = {each.name: each.close() for each in contestants}
    return {"network": program.name, "task": task, "batch": batch, "threads": threads, "precision": program.precision, "contestants": found}


def tasks_of(network, arguments):
    if "train" in arguments.tasks:
        for batch in network.batches:
            yield "train", batch
    if "predict" in arguments.tasks:
        yield from (("predict", 1), ("predict", 32))


def write(measured, folder):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "side-by-side.md").write_text(report.markdown(measured))
    if any(report.precision_of(row) == "f32" for row in measured["rows"]):
        (folder / "side-by-side.svg").write_text(picture.svg(measured))
    print(f"written: {folder}/side-by-side.md and .svg", flush=True)


def beginning(raw, arguments):
    """What the rows are added to: nothing, or the measurement that is resumed."""
    if arguments.resume and raw.exists():
        measured = json.loads(raw.read_text())
        if (measured["rounds"], measured["seconds"]) == (arguments.rounds, arguments.seconds):
            return measured
        print("the last run had other rounds or seconds: beginning anew", flush=True)
    return {"machine": machine.describe(), "rounds": arguments.rounds, "seconds": arguments.seconds, "limits": {}, "programs": {}, "rows": []}


def main():
    arguments = arguments_of(sys.argv[1:])
    for number in (signal.SIGINT, signal.SIGTERM):  # contestants that stand still would stay behind
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    folder = ROOT / "build/bench"
    folder.mkdir(parents=True, exist_ok=True)
    raw = folder / "measured.json"
    if arguments.draw:
        write(json.loads(raw.read_text()), arguments.results)
        return
    measured = beginning(raw, arguments)
    known = [tuple(row.get(key, "f32") for key in ("precision", "network", "threads", "task", "batch")) for row in measured["rows"]]
    work = [(precision, name, threads, *task) for precision in arguments.precisions for name in arguments.networks
            if precision == "f32" or name in BF16_NETWORKS for threads in arguments.threads for task in tasks_of(NETWORKS[name], arguments)]
    work = [each for each in work if each not in known]
    begin, done, programs = time.monotonic(), 0, {}
    for (precision, name, threads), mine in itertools.groupby(work, key=lambda each: each[:3]):
        program = programs[precision, name] = programs.get((precision, name)) or Program(name, folder, precision)
        if precision == "f32":
            measured["programs"][name] = measured["programs"].get(name) or program.facts()
        with tempfile.TemporaryDirectory() as caches:
            for *_, task, batch in mine:
                row = measure(program, task, batch, threads, arguments, pathlib.Path(caches))
                measured["rows"].append(row)
                measured["limits"].setdefault(str(threads), program.limits(threads))
                raw.write_text(json.dumps(measured, indent=1))
                done += 1
                left = (time.monotonic() - begin) / done * (len(work) - done)
                print(f"{report.line(row)}  ({done} of {len(work)}, {left / 60:.0f} min left)", flush=True)
        write(measured, arguments.results)


if __name__ == "__main__":
    main()
