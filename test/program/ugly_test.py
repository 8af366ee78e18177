"""What goes wrong at a user's desk: small and broken data, divergence, disks and pipes that fail, wrong words."""

import random
import resource
import signal
import subprocess

from support import ProgramCase, compile_net, read_history

SOURCE = """
param width = 8     in {8, 16}
param batch = 8     in {1, 4, 5, 8, 20, 1000}
param lr    = 1e-2  in log 1e-4 .. 1e30
data table {
  train = csv("train.csv", target = "kind")
  test  = csv("test.csv", target = "kind")
}
network model(x: f32[4]) -> class[2] {
  x -> dense(width) -> batch_norm -> relu -> dense(2)
}
train model on table {
  loss       = sparse_categorical_crossentropy(from_logits = true)
  metrics    = [accuracy]
  optimizer  = sgd(learning_rate = lr)
  batch_size = batch
  epochs     = 3
  seed       = 1
}
"""


class UglyTest(ProgramCase):
    @classmethod
    def compile(cls):
        source = cls.build / "table.net"
        source.write_text(SOURCE)
        cls.program = compile_net(source, cls.build / "table")

    def setUp(self):
        super().setUp()
        chance = random.Random(1)
        for name, count in (("train.csv", 21), ("test.csv", 6)):
            rows = [",".join(f"{chance.gauss(i % 2, 0.5):.4f}" for _ in range(4)) + "," + "no yes".split()[i % 2]
                    for i in range(count)]
            (self.folder / name).write_text("a,b,c,d,kind\n" + "\n".join(rows) + "\n")

    def train(self, *words, code=0, **options):
        return self.run_program("train", "--data", ".", *words, code=code, **options)

    def test_batch_sizes(self):
        """One sample a batch; a last batch of one sample (21 = 4 * 5 + 1 = 20 + 1); more than the data set."""
        for batch in ("1", "4", "5", "20", "1000"):
            self.train("--set", f"batch={batch}", "--run", batch)
            history = read_history(self.folder / batch)
            self.assertEqual(len(history), 3)
            self.assertTrue(all(0 < row["loss"] < 2 for row in history), history)

    def test_numbers_that_are_none(self):
        lines = (self.folder / "train.csv").read_text().splitlines()
        for text, message in (("nan", "train.csv:3:1: a value is missing (column a)"),
                              ("inf", 'train.csv:3:1: "inf" is too large for f32 (column a)')):
            changed = lines[:2] + [text + lines[2][lines[2].index(","):]] + lines[3:]
            (self.folder / "train.csv").write_text("\n".join(changed) + "\n")
            self.assertIn(message, self.train(code=3))

    def test_empty_data(self):
        (self.folder / "train.csv").write_text("a,b,c,d,kind\n")
        self.assertIn("train.csv: no samples in it", self.train(code=3))
        (self.folder / "train.csv").write_text("")
        self.assertIn("train.csv: the file is empty", self.train(code=3))
        (self.folder / "train.csv").unlink()
        self.assertIn("no such file or directory", self.train(code=3))
        self.assertFalse((self.folder / "runs").exists())

    def test_divergence(self):
        text = self.train("--set", "lr=1e29", "--run", "run", code=4)
        self.assertIn("training has diverged: the weights are not finite any more in epoch 1", text)
        self.assertIn("a smaller learning rate", text)

    def test_params(self):
        for assignment, message in (("width=8", "netc -D width=8"), ("lr=1e31", "parameter lr is 1e+31, outside of"),
                                    ("batch=7", "parameter batch is 7, none of"), ("lr=abc", "got 'abc'"),
                                    ("nix=3", "there is no parameter nix")):
            self.assertIn(message, self.train("--set", assignment, code=2))

    def test_words(self):
        for words, message in ((["--epoch", "3"], "did you mean --epochs?"), (["--epochs", "0"], "from 1 on, got '0'"),
                               (["--threads", "0"], "from 1 on"), (["--seed", "-1"], "from 0 on"), (["extra"], "no argument"),
                               (["--resume", "nowhere"], "nowhere holds no run to resume")):
            self.assertIn(message, self.train(*words, code=2))

    def test_run_directory(self):
        self.assertIn("cannot make the folder /proc/run", self.train("--run", "/proc/run", code=1))
        self.train("--run", "run")
        self.assertIn("holds a run already", self.train("--run", "run", code=1))
        first = self.start("--run", "both", "--epochs", "1000000000")
        try:
            while "run: both" not in first.stdout.readline():
                pass
            self.assertIn("both is in use by process", self.train("--resume", "both", code=2))
        finally:
            first.send_signal(signal.SIGINT)
            first.communicate(timeout=60)
        self.assertEqual(first.returncode, 130)

    def test_full_disk(self):
        limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024))
        self.assertIn("file too large", self.train("--run", "run", code=1, preexec_fn=limit))

    def test_checkpoints(self):
        self.train("--run", "run")
        best = (self.folder / "run/checkpoints/best.safetensors").read_bytes()
        rows = (self.folder / "test.csv").read_text().splitlines()
        (self.folder / "new.csv").write_text("\n".join(row.rsplit(",", 1)[0] for row in rows) + "\n")
        self.assertEqual(self.run_program("predict", "new.csv", "--run", "run").count("new.csv:"), 6)
        for bytes_of_file, message in ((best[:100], "bad: the file ends in its header"),
                                       (best[:-5] + bytes([best[-5] ^ 1]) + best[-4:], "bad: the checksum is")):
            (self.folder / "bad").write_bytes(bytes_of_file)
            self.assertIn(message, self.run_program("predict", "new.csv", "--weights", "bad", code=3))
        other = compile_net(self.build / "table.net", self.build / "other", "-D", "width=16")
        self.assertIn("the weights are those of another network",
                      self.run_program("predict", "new.csv", "--run", "run", program=other, code=3))

    def start(self, *words):
        return subprocess.Popen([str(self.program), "train", "--data", ".", *words], cwd=self.folder, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def test_reader_of_the_output_goes(self):
        child = self.start("--run", "run", "--epochs", "1000000000")
        child.stdout.readline()
        child.stdout.close()
        self.assertEqual(child.wait(timeout=60), 128 + signal.SIGPIPE)
        self.assertTrue((self.folder / "run/checkpoints/last.safetensors").exists())

    def test_full_output(self):
        with open("/dev/full", "w") as full:
            done = subprocess.run([str(self.program), "info"], stdout=full, stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("cannot write to the standard output", done.stderr)
