"""The same bits come out whatever the number of threads, and however often a training is killed and resumed."""

import pathlib
import random
import subprocess
import time

from support import EXAMPLES, ProgramCase, compile_net


def time_of_workers(process):
    """Nanoseconds that the threads of a process but the first have run; 0 when it is over."""
    total = 0
    try:
        for task in pathlib.Path(f"/proc/{process}/task").iterdir():
            if task.name != str(process):
                total += int((task / "schedstat").read_text().split()[0])
    except (OSError, IndexError):
        pass
    return total


class ReproducibleTest(ProgramCase):
    """examples/digits.net with batches so large that its kernels run on several threads."""

    @classmethod
    def compile(cls):
        text = (EXAMPLES / "digits.net").read_text()
        assert "batch_size = 32" in text
        source = cls.build / "digits.net"
        source.write_text(text.replace("batch_size = 32", "batch_size = 96"))
        cls.program = compile_net(source, cls.build / "digits", "-D", "width=32")

    def start(self, *words):
        return subprocess.Popen([str(self.program), "train", "--data", str(EXAMPLES), *words], cwd=self.folder,
                                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def test_threads_change_nothing(self):
        for threads in ("1", "2", "3", "8"):
            child = self.start("--epochs", "3", "--threads", threads, "--run", threads)
            worked = 0
            while child.poll() is None:
                worked = max(worked, time_of_workers(child.pid))
                time.sleep(0.005)
            self.assertEqual(child.returncode, 0, child.communicate()[1])
            child.stderr.close()
            if threads == "1":
                self.assertEqual(worked, 0)
            else:
                self.assertGreater(worked, 5e6, f"no kernel ran on the other threads of {threads}")
                self.assert_same_run("1", threads)

    def test_pauses_change_nothing(self):
        """Nor does a sample of the data: it is the same one when the training goes on."""
        start = ["train", "--data", str(EXAMPLES), "--epochs", "4", "--sample", "30%", "--run"]
        self.run_program(*start, "whole")
        output = self.run_program(*start, "paused", "--pause-after", "1")
        self.assertIn("data: 388 training, 144 validation, 359 test samples", output)
        self.assertIn("paused after epoch 1; continue with: ", output)
        self.assertNotIn("test: loss", output)
        for epoch in ("3", "3"):  # the second time there is nothing left to do
            self.assertIn("paused after epoch 3", self.run_program("train", "--resume", "paused", "--pause-after", epoch))
        self.run_program("train", "--resume", "paused")
        self.assert_same_run("whole", "paused")

    def test_fifty_kills_change_nothing(self):
        often = ["--checkpoint-every", "3 steps"]
        begin = time.monotonic()
        self.run_program("train", "--data", str(EXAMPLES), "--epochs", "8", "--run", "whole", *often)
        whole = time.monotonic() - begin
        chance = random.Random(1)
        kills = runs = 0
        while kills < 50:
            runs += 1
            name = f"killed-{runs}"
            while True:
                begun = (self.folder / name / "config.json").exists()
                words = ["--resume", name] if begun else ["--epochs", "8", "--run", name]
                child = self.start(*words, *often)
                try:
                    _, errors = child.communicate(timeout=chance.uniform(0.02, 0.4) * whole if kills < 50 else None)
                except subprocess.TimeoutExpired:
                    child.kill()
                    child.communicate()
                    kills += 1
                    continue
                self.assertEqual(child.returncode, 0, errors)
                break
            self.assert_same_run("whole", name)
