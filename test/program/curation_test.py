"""Cross-validation, mixed samples, and `netc data`: from the file to what a user sees."""

import json
import random
import signal
import subprocess
import time
import unittest

from support import EXAMPLES, NETC, ProgramCase, compile_net

TABLE = """
data points {{
  train = csv("train.csv", target = "y", group = "who")
  test  = csv("test.csv", target = "y", group = "who")
  {validation}
}}
network sorter(x: f32[2]) -> class[2] {{ x -> dense(8) -> relu -> dense(2) }}
train sorter on points {{
  loss = sparse_categorical_crossentropy(from_logits = true)
  metrics = [accuracy]
  optimizer = adam(learning_rate = 0.02)
  batch_size = 16
  epochs = {epochs}
  seed = 3
}}
"""


def write_points(folder, leak=0):
    draw = random.Random(1)
    rows = []
    for i in range(240):
        a, b = draw.uniform(-1, 1), draw.uniform(-1, 1)
        rows.append(f"{a:.4f},{b:.4f},{int(a + b > 0)},p{i // 4}")
    (folder / "train.csv").write_text("\n".join(["a,b,y,who"] + rows) + "\n")
    new = [f"{draw.uniform(-1, 1):.4f},{draw.uniform(-1, 1):.4f},{i % 2},q{i}" for i in range(40)]
    (folder / "test.csv").write_text("\n".join(["a,b,y,who"] + new + rows[:leak]) + "\n")


class Folds(ProgramCase):
    def compile_points(self, epochs):
        write_points(self.folder)
        (self.folder / "points.net").write_text(TABLE.format(validation="validation = k_fold(3)", epochs=epochs))
        self.program = compile_net(self.folder / "points.net", self.folder / "points")

    def test_every_fold_is_trained_and_summed_up(self):
        self.compile_points(8)
        said = self.run_program("train", "--threads", "1")
        for text in ("fold 1 of 3", "fold 3 of 3", "mean", "deviation", "val_accuracy"):
            self.assertIn(text, said)
        summary = json.loads((self.folder / "runs/points-001/folds.json").read_text())
        values = [fold["val_accuracy"] for fold in summary["folds"]]
        self.assertEqual(len(values), 3)
        self.assertAlmostEqual(summary["mean"]["val_accuracy"], sum(values) / 3, places=12)
        mean = sum(values) / 3
        self.assertAlmostEqual(summary["deviation"]["val_accuracy"], (sum((v - mean) ** 2 for v in values) / 2) ** 0.5)
        # One fold on its own is the same training.
        self.run_program("train", "--fold", "2", "--run", "alone", "--threads", "2")
        self.assert_same_run("alone", "runs/points-001/fold-2")
        # The validation set of a fold is that of its checkpoint.
        said = self.run_program("evaluate", "--run", "runs/points-001/fold-2", "--split", "validation")
        self.assertIn(f"{summary['folds'][1]['val_accuracy']:.4f}", said)

    def test_killed_and_resumed_is_the_same(self):
        self.compile_points(60)
        self.run_program("train", "--run", "whole", "--threads", "1")
        for kill in range(3):
            words = ["train", "--threads", "1"] + (["--resume", "killed"] if kill else ["--run", "killed"])
            process = subprocess.Popen([str(self.program), *words], cwd=self.folder, stdout=subprocess.DEVNULL)
            fold = self.folder / f"killed/fold-{kill + 1}/checkpoints/last.safetensors"
            for _ in range(3000):
                if process.poll() is not None or fold.exists():
                    break
                time.sleep(0.01)
            process.send_signal(signal.SIGKILL)
            process.wait()
        self.run_program("train", "--resume", "killed", "--threads", "1")
        for fold in (1, 2, 3):
            self.assert_same_run(f"whole/fold-{fold}", f"killed/fold-{fold}")
        self.assertEqual((self.folder / "whole/folds.json").read_text(), (self.folder / "killed/folds.json").read_text())


