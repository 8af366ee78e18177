"""The examples of examples/tuning show what they say. Margins are wide: levels of x86-64 round differently."""

import csv
import filecmp
import json
import os
import re
import subprocess
import sys

from support import EXAMPLES, NETC, ProgramCase, compile_net, read_history

TUNING = EXAMPLES / "tuning"
OPTIONS = os.environ.get("NETC_OPTIONS", "").split()  # for trying another --target-cpu


class TuningTest(ProgramCase):
    def train(self, name, *words, **params):
        """The history of a training, and what it printed; `params` are those of netc -D, `words` of train."""
        run = f"run-{len(list(self.folder.iterdir()))}"
        defines = [word for key, value in params.items() for word in ("-D", f"{key}={value}")]
        self.program = compile_net(TUNING / f"{name}.net", self.folder / f"{name}-{run}", *OPTIONS, *defines)
        self.printed = self.run_program("train", "--run", run, *words)
        self.run_folder = self.folder / run
        return read_history(self.run_folder)

    def last(self, figure, *words, **params):
        return self.train(*words, **params)[-1][figure]

    def measured(self, figure):
        return float(re.search(rf"test: .*\b{figure} ([0-9.]+)", self.printed).group(1))

    def netc(self, *words, code=0):
        done = subprocess.run([NETC, *map(str, words)], cwd=self.folder, capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def test_every_example_is_in_the_index_and_tested(self):
        names = {path.stem for path in TUNING.glob("*.net")}
        self.assertEqual(names, set(re.findall(r"\]\((\w+)\.net\)", (TUNING / "README.md").read_text())))
        tests = {name[len("test_"):] for name in dir(self) if name.startswith("test_")}
        self.assertLessEqual(names - {"pretraining", "fine_tuning"}, tests)  # these two: examples_test.py

    def test_made_data(self):
        subprocess.run([sys.executable, str(EXAMPLES / "data/make_data.py"), str(self.folder)], check=True)
        for name in ("spirals", "parts"):
            file = f"{name}/{name}.csv"
            self.assertTrue(filecmp.cmp(self.folder / file, EXAMPLES / "data" / file, shallow=False), file)

    def test_capacity(self):
        self.assertIn("3 of 3 checks passed", self.netc("check", TUNING / "capacity.net"))
        text = self.netc("check", "-D", "width=2", TUNING / "capacity.net", code=5)
        self.assertRegex(text, r"gradients +passed")
        self.assertRegex(text, r"overfit +FAILED")
        loss = {width: self.last("loss", "capacity", width=width) for width in (2, 32)}
        self.assertGreater(loss[2], 1)
        self.assertLess(loss[32], 0.2)

    def test_activations(self):
        self.assertLess(self.last("val_accuracy", "activations", unit="linear"), 0.8)
        self.assertGreater(self.last("val_accuracy", "activations", unit="relu"), 0.97)
        subprocess.run([sys.executable, str(TUNING / "decision.py"), "picture.svg", str(self.program), str(self.run_folder)],
                       cwd=self.folder, check=True, capture_output=True)
        picture = (self.folder / "picture.svg").read_text()
        self.assertGreater(picture.count("<rect"), 200)
        self.assertEqual(picture.count("<path"), 2)

    def gradient_ratio(self, **params):
        """That of the first layer over the largest, after an epoch; and the loss after all."""
        loss = self.last("loss", "initializers", **params)
        with open(self.run_folder / "diagnostics.jsonl") as file:
            norms = [layer["gradient_norm"] for layer in json.loads(file.readline())["layers"]]
        return norms[0] / max(norms), loss

    def test_initializers(self):
        ratio, loss = self.gradient_ratio()
        self.assertLess(ratio, 1e-4)
        self.assertGreater(loss, 2.2)
        self.assertIn("Vanishing gradients", self.printed)
        self.assertLess(self.gradient_ratio(activation="relu", start="random_normal")[0], 1e-4)
        ratio, loss = self.gradient_ratio(activation="relu", start="he_normal")
        self.assertGreater(ratio, 0.1)
        self.assertLess(loss, 0.5)

    def test_batch_norm(self):
        for rate in ("0.01", "0.1", "0.5"):
            loss = {on: self.last("loss", "batch_norm", "--set", f"lr={rate}", normalised=on) for on in ("true", "false")}
            self.assertLess(3 * loss["true"], loss["false"], rate)

    def test_learning_rate(self):
        """The suggested rate is where training works; a schedule that ends low comes to rest."""
        constant = self.train("learning_rate")
        self.run_program("find-lr", "--run", self.run_folder)
        with open(self.run_folder / "find-lr.json") as file:
            self.assertTrue(0.03 < json.load(file)["suggested"] < 0.5)
        cosine = self.train("learning_rate", schedule="cosine")
        self.assertEqual({row["learning_rate"] for row in constant}, {0.15})
        self.assertLess(cosine[-1]["learning_rate"], 0.001)
        self.assertLess(2 * cosine[-1]["loss"], constant[-1]["loss"])
        for schedule in ("exponential", "piecewise", "one_cycle"):
            self.assertLess(self.last("loss", "learning_rate", schedule=schedule), constant[-1]["loss"], schedule)

    def test_optimizers(self):
        """Each has a rate of its own: adam's is too small for sgd, sgd's too large for adam."""
        loss = {(rule, rate): self.last("loss", "optimizers", "--set", f"lr={rate}", rule=rule)
                for rule in ("sgd", "adam", "lion") for rate in ("0.001", "0.1")}
        self.assertGreater(loss["sgd", "0.001"], 10 * loss["adam", "0.001"])
        self.assertGreater(loss["adam", "0.1"], 3 * loss["sgd", "0.1"])
        self.assertGreater(loss["lion", "0.1"], 10 * loss["lion", "0.001"])
        for rule in ("adagrad", "rmsprop"):
            self.assertLess(self.last("loss", "optimizers", "--set", "lr=0.01", rule=rule), 1, rule)

    def test_batch_size(self):
        loss = [self.last("loss", "batch_size", batch=batch) for batch in (8, 32, 128, 1294)]
        for smaller, larger in zip(loss, loss[1:]):
            self.assertLess(1.5 * smaller, larger)

    def test_regularization(self):
        """Without a cure val_loss climbs from its lowest; with any of them its lowest is lower, or it ends early."""
        plain = self.train("regularization")
        lowest = min(row["val_loss"] for row in plain)
        self.assertIn("Overfitting from epoch", self.printed)
        self.assertLess(plain[-1]["loss"], 0.01)
        self.assertGreater(plain[-1]["val_loss"], 1.1 * lowest)
        runs = [self.run_folder]
        for words, params in ((("--set", "strength=1e-3"), {}), (("--set", "rate=0.5"), {}), ((), {"augmented": "true"})):
            history = self.train("regularization", *words, **params)
            self.assertLess(min(row["val_loss"] - row.get("val_penalty", 0) for row in history), 0.9 * lowest, (words, params))
            runs.append(self.run_folder)
        self.assertLess(len(self.train("regularization", stop="true")), 30)
        text = self.netc("compare", *runs)
        self.assertRegex(text, r"param augmented +false +false +false +true")
        self.assertIn("val_loss", (self.folder / "compare.html").read_text())

    def test_class_imbalance(self):
        self.train("class_imbalance")
        plain = {figure: self.measured(figure) for figure in ("accuracy", "precision", "recall")}
        self.train("class_imbalance", weighted="true")
        self.assertGreater(self.measured("recall"), plain["recall"] + 0.1)
        self.assertLess(self.measured("precision"), plain["precision"])
        self.assertLess(self.measured("accuracy"), plain["accuracy"])
        with open(EXAMPLES / "data/parts/parts.csv", newline="") as file:
            self.assertEqual([row["state"] for row in csv.DictReader(file)].count("faulty"), 80)

    def test_search(self):
        text = self.netc("tune", TUNING / "search.net", "--study", "study", "--trials", "12")
        best, given = (float(re.search(pattern, text).group(1)) for pattern in
                       (r"best: trial \d+, val_loss ([0-9.]+)", r"the file as it stands: val_loss ([0-9.]+)"))
        self.assertLess(best, given / 2)
        self.assertIn("what mattered:  lr", text)
        self.program = compile_net(self.folder / "study/best.net", self.folder / "best")
        self.run_program("train", "--run", "best-run")
        self.assertLess(min(row["val_loss"] for row in read_history(self.folder / "best-run")), given / 2)
