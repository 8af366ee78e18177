"""Measures netc and its peers in turns; called by bench/run, which sets up what this needs."""
import argparse
import json
import pathlib
import sys
import tempfile

import machine
import picture
import report
from netc_program import ROOT, Program
from networks import NETWORKS
from turns import Contestant, take_turns

PEERS = ROOT / "bench/peers"
# Name, program, variant, what it can do.
CONTESTANTS = [
    ("PyTorch", "torch_peer.py", "", ("train", "predict")),
    ("torch.compile", "torch_peer.py", "compile", ("train", "predict")),
    ("JAX", "jax_peer.py", "", ("train", "predict")),
    ("Keras", "keras_peer.py", "", ("train", "predict")),
    ("ONNX Runtime", "onnx_peer.py", "", ("predict",)),
    ("OpenVINO", "openvino_peer.py", "", ("predict",)),
]


def arguments_of(words):
    parser = argparse.ArgumentParser(prog="bench/run", description=__doc__)
    parser.add_argument("networks", nargs="*", metavar="NETWORK", help=", ".join(NETWORKS) + " (default: all)")
    parser.add_argument("--quick", action="store_true", help="3 short rounds")
    parser.add_argument("--rounds", type=int, default=9, help="turns of each (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=0.5, help="of one turn (default: %(default)s)")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2], metavar="N")
    parser.add_argument("--peers", nargs="+", default=[name for name, *_ in CONTESTANTS], metavar="NAME",
                        help="(default: %(default)s)")
    parser.add_argument("--tasks", nargs="+", default=["train", "predict"], choices=("train", "predict"))
    parser.add_argument("--results", type=pathlib.Path, default=ROOT / "bench/results", help="folder for what is written")
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


def measure(program, task, batch, threads, arguments):
    """Times of netc and of all peers for one function, batch and number of threads."""
    function = {"train": "train_step", "predict": "predict"}[task]
    with tempfile.TemporaryDirectory() as folder:
        scratch = pathlib.Path(folder)
        record = scratch / "record.safetensors"
        program.record(function, batch, record)
        contestants = [Contestant("netc", program.command(function, batch, threads), threads, scratch)]
        for name, file, variant, tasks in CONTESTANTS:
            if name in arguments.peers and task in tasks:
                command = [sys.executable, PEERS / file, program.name, task, "--record", record, "--threads", threads, "--variant", variant]
                contestants.append(Contestant(name, command, threads, scratch))
        take_turns(contestants, arguments.rounds, arguments.seconds)
        return {"network": program.name, "task": task, "batch": batch, "threads": threads,
                "contestants": {each.name: each.close() for each in contestants}}


def tasks_of(network, arguments):
    if "train" in arguments.tasks:
        for batch in network.batches:
            yield "train", batch
    if "predict" in arguments.tasks:
        yield from (("predict", 1), ("predict", 32))


def write(measured, folder):
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in (("side-by-side.md", report.markdown(measured)), ("side-by-side.svg", picture.svg(measured))):
        (folder / name).write_text(text)
        print(f"written: {folder / name}")


def main():
    arguments = arguments_of(sys.argv[1:])
    folder = ROOT / "build/bench"
    folder.mkdir(parents=True, exist_ok=True)
    raw = folder / "measured.json"
    if arguments.draw:
        write(json.loads(raw.read_text()), arguments.results)
        return
    measured = {"machine": machine.describe(), "rounds": arguments.rounds, "seconds": arguments.seconds, "limits": {}, "programs": {}, "rows": []}
    for name in arguments.networks:
        program = Program(name, folder)
        measured["programs"][name] = program.facts()
        for threads in arguments.threads:
            for task, batch in tasks_of(NETWORKS[name], arguments):
                row = measure(program, task, batch, threads, arguments)
                measured["rows"].append(row)
                measured["limits"].setdefault(str(threads), program.limits(threads))
                print(report.line(row), flush=True)
                raw.write_text(json.dumps(measured, indent=1))
    write(measured, arguments.results)


if __name__ == "__main__":
    main()