class Mixing(ProgramCase):
    @classmethod
    def compile(cls):
        text = (EXAMPLES / "digits.net").read_text().replace('"data/', f'"{EXAMPLES}/data/')
        text = text.replace("  normalize  = scale(16)\n",
                            "  normalize  = scale(16)\n"
                            "  augment    = [rotate(10 deg), brightness(10%), noise(2%), mixup(0.4), cutmix]\n")
        assert "mixup" in text
        (cls.build / "mixed.net").write_text(text)
        cls.program = compile_net(cls.build / "mixed.net", cls.build / "mixed")

    def test_learns_and_is_the_same_for_any_threads_and_after_a_pause(self):
        self.run_program("train", "--epochs", "4", "--run", "one", "--threads", "1")
        self.run_program("train", "--epochs", "4", "--run", "two", "--threads", "2")
        self.assert_same_run("one", "two")
        self.run_program("train", "--epochs", "4", "--run", "paused", "--threads", "2", "--pause-after", "2")
        self.run_program("train", "--resume", "paused", "--threads", "1")
        self.assert_same_run("one", "paused")
        self.run_program("gradcheck", "--samples", "2", "--entries", "3")
        self.run_program("gradcheck", "--samples", "2", "--entries", "3")
        said = self.run_program("evaluate", "--run", "one", "--split", "train")
        self.assertIn("accuracy", said)


class Data(ProgramCase):
    def data(self, *words, code=0):
        done = subprocess.run([NETC, "data", *words], cwd=self.folder, capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def test_a_leaking_table(self):
        write_points(self.folder, leak=8)
        (self.folder / "points.net").write_text(TABLE.format(validation="validation = split(20%)", epochs=1))
        said = json.loads(self.data("points.net", "--json"))
        self.assertEqual([part["samples"] for part in said["parts"]], [192, 48, 48])
        self.assertEqual(sum(said["parts"][0]["classes"]), 192)
        between = {tuple(one["parts"]): one for one in said["copies"]["between"]}
        leaked = between["train", "test"]["samples"] + between["validation", "test"]["samples"]
        self.assertEqual(leaked, 8)
        groups = between["train", "test"]["groups"] + between["validation", "test"]["groups"]
        self.assertEqual(groups, 2)
        self.assertEqual(between["train", "validation"]["groups"], 0)
        kinds = {advice["kind"] for advice in said["advice"]}
        self.assertTrue({"leak", "leak by group"} <= kinds, kinds)
        feature = said["features"][0]
        self.assertEqual(feature["name"], "a")
        self.assertEqual(sum(feature["histogram"]), 192)
        said = self.data("points.net")
        for text in ("feature", "deviation", "leak", "page: data.html"):
            self.assertIn(text, said)
        self.assertIn("<!doctype html>", (self.folder / "data.html").read_text())

    def test_wrong_data_is_told(self):
        (self.folder / "points.net").write_text(TABLE.format(validation="", epochs=1))
        self.assertIn("cannot read", self.data("points.net", code=3))

    def test_statistics_of_an_ugly_table(self):
        rows = ["x,same,gap,y"] + [f"{i * 100},5,{'' if i % 4 == 0 else i},{int(i >= 38)}" for i in range(40)] + ["100,5,1,1"]
        (self.folder / "train.csv").write_text("\n".join(rows) + "\n")
        (self.folder / "ugly.net").write_text(
            'data d { train = csv("train.csv", target = "y", missing = mean) }\n'
            "network n(x: f32[3]) -> class[2] { x -> dense(2) }\n"
            "train n on d { loss = sparse_categorical_crossentropy(from_logits = true)\n  optimizer = sgd(learning_rate = 0.1) }\n")
        said = json.loads(self.data("ugly.net", "--json"))
        x, same, gap = said["features"]
        self.assertEqual((x["min"], x["max"], same["constant"], gap["missing"]), (0, 3900, True, 10))
        self.assertAlmostEqual(x["mean"], (sum(i * 100 for i in range(40)) + 100) / 41, places=3)
        kinds = {advice["kind"] for advice in said["advice"]}
        self.assertTrue({"constant features", "missing values", "imbalance", "few samples", "not normalised",
                         "no validation set", "no test set", "contradictions"} <= kinds, kinds)


if __name__ == "__main__":
    unittest.main()
