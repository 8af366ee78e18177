"""What all peers share: the command line, the check against netc's record, and answering "go N" with the seconds of one call.

A peer gives serve() two classes of runners, made from a Task: Training, whose steps give the loss, and Prediction, whose steps give the
outputs as netc lays them out ([n, height, width, channels]).
"""
import argparse
import json
import pathlib
import sys
import time

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from networks import NETWORKS  # noqa: E402
from record import Record  # noqa: E402

TIMED_LEARNING_RATE = 1e-6  # so small that many steps on one batch leave the weights where they are: what netc is timed with


class Task:
    """What a peer is to compute."""

    def __init__(self, arguments):
        self.network = NETWORKS[arguments.network]
        self.nodes = self.network.nodes()
        self.record = Record(arguments.record)
        self.threads = arguments.threads
        self.variant = arguments.variant
        self.bf16 = arguments.precision == "bf16"
        self.dropout = 0.0
        self.learning_rate = self.network.optimizer.checked_rate

    def layers(self):
        """Pairs of a node and its weights, which are empty for a node that has none."""
        weights = iter(self.record.layers)
        pairs = [(node, next(weights) if node.has_weights else {}) for node in self.nodes]
        if next(weights, None) is not None:
            sys.exit("netc's network has more layers with weights than the description in bench/networks.py")
        return pairs

    @property
    def images(self):
        return self.record.inputs[0]

    @property
    def targets(self):
        return self.record.inputs[1]


class Runner:
    settings = ""  # in the words of the table

    def step(self):
        """Does one step; its result may still be on the way."""
        raise NotImplementedError

    def wait(self, result):
        """The result of a step, when it and all before it are done: a number or an array."""
        raise NotImplementedError

    def set_learning_rate(self, rate):
        """Of a training: that of the steps that follow."""
        raise NotImplementedError

    def ready(self):
        """Called once, after the check and before the time is taken."""


def fastest(ways, seconds=0.3):
    """The name of the fastest of some functions that compute the same: the best call of a few. One that is far behind is called twice."""
    times = {}
    for name, way in ways.items():
        way()  # compiles
        begin = time.perf_counter()
        while True:
            start = time.perf_counter()
            way()
            end = time.perf_counter()
            times[name] = min(times.get(name, end - start), end - start)
            if end - begin > seconds or times[name] > 3 * min(times.values()):
                break
    return min(times, key=times.get)


def difference(found, expected):
    """The greatest difference, relative to the greatest of the expected values."""
    if found.shape != expected.shape:
        return float("inf")
    return float(np.max(np.abs(found - expected)) / np.max(np.abs(expected)))


def prepared_training(task, training):
    """A training ready to be timed, how far its losses are from netc's, and the seconds of its first step."""
    start = time.perf_counter()
    checked = training(task)
    losses = [float(checked.wait(checked.step()))]
    first_call = time.perf_counter() - start
    losses.append(float(checked.wait(checked.step())))
    batch = len(task.images)
    expected = [float(results["loss_sum"] / batch + results["penalty"]) for results in task.record.results]
    task.learning_rate = TIMED_LEARNING_RATE
    task.dropout = task.network.dropout
    if task.dropout:
        checked = training(task)
    else:
        checked.set_learning_rate(TIMED_LEARNING_RATE)
    return checked, difference(np.array(losses), np.array(expected)), first_call


def prepared_prediction(task, prediction):
    start = time.perf_counter()
    checked = prediction(task)
    outputs = np.asarray(checked.wait(checked.step()))
    first_call = time.perf_counter() - start
    expected = next(iter(task.record.results[0].values()))
    if task.network.loss == "classes":  # logarithms of probabilities differ as logits do
        outputs, expected = np.log(np.maximum(outputs, 1e-37)), np.log(np.maximum(expected, 1e-37))
    return checked, difference(outputs, expected), first_call


def serve(version, training=None, prediction=None):
    parser = argparse.ArgumentParser()
    parser.add_argument("network", choices=NETWORKS)
    parser.add_argument("task", choices=("train", "predict"))
    parser.add_argument("--record", required=True, help="of netc, with the batch to run")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--variant", default="", help="another way in which this peer can compute")
    parser.add_argument("--precision", default="f32", choices=("f32", "bf16"), help="of products and what lies between them")
    arguments = parser.parse_args()
    task = Task(arguments)
    if arguments.task == "train":
        runner, distance, first_call = prepared_training(task, training)
    else:
        runner, distance, first_call = prepared_prediction(task, prediction)
    runner.ready()
    runner.wait(runner.step())
    print(json.dumps({"ready": True, "version": version, "settings": runner.settings, "difference": distance, "first_call": first_call}),
          flush=True)
    for line in sys.stdin:
        count = int(line.split()[1])
        start = time.perf_counter()
        for _ in range(count):
            result = runner.step()
        runner.wait(result)
        print((time.perf_counter() - start) / count, flush=True)
