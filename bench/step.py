"""Interleaves training steps of the compiled examples/fashion.net and of PyTorch, and prints their ratio and where the time goes."""
import argparse
import os
import pathlib
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


class Peer:
    """A process that answers "go N" with the seconds of one step, averaged over N steps."""

    def __init__(self, name, command):
        self.name = name
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        first = self.process.stdout.readline()
        if not first.startswith("ready"):
            sys.exit(f"{name} did not start: {first!r}")
        self.version = first.split()[1]
        self.times = []

    def go(self, steps):
        self.process.stdin.write(f"go {steps}\n")
        self.process.stdin.flush()
        self.times.append(float(self.process.stdout.readline()))

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def measure(threads, batch, rounds, steps):
    program = ROOT / "build" / "bench-fashion"
    subprocess.run([ROOT / "build/tools/netc", ROOT / "examples/fashion.net", "-o", program, "--target-cpu=native"], check=True)
    torch = [sys.executable, ROOT / "bench/torch_step.py", "--batch", str(batch), "--threads", str(threads)]
    peers = [
        Peer("netc", [program, "bench", "--serve", "--batch", str(batch), "--threads", str(threads)]),
        Peer("torch", torch),
        Peer("torch.compile", torch + ["--compile"]),
    ]
    for _ in range(rounds):
        for peer in peers:
            peer.go(steps)
    for peer in peers:
        peer.close()
    print(f"\ntraining step of examples/fashion.net, batch {batch}, {threads} thread(s), {rounds} rounds of {steps} steps")
    best = min(peers[0].times)
    for peer in peers:
        low, middle = min(peer.times), statistics.median(peer.times)
        print(f"  {peer.name:<14} {peer.version:<14} {low * 1e3:8.2f} ms best {middle * 1e3:8.2f} ms median   {low / best:5.2f} x netc")
    kernels(program, batch, threads, rounds)


def kernels(program, batch, threads, rounds, at_least=0.01):
    """Prints the steps of the network that take a share of the time: each one's least time of some runs, for other programs only ever add."""
    times, lines = {}, {}
    for _ in range(rounds):
        command = [program, "bench", "--batch", str(batch), "--threads", str(threads)]
        text = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        header, *rows = text[text.index("       us"):].splitlines()
        for place, row in enumerate(rows):
            microseconds = float(row.split()[0])
            if microseconds < times.get(place, float("inf")):
                times[place], lines[place] = microseconds, row
    total = sum(times.values())
    print(f"\n{header}")
    for place, microseconds in sorted(times.items(), key=lambda item: -item[1]):
        if microseconds >= at_least * total:
            print(lines[place])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--threads", type=int, nargs="*", default=[1, os.cpu_count() or 1])
    arguments = parser.parse_args()
    for threads in arguments.threads:
        measure(threads, arguments.batch, arguments.rounds, arguments.steps)


if __name__ == "__main__":
    main()
