"""What a second thread gains, beside what the machine allows: two processes of one thread each, at once, on the same two cores.

    python3 bench/scaling.py resnet20 vgg          compiles networks of bench/suite; paths of compiled programs do as well

Two processes share nothing but the machine: memory, the outer cache and the clock. So twice their samples a second over those of one
alone is what two threads could reach at best. Everybody takes turns; the best of the rounds counts.
"""
import argparse
import concurrent.futures
import pathlib
import tempfile

from netc_program import ROOT, Program
from turns import Contestant

CORES = (0, 1)


def main():
    parser = argparse.ArgumentParser(prog="bench/scaling.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="+", metavar="NETWORK")
    parser.add_argument("--function", default="train_step")
    parser.add_argument("--batch", type=int, help="(default: batch_size)")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.1, help="of one turn (default: %(default)s)")
    arguments = parser.parse_args()
    folder = ROOT / "build/bench"
    print(f"{'':24}{'1 thread':>12}{'2 threads':>12}{'gain':>7}{'at best':>9}")
    for network in arguments.networks:
        path = network if "/" in network else Program(network, folder).path
        one, two, pair = measure(path, arguments)
        print(f"{pathlib.Path(network).name:24}{one * 1e3:9.3f} ms{two * 1e3:9.3f} ms{one / two:7.2f}{2 * one / pair:9.2f}", flush=True)


def measure(path, arguments):
    """Seconds of a call: with one thread, with two, and of two processes at once."""
    batch = ["--batch", arguments.batch] if arguments.batch else []

    def contestant(name, threads, cores):
        command = [path, "bench", "--serve", "--function", arguments.function, "--threads", threads, *batch]
        with tempfile.TemporaryDirectory() as caches:
            started = Contestant(name, command)
            started.start(threads, pathlib.Path(caches), cores)
        return started

    one, two = contestant("one", 1, CORES[:1]), contestant("two", 2, CORES)
    pair = [contestant("first", 1, CORES[:1]), contestant("second", 1, CORES[1:])]
    try:
        with concurrent.futures.ThreadPoolExecutor(len(pair)) as pool:
            for _ in range(arguments.rounds):
                one.turn(arguments.seconds)
                two.turn(arguments.seconds)
                list(pool.map(lambda each: each.turn(arguments.seconds), pair))
    finally:
        everybody = [one, two, *pair]
        for each in everybody:
            each.close()
    if missing := [each.missing for each in everybody if each.missing.startswith("it ended")]:
        raise SystemExit(missing[0])
    # A round of the pair is as slow as both on average.
    both = [sum(times) / len(pair) for times in zip(*(each.times for each in pair))]
    return min(one.times), min(two.times), min(both)


if __name__ == "__main__":
    main()
