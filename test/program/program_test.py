"""Compiled programs from end to end: what a user does with an example, and what must hold whatever the network."""

import json
import re
import shutil
import signal
import subprocess
import time

from support import EXAMPLES, ROOT, ProgramCase, compile_net, read_history


class ProgramTest(ProgramCase):
    """What a user does with examples/digits.net."""

    @classmethod
    def compile(cls):
        cls.program = compile_net(EXAMPLES / "digits.net", cls.build / "digits")

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

    def test_seed_changes_the_run(self):
        self.run_program("train", "--epochs", "1", "--run", "first")
        self.run_program("train", "--epochs", "1", "--seed", "43", "--run", "other")
        self.assertNotEqual(read_history(self.folder / "first"), read_history(self.folder / "other"))

    def test_bench_tells_steps_and_directions(self):
        lines = self.run_program("bench", "--steps", "2", "--threads", "1").splitlines()
        self.assertRegex(lines[0], r"^train_step, batch 32, 1 thread: [0-9.]+ [mu]s a call")
        shares, steps = 0, set()
        for line in lines[4:]:
            found = re.fullmatch(r" *[0-9.]+ +([0-9.]+) %.* (\d+)  (\S.*)", line)
            self.assertTrue(found, line)
            shares += float(found.group(1))
            steps.add(found.group(3))
        self.assertAlmostEqual(shares, 100, delta=5)
        for direction in "forward", "backward data", "backward weights":
            self.assertIn(f"conv2d_1 {direction}", steps)
        self.assertLessEqual({"batch_norm forward", "dense forward", "adam forward", "loss forward"}, steps)
        kernels = self.run_program("bench", "--steps", "1", "--kernels").splitlines()
        self.assertGreater(len(kernels), len(lines))

    def test_bench_writes_a_trace(self):
        self.run_program("bench", "--steps", "2", "--threads", "2", "--trace", "trace.json")
        events = json.loads((self.folder / "trace.json").read_text())["traceEvents"]
        tracks = [event["args"]["name"] for event in events if event["ph"] == "M"]
        self.assertEqual(tracks, ["kernels", "thread 0", "thread 1"])
        spans = [event for event in events if event["ph"] == "X" and event["tid"] == 0]
        self.assertEqual(sum(event["name"] == "conv2d_1 backward weights" and "GFLOP/s" in event["args"] for event in spans), 2)
        for before, after in zip(spans, spans[1:]):
            self.assertLessEqual(before["ts"] + before["dur"], after["ts"] + 1e-3)

    def test_callbacks_that_only_show(self):
        """csv_logger and progress are there whether a file names them or not."""
        text = (EXAMPLES / "digits.net").read_text()
        text = text.replace("  epochs     = 15", "  epochs     = 2\n  callbacks  = [csv_logger, progress, time_limit(1 h)]")
        (self.folder / "named.net").write_text(text)
        program = compile_net(self.folder / "named.net", self.folder / "named")
        said = self.run_program("train", "--run", "named-run", "--data", str(EXAMPLES), program=program)
        self.assertIn("epoch 2/2", said)
        self.run_program("train", "--run", "run", "--epochs", "2")
        self.assertEqual(*[(self.folder / run / "history.csv").read_text() for run in ("named-run", "run")])

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
