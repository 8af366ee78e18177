"""netc tune from end to end: studies that are killed, extended, stale, that fail; what comes of them."""

import csv
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import time

from support import EXAMPLES, NETC, ProgramCase

SOURCE = (EXAMPLES / "digits.net").read_text().replace('"data/', f'"{EXAMPLES}/data/')
SOURCE = SOURCE[:SOURCE.index("tune {")]
# A network that compiles and trains in no time.
SOURCE = re.sub(r"  image\n.*?\n}", "  image -> flatten -> dense(width) -> relu -> dropout(rate) -> dense(10)\n}", SOURCE, flags=re.S)


def processes_in(folder):
    """Numbers of the processes that have `folder` on their command line."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if str(folder).encode() in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                pass
    return found


class TuneTest(ProgramCase):
    @classmethod
    def compile(cls):
        cls.environment = {**os.environ, "XDG_CACHE_HOME": str(cls.build / "cache")}

    def setUp(self):
        super().setUp()
        self.write("tune { search = random(trials = 8)  objective = min(val_loss)  epochs = 6 }")

    def write(self, section, source=SOURCE):
        (self.folder / "digits.net").write_text(source + section + "\n")

    def tune(self, *words, code=0, **options):
        return self.run_program("tune", "digits.net", *words, program=NETC, code=code, env=self.environment, **options)

    def table(self, study="studies/digits"):
        with open(self.folder / study / "trials.csv", newline="") as file:
            return list(csv.DictReader(file))

    def same(self, first, second):
        for name in ("trials.csv", "best.net"):
            self.assertEqual((self.folder / first / name).read_text(), (self.folder / second / name).read_text(), name)

    def kill_and_go_on(self, chance, *words):
        """Kills a study three times in the middle of trials, each time after more has been recorded; lets it end."""
        study = self.folder / "killed"
        ledger = study / "trials.jsonl"

        def recorded():
            return ledger.read_text().count("\n") if ledger.exists() else 0

        for kill in range(3):
            known = recorded()
            child = subprocess.Popen([NETC, "tune", "digits.net", "--study", str(study), *words], cwd=self.folder,
                                     stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=self.environment)
            while child.poll() is None and recorded() <= known:
                time.sleep(0.005)
            time.sleep(chance.uniform(0, 0.1))
            self.assertIsNone(child.poll(), f"the study was over before kill {kill}")
            child.send_signal(signal.SIGKILL)
            child.communicate()
            end = time.monotonic() + 5
            while processes_in(study / "trials") and time.monotonic() < end:
                time.sleep(0.01)
            self.assertEqual(processes_in(study / "trials"), [], "trials outlive the netc that started them")
        return self.tune("--study", "killed", *words)

    def test_kills_and_jobs_change_nothing(self):
        words = ["--search", "tpe", "--trials", "12", "--epochs", "25"]
        self.tune(*words, "--jobs", "1", "--study", "whole")
        output = self.kill_and_go_on(random.Random(1), *words, "--jobs", "2")
        self.assertIn("goes on: ", output)
        self.same("whole", "killed")
        self.assertEqual([row["state"] for row in self.table("whole")], ["finished"] * 12)

    def test_pruned_trials_survive_kills(self):
        words = ["--search", "halving", "--trials", "9", "--epochs", "36"]
        self.tune(*words, "--jobs", "2", "--study", "whole")
        self.kill_and_go_on(random.Random(2), *words, "--jobs", "3")
        self.same("whole", "killed")
        self.assertEqual(sorted(int(row["epochs"]) for row in self.table("whole")), [4] * 6 + [12] * 2 + [36])

    def test_what_comes_of_it(self):
        output = self.tune()
        rows = self.table()
        self.assertEqual(len(rows), 8)
        self.assertEqual([rows[0][name] for name in ("width", "rate", "lr")], ["16", "0.25", "0.003"])
        best = min(rows, key=lambda row: float(row["val_loss"]))
        self.assertIn(f"best: trial {best['trial']}, val_loss", output)
        self.assertIn("test, best:  loss ", output)
        self.assertIn("what mattered:", output)
        # The best file trains to what the trial came to.
        study = self.folder / "studies/digits"
        for name in ("width", "rate", "lr"):
            self.assertRegex((study / "best.net").read_text(), rf"param {name}\s+= {re.escape(best[name])} +in")
        subprocess.run([NETC, str(study / "best.net"), "-o", str(self.folder / "best")], check=True)
        self.run_program("train", "--run", "again", "--epochs", "6", program=self.folder / "best")
        trial = study / "trials" / f"{int(best['trial']):04}"
        self.assertEqual((self.folder / "again/history.csv").read_text(), (trial / "history.csv").read_text())
        # The report needs nothing beside itself and has every trial.
        page = (study / "tune.html").read_text()
        self.assertNotRegex(page, r"(src|href)=|@import|url\(")
        data = json.loads(re.search(r'<script id="data" type="application/json">(.*?)</script>', page, re.S)[1])
        self.assertEqual([trial["epochs"] for trial in data["trials"]], [6] * 8)
        self.assertEqual(data["best"], int(best["trial"]))
        # Checkpoints of the others are not kept.
        kept = {folder.parent.name for folder in study.glob("trials/*/checkpoints")}
        self.assertEqual(kept, {"0001", trial.name})
        # A second call has nothing to do; more trials extend the study.
        before = (study / "trials.csv").read_text()
        self.assertNotIn("trial 8 of 8", self.tune())
        self.assertEqual((study / "trials.csv").read_text(), before)
        output = self.tune("--trials", "10")
        self.assertNotIn("trial 8 of", output)
        self.assertIn("trial 10 of 10", output)
        self.assertEqual((study / "trials.csv").read_text().splitlines()[:9], before.splitlines())

    def test_nothing_stale_is_used(self):
        self.tune("--trials", "2")
        self.write("tune { search = random(trials = 3)  objective = min(val_loss)  epochs = 6 }", "# new\n" + SOURCE)
        self.assertIn("trial 3 of 3", self.tune())  # comments and the number of trials are no change
        changed = SOURCE.replace("dropout(rate)", "dropout(2 * rate)")
        self.write("tune { search = random(trials = 4)  objective = min(val_loss)  epochs = 6 }", changed)
        output = self.tune(code=2)
        self.assertIn("digits.net has changed since it began", output)
        self.assertIn("--continue-anyway", output)
        self.assertEqual(len(self.table()), 3)
        output = self.tune("--continue-anyway")
        self.assertIn("note: the trials so far are from before digits.net changed", output)
        self.assertEqual(len(self.table()), 4)
        self.tune("--trials", "4")
        self.assertIn("is another one: epochs 6 there, 3 here", self.tune("--epochs", "3", code=2))
        self.assertIn("trial 2 of 2", self.tune("--epochs", "3", "--trials", "2", "--study", "new"))

    def test_trials_that_fail_are_recorded(self):
        self.write("tune { search = random(trials = 6)  objective = max(val_accuracy)  epochs = 3 }",
                   SOURCE.replace("log 1e-4 .. 1e-2", "log 1e-4 .. 1e37").replace("adam(", "sgd("))
        output = self.tune()
        rows = self.table()
        failed = [row for row in rows if row["state"] == "failed"]
        self.assertTrue(0 < len(failed) < 6, rows)
        self.assertTrue(all("diverged" in row["reason"] for row in failed), failed)
        self.assertIn(f"{len(failed)} of 6 trials failed", output)

    def test_what_is_wrong_with_all_trials_stops_the_study(self):
        self.write("tune { search = random(trials = 3)  objective = min(val_loss) }", SOURCE.replace("train.csv", "tain.csv"))
        output = self.tune(code=1)
        self.assertRegex(output, r"error: trial \d: .*tain.csv")
        self.assertEqual((self.folder / "studies/digits/trials.jsonl").exists(), False)
        self.write("tune { search = random(trials = 3)  objective = min(val_loss) }")
        self.tune("--study", "other")

    def test_damaged_files_of_trials_are_made_again(self):
        words = ["--search", "halving", "--trials", "3", "--epochs", "3"]
        self.tune(*words)
        before = (self.folder / "studies/digits/trials.csv").read_bytes()
        ledger = self.folder / "studies/digits/trials.jsonl"
        lines = ledger.read_text().splitlines(keepends=True)
        ledger.write_text("".join(lines[:2]) + lines[2][:20] + "\n")  # the rest was never told
        for name in ("last", "best"):
            for path in self.folder.glob(f"studies/digits/trials/*/checkpoints/{name}.safetensors"):
                path.write_bytes(path.read_bytes()[:100])
        output = self.tune(*words)
        self.assertIn("line 3 of ", output)
        self.assertEqual((self.folder / "studies/digits/trials.csv").read_bytes(), before)

    def test_interrupts_save(self):
        child = subprocess.Popen([NETC, "tune", "digits.net", "--epochs", "2000", "--jobs", "2"], cwd=self.folder,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=self.environment)
        study = self.folder / "studies/digits"
        while not list(study.glob("trials/*/history.csv")) and child.poll() is None:
            time.sleep(0.01)
        child.send_signal(signal.SIGINT)
        output = child.communicate(timeout=60)[0]
        self.assertEqual(child.returncode, 130, output)
        self.assertIn("interrupted and saved; the same command goes on", output)
        self.assertTrue(list(study.glob("trials/*/checkpoints/last.safetensors")))
        self.assertEqual(processes_in(study), [])

    def test_names_that_are_no_text(self):
        folder = os.path.join(os.fsencode(self.folder), b"f\xff")
        os.mkdir(folder)
        os.rename(self.folder / "digits.net", os.path.join(folder, b"d\xe9.net"))
        for begin in ("trial 2 of 2", "goes on"):
            done = subprocess.run([NETC, "tune", b"d\xe9.net", "--trials", "2", "--epochs", "1", "--study", b"s\xfe"],
                                  cwd=folder, capture_output=True, env=self.environment)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn(begin.encode(), done.stdout)

    def test_errors_before_the_first_trial(self):
        self.write("tune { search = random(trials = 8)  objective = min(val_loss) }",
                   SOURCE.replace("in {8, 16, 32}", "in 0 .. 32"))
        output = self.tune(code=1)
        self.assertIn("digits.net:2:24: error: with width = 0 there is no program", output)
        self.assertFalse((self.folder / "studies").exists())
        self.write("")
        for words, message in ((["--objective", "max(val_acuracy)"], "the objective val_acuracy is not measured"),
                               (["--objective", "val_loss"], "--objective is max or min of a figure"),
                               (["--search", "bayes"], "there is no search bayes"),
                               (["--search", "grid", "--trials", "3"], "--trials does not go with grid"),
                               (["--sample", "0"], "a sample is a share of the training data"),
                               (["-D", "width=16", "-D", "rate=0.2", "-D", "lr=0.01"], "there is nothing to search")):
            self.assertIn(message, self.tune(*words, code=2))


if __name__ == "__main__":
    import unittest

    unittest.main()
