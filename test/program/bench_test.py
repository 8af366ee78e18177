"""The suite of bench/ compiles and runs, and what a program records for its peers is what it computed."""

import json
import math
import struct
import sys
import unittest
from concurrent.futures import ThreadPoolExecutor

from support import ROOT, ProgramCase, compile_net

sys.path.insert(0, str(ROOT / "bench"))
from networks import NETWORKS  # noqa: E402

SUITE = ROOT / "bench/suite"


def read_record(path):
    """Shapes and numbers by name, in the order of the file."""
    data = path.read_bytes()
    begin = 8 + struct.unpack("<Q", data[:8])[0]
    entries = json.loads(data[8:begin])
    entries.pop("__metadata__")
    tensors = {}
    for name, entry in sorted(entries.items(), key=lambda item: item[1]["data_offsets"]):
        first, last = entry["data_offsets"]
        tensors[name] = (entry["shape"], struct.unpack(f"<{(last - first) // 4}{'i' if entry['dtype'] == 'I32' else 'f'}",
                                                       data[begin + first:begin + last]))
    return tensors


def dense(x, kernel, bias):
    return [sum(a * b for a, b in zip(x, kernel[unit::len(bias)])) + bias[unit] for unit in range(len(bias))]


class BenchTest(ProgramCase):
    def test_suite_and_descriptions_belong_together(self):
        self.assertEqual({file.stem for file in SUITE.glob("*.net")}, set(NETWORKS))

    def test_every_network_runs(self):
        with ThreadPoolExecutor(2) as pool:
            programs = list(pool.map(lambda name: compile_net(SUITE / f"{name}.net", self.folder / name), NETWORKS))
        for program, (name, network) in zip(programs, NETWORKS.items()):
            with self.subTest(name):
                self.assertRegex(self.run_program("bench", "--steps", "1", "--batch", "2", program=program), "^train_step, batch 2")
                self.run_program("bench", "--function", "predict", "--batch", "1", "--record", "record", program=program)
                layers = {weight.rsplit(".", 1)[0] for weight in read_record(self.folder / "record") if weight.startswith("weights.")}
                self.assertEqual(len(layers), sum(node.has_weights for node in network.nodes()))


class RecordTest(ProgramCase):
    @classmethod
    def compile(cls):
        cls.program = compile_net(SUITE / "mlp.net", cls.build / "mlp", "-Dlr=1e-3")

    def test_training(self):
        self.run_program("bench", "--batch", "64", "--record", "record")
        record = read_record(self.folder / "record")
        shape, targets = record["inputs.target"]
        self.assertEqual((shape, set(targets)), ([64], set(range(10))))
        self.assertEqual(set(record["inputs.sample_weight"][1]), {1.0})
        losses = [record[f"results.{call}.loss_sum"][1][0] / 64 for call in (1, 2)]
        self.assertAlmostEqual(losses[0], math.log(10), delta=0.5)
        self.assertLess(losses[1], losses[0] - 0.01)

    def test_prediction(self):
        self.run_program("bench", "--function", "predict", "--batch", "1", "--record", "record")
        record = read_record(self.folder / "record")
        x = record["inputs.image"][1]
        for place, layer in enumerate(("dense", "dense_1", "dense_2")):
            x = dense(x, record[f"weights.{layer}.kernel"][1], record[f"weights.{layer}.bias"][1])
            x = x if place == 2 else [max(value, 0) for value in x]
        exponentials = [math.exp(value) for value in x]
        for call in (1, 2):
            for found, expected in zip(record[f"results.{call}.output"][1], exponentials):
                self.assertAlmostEqual(found, expected / sum(exponentials), places=5)


if __name__ == "__main__":
    unittest.main()
