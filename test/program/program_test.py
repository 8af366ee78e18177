"""Compiled programs from end to end: what a user does with an example, and what must hold whatever the network.

NETC names the compiler; without it the one in build/tools/netc is taken.
"""

import csv
import json
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
NETC = os.environ.get("NETC", str(ROOT / "build/tools/netc"))


def read_history(run):
    with open(run / "history.csv", newline="") as file:
        return [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]


class ProgramTest(unittest.TestCase):
    """Compiles examples/digits.net once; every test has a folder of its own."""

    @classmethod
    def setUpClass(cls):
        cls.build = tempfile.TemporaryDirectory()
        cls.program = pathlib.Path(cls.build.name) / "digits"
        done = subprocess.run([NETC, str(ROOT / "examples/digits.net"), "-o", str(cls.program)], capture_output=True, text=True)
        if done.returncode != 0:
            raise AssertionError("netc failed:\n" + done.stdout + done.stderr)

    @classmethod
    def tearDownClass(cls):
        cls.build.cleanup()

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def run_program(self, *words, code=0):
        done = subprocess.run([str(self.program), *words], cwd=self.folder, capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def assert_same_run(self, first, second):
        for name in ("history.csv", "checkpoints/last.safetensors", "checkpoints/best.safetensors"):
            self.assertTrue((self.folder / first / name).read_bytes() == (self.folder / second / name).read_bytes(),
                            f"{name} of {first} and {second} differ")

    def test_learns(self):
        text = self.run_program("train", "--run", "run")
        self.assertIn("run directory: run", text)
        history = read_history(self.folder / "run")
        self.assertEqual([row["epoch"] for row in history], list(range(1, 16)))
        # The loss before training is that of a guess, and falls.
        self.assertLess(history[-1]["loss"], 0.2 * history[0]["loss"] + 0.05)
        accuracy = float(re.search(r"test: .*accuracy ([0-9.]+)", text).group(1))
        self.assertGreater(accuracy, 0.95)
        again = self.run_program("evaluate", "--run", "run", "--threads", "1")
        self.assertIn(f"accuracy {accuracy:.4f}", again)

    def test_predicts_raw_rows(self):
        self.run_program("train")
        rows = (ROOT / "examples/data/digits/test.csv").read_text().splitlines()
        header, body = rows[0].split(","), [row.split(",") for row in rows[1:101]]
        column = header.index("digit")
        with open(self.folder / "new.csv", "w") as file:
            for row in [header] + body:
                file.write(",".join(cell for i, cell in enumerate(row) if i != column) + "\n")
        lines = [json.loads(line) for line in self.run_program("predict", "new.csv", "--json").splitlines() if line.startswith("{")]
        self.assertEqual(len(lines), 100)
        output = next(key for key in lines[0] if key not in ("file", "sample"))
        right = 0
        for line, row in zip(lines, body):
            self.assertAlmostEqual(sum(one["probability"] for one in line[output]), 1, places=5)
            right += line[output][0]["class"] == row[column]
        self.assertGreater(right, 90)

    def test_threads_change_nothing(self):
        for threads in ("1", "2", "3"):
            self.run_program("train", "--epochs", "2", "--threads", threads, "--run", threads)
        self.assert_same_run("1", "2")
        self.assert_same_run("1", "3")
        self.run_program("train", "--epochs", "2", "--seed", "43", "--run", "other")
        self.assertNotEqual(read_history(self.folder / "1"), read_history(self.folder / "other"))

    def test_resumes_after_kills(self):
        begin = time.monotonic()
        self.run_program("train", "--epochs", "3", "--run", "whole", "--checkpoint-every", "20 steps")
        whole = time.monotonic() - begin
        chance = random.Random(1)
        kills = 0
        while True:
            begun = (self.folder / "killed/config.json").exists()
            words = ["--resume", "killed"] if begun else ["--epochs", "3", "--run", "killed"]
            child = subprocess.Popen([str(self.program), "train", *words, "--checkpoint-every", "20 steps"], cwd=self.folder,
                                     stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            try:
                child.communicate(timeout=chance.random() * whole * 0.6 if kills < 10 else None)
            except subprocess.TimeoutExpired:
                child.kill()
                child.communicate()
                kills += 1
                continue
            self.assertEqual(child.returncode, 0)
            break
        self.assertGreater(kills, 0)
        self.assert_same_run("whole", "killed")

    def test_interrupt_saves(self):
        child = subprocess.Popen([str(self.program), "train", "--epochs", "10000", "--run", "run"], cwd=self.folder,
                                 stdout=subprocess.PIPE, text=True)
        while "epoch 1/" not in child.stdout.readline():
            pass
        child.send_signal(signal.SIGINT)
        text, _ = child.communicate(timeout=60)
        self.assertEqual(child.returncode, 130)
        self.assertIn("train --resume run", text)

    def test_gradients(self):
        self.assertIn("passed", self.run_program("gradcheck"))
        self.assertIn("failed", self.run_program("gradcheck", "--tolerance", "1e-30", code=5))

    def test_summary(self):
        text = self.run_program("summary", "--config", "--set", "lr=0.005")
        for part in ("conv2d", "dense", "total", "param lr", "0.005", "command line"):
            self.assertIn(part, text)

    def test_usage_errors(self):
        self.assertIn("did you mean --epochs?", self.run_program("train", "--epoch", "3", code=2))
        self.assertIn("netc -D width=8", self.run_program("train", "--set", "width=8", code=2))
        self.run_program("train", "--data", "nowhere", code=3)
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_is_small_and_starts_fast(self):
        stripped = self.folder / "stripped"
        if not shutil.which("strip"):
            self.skipTest("there is no strip")
        subprocess.run(["strip", "-o", stripped, self.program], check=True)
        self.assertLess(stripped.stat().st_size, 1_000_000)
        best = min(self.time_of_info() for _ in range(5))
        self.assertLess(best, 0.05)  # the work of its own is under 5 ms; the rest is the system's process start

    def time_of_info(self):
        begin = time.perf_counter()
        self.run_program("info")
        return time.perf_counter() - begin


class ExamplesTest(unittest.TestCase):
    """Every example whose data comes with it compiles, has right gradients and improves in a few epochs."""

    def test_tables(self):
        for name in ("iris", "wine", "diabetes"):
            with self.subTest(name), tempfile.TemporaryDirectory() as folder:
                for words in ([NETC, str(ROOT / f"examples/{name}.net"), "-o", f"{folder}/{name}"], [f"./{name}", "gradcheck"],
                              [f"./{name}", "train", "--epochs", "6", "--run", "run"], [f"./{name}", "evaluate", "--run", "run"]):
                    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=120)
                    self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                history = read_history(pathlib.Path(folder) / "run")
                self.assertLess(history[-1]["loss"], history[0]["loss"])


if __name__ == "__main__":
    unittest.main()
