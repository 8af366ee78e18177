"""What goes wrong at a user's desk: small and broken data, divergence, disks and pipes that fail, wrong words."""

import json
import os
import random
import resource
import signal
import struct
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


def rewritten(path, changes):
    """The bytes of a checkpoint with some of its texts changed by functions, and without a checksum."""
    content = path.read_bytes()
    length = struct.unpack("<Q", content[:8])[0]
    header = json.loads(content[8:8 + length])
    del header["__metadata__"]["netc.checksum"]
    for key, change in changes.items():
        value = json.loads(header["__metadata__"][key])
        change(value)
        header["__metadata__"][key] = json.dumps(value)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + content[8 + length:]


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
                               (["--epochs", "1e3"], "from 1 on"), (["--epochs", "5000000000"], "up to 2147483647"),
                               (["--seed", "99999999999999999999"], "up to 9223372036854775807"),
                               (["--fold", "1"], "of what? The data of this program has no folds"),
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

    def test_configurations_that_are_none(self):
        """What is stored was changed by hand: an orderly error each time, whatever command meets it."""
        self.train("--run", "run")
        last, best = self.folder / "run/checkpoints/last.safetensors", self.folder / "run/checkpoints/best.safetensors"

        def put(*path, value):
            def change(object):
                for key in path[:-1]:
                    object = object[key]
                object[path[-1]] = value
            return change

        config = [("batch_size", "8", "batch_size is \"8\", expected a whole number"),
                  ("batch_size", -3, "batch_size is -3, it must be from 1"), ("epochs", 1e99, "epochs is 1e+99"),
                  ("data_root", 7, "data_root is 7, expected a text"), ("parameters", 7, "parameters is 7"),
                  ("sample", 2, "sample is 2"), ("fold", "x", "fold is"), ("program", [], "program is []")]
        for key, value, message in config:
            self.assertIn(message, self.weights_of(rewritten(best, {"netc.config": put(key, value=value)})))
        message = "parameter lr is null, expected a value of kind real"
        self.assertIn(message, self.weights_of(rewritten(best, {"netc.config": put("parameters", "lr", value=None)})))
        preparation = [(("fill",), [1.5]), (("classes",), ["yes"]), (("classes",), []), (("normalisations",), []),
                       (("normalisations", 0, "scale"), [1]), (("features",), ["a", "b"]), (("vocabulary",), ["a"]),
                       (("categories",), [["u"], ["v"], [], [], ["w"]]), (("indexed",), ["a", "zz"])]
        for path, value in preparation:
            self.weights_of(rewritten(best, {"netc.preparation": put(*path, value=value)}))
        state = [(("sums", "metrics"), [[1, 2, 3], [4]]), (("sums", "metrics"), [[]]), (("batch",), 99),
                 (("batch",), -1), (("step",), "x"), (("history", "columns"), ["loss"]), (("callbacks",), {"best": 3}),
                 (("callbacks", "best", "epoch"), 1000), (("epoch",), 1), (("learning_rate_scale",), "nan")]
        for path, value in state:
            last_content = last.read_bytes()
            last.write_bytes(rewritten(last, {"netc.state": put(*path, value=value)}))
            self.orderly(self.train("--resume", "run", "--epochs", "5", code=None))
            last.write_bytes(last_content)

    def weights_of(self, content):
        """What the commands that load weights say about those."""
        (self.folder / "weights").write_bytes(content)
        text = self.run_program("evaluate", "--data", ".", "--weights", "weights", code=None)
        rows = (self.folder / "test.csv").read_text().splitlines()
        (self.folder / "new.csv").write_text("\n".join(row.rsplit(",", 1)[0] for row in rows) + "\n")
        text += self.run_program("predict", "new.csv", "--weights", "weights", code=None)
        return self.orderly(text)

    def orderly(self, text):
        self.assertNotIn("terminate called", text)
        self.assertNotIn("internal error", text)
        return text

    def test_damaged_history(self):
        self.train("--run", "run")
        history = self.folder / "run/history.jsonl"
        lines = history.read_text().splitlines()
        history.write_text("\n".join(['{"epoch": 1', "</script>", lines[2]]) + "\n")
        (self.folder / "run/diagnostics.jsonl").write_text("[]\n\0\n")
        self.train("--resume", "run", "--epochs", "4")
        epochs = [json.loads(line) for line in history.read_text().splitlines()]
        self.assertEqual([epoch["epoch"] for epoch in epochs], [1, 2, 3, 4])
        self.assertEqual(epochs[0]["loss"], json.loads(lines[0])["loss"])
        self.assertEqual(epochs[2]["seconds"], json.loads(lines[2])["seconds"])

    def test_unfinished_files_of_a_killed_training(self):
        self.train("--run", "run")
        left = [self.folder / "run" / name for name in ("history.csv.new-aB3dEf", "checkpoints/last.safetensors.new-000000")]
        kept = [self.folder / "run" / name for name in ("notes.new-idea", "history.csv")]
        for path in left + kept[:1]:
            path.write_text("x")
        self.train("--resume", "run", "--epochs", "4")
        self.assertEqual([path.exists() for path in left + kept], [False, False, True, True])

    def test_weights_to_begin_with_that_are_none(self):
        """Nothing is made for a training that cannot begin."""
        (self.folder / "bad").write_text("no weights")
        for path in ("bad", "nowhere", "."):
            self.train("--from", path, "--run", "run", code=3)
            self.assertFalse((self.folder / "run").exists())

    def test_folder_of_data_whose_name_is_no_text(self):
        folder = os.path.join(os.fsencode(self.folder), b"f\xff")
        os.mkdir(folder)
        for name in ("train.csv", "test.csv"):
            os.rename(self.folder / name, os.path.join(folder, name.encode()))
        call = [str(self.program), "train", "--run", "run", "--data", folder]
        done = subprocess.run(call, cwd=self.folder, capture_output=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        done = subprocess.run([str(self.program), "evaluate", "--run", "run", "--data", folder], cwd=self.folder,
                              capture_output=True)
        self.assertEqual(done.returncode, 0)
        self.assertIn("no such file", self.run_program("evaluate", "--run", "run", code=3))

    def test_fewer_threads_than_asked_for(self):
        """The stacks of 64 threads do not fit; those of some do, and they do all of the work."""
        def limit():
            resource.setrlimit(resource.RLIMIT_STACK, (512 << 20, resource.getrlimit(resource.RLIMIT_STACK)[1]))
            resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
        self.train("--run", "few", "--threads", "64", preexec_fn=limit)
        self.train("--run", "one", "--threads", "1")
        self.assert_same_run("few", "one")

    def test_not_enough_memory(self):
        limit = lambda: resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
        text = self.run_program("bench", "--batch", "2000000000", "--threads", "1", code=1, preexec_fn=limit)
        self.assertIn("not enough memory", text)

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
