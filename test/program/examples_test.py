"""Every example compiles, trains and gets better; those whose data is too large run on a small made-up set."""

import gzip
import random
import re
import shutil
import struct
import subprocess
import sys

from support import EXAMPLES, ROOT, ProgramCase, compile_net, read_history


def write_idx(path, shape, values):
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(struct.pack(f">BBBB{len(shape)}I", 0, 0, 8, len(shape), *shape) + values)


def write_clothes(folder, prefix, count, seed):
    """Pictures of 28 x 28 in the files of MNIST: class k is a bright bar of height 2 at row 3 + 2 k on a noisy ground."""
    chance = random.Random(seed)
    labels = bytes(i % 10 for i in range(count))
    pictures = bytearray()
    for label in labels:
        picture = bytearray(value // 4 for value in chance.randbytes(784))
        first = (3 + 2 * label) * 28
        picture[first:first + 56] = bytes([220]) * 56
        pictures += picture
    write_idx(folder / f"{prefix}-images-idx3-ubyte.gz", (count, 28, 28), bytes(pictures))
    write_idx(folder / f"{prefix}-labels-idx1-ubyte.gz", (count,), labels)


class ExamplesTest(ProgramCase):
    tested = {"text", "iris", "wine", "diabetes", "fashion", "resnet_cifar"}

    def compile_example(self, name, *options):
        self.program = compile_net(EXAMPLES / f"{name}.net", self.folder / name, *options)

    def test_every_example_is_tested(self):
        files = {path.stem for path in EXAMPLES.glob("*.net")}
        elsewhere = {"digits", "cifar10"}  # program_test.py; imported by resnet_cifar.net
        self.assertEqual(files, self.tested | elsewhere)

    def result_of(self, name, metric):
        """Trains as the file says; `metric` of the test set."""
        self.compile_example(name)
        self.assertIn("passed", self.run_program("gradcheck"))
        text = self.run_program("train", "--run", "run")
        history = read_history(self.folder / "run")
        self.assertLess(history[-1]["loss"], history[0]["loss"])
        result = re.search(rf"test: .*\b{metric} (-?[0-9.]+)", text).group(1)
        self.assertIn(f"{metric} {result}", self.run_program("evaluate", "--run", "run"))
        return float(result)

    def test_iris(self):
        self.assertGreaterEqual(self.result_of("iris", "accuracy"), 0.9)

    def test_wine(self):
        self.assertGreaterEqual(self.result_of("wine", "accuracy"), 0.9)

    def test_text(self):
        self.assertGreaterEqual(self.result_of("text", "accuracy"), 0.9)
        (self.folder / "said.txt").write_text("Is it going to rain in Oslo?\nplay the radio\n")
        output = self.run_program("predict", "--run", "run", "said.txt")
        self.assertRegex(output, r"said\.txt:0: weather")
        self.assertRegex(output, r"said\.txt:1: music")

    def test_diabetes(self):
        self.assertGreater(self.result_of("diabetes", "r2"), 0.35)

    def test_resnet(self):
        """The default depth compiles; 8 layers learn, with right gradients."""
        data = self.folder / "data/cifar-10-batches-bin"
        subprocess.run([sys.executable, str(ROOT / "test/data/make_cifar.py"), str(data), "--train", "150", "--test", "30"],
                       check=True)
        samples = (data / "train.bin").read_bytes()
        part = 30 * (1 + 3 * 32 * 32)
        for i in range(5):
            (data / f"data_batch_{i + 1}.bin").write_bytes(samples[i * part:(i + 1) * part])
        (data / "test.bin").rename(data / "test_batch.bin")
        self.compile_example("resnet_cifar", "-D", "depth=1")
        self.assertIn("residual_2", self.run_program("summary"))
        self.assertNotIn("residual_3", self.run_program("summary"))
        self.assertIn("passed", self.run_program("gradcheck", "--data", ".", "--samples", "2", "--entries", "4"))
        self.run_program("train", "--data", ".", "--epochs", "6", "--run", "run")
        history = read_history(self.folder / "run")
        self.assertLess(history[-1]["loss"], 0.9 * history[0]["loss"])
        self.compile_example("resnet_cifar")
        self.assertIn("residual_8", self.run_program("summary"))

    def test_fine_tuning(self):
        """What the two files say: what is taken over and what is not, and that it is worth it."""
        for folder in ("tuning", "data/digits"):
            shutil.copytree(EXAMPLES / folder, self.folder / "examples" / folder)
        tuning = self.folder / "examples/tuning"
        self.program = compile_net(tuning / "pretraining.net", self.folder / "pretraining")
        self.run_program("train", "--run", tuning / "runs/pretraining")
        text = (tuning / "fine_tuning.net").read_text()
        self.program = compile_net(tuning / "fine_tuning.net", self.folder / "fine_tuning")
        output = self.run_program("train", "--run", "tuned")
        self.assertIn("anew, the file does not have them: three_classes.kernel, three_classes.bias", output)
        self.assertIn("not used of the file: seven_classes.bias, seven_classes.kernel", output)
        tuned = float(re.search(r"test: .*accuracy ([0-9.]+)", output).group(1))

        lines = [line for line in text.splitlines() if not re.match(r"  (weights|freeze|groups) ", line)]
        (tuning / "scratch.net").write_text("\n".join(lines) + "\n")
        self.program = compile_net(tuning / "scratch.net", self.folder / "scratch")
        output = self.run_program("train", "--run", "untuned")
        self.assertGreater(tuned, float(re.search(r"test: .*accuracy ([0-9.]+)", output).group(1)))

        (tuning / "strict.net").write_text(text.replace(", skip_mismatch = true", ""))
        self.program = compile_net(tuning / "strict.net", self.folder / "strict")
        self.assertIn("it has no three_classes.kernel, three_classes.bias", self.run_program("train", code=3))
        self.assertIn("weights: 15 of", self.run_program("train", "--skip-mismatch"))

    def test_fashion(self):
        """On pictures of the same form, read from the folder of --data; small, and bound to few libraries."""
        write_clothes(self.folder, "train", 300, 1)
        write_clothes(self.folder, "t10k", 60, 2)
        text = (EXAMPLES / "fashion.net").read_text()
        source = self.folder / "fashion.net"
        source.write_text(text.replace("/usr/share/datasets/fashion-mnist/", ""))
        self.assertNotEqual(text, source.read_text())
        self.program = compile_net(source, self.folder / "fashion", "-D", "width=16")
        self.assertIn("passed", self.run_program("gradcheck", "--data", ".", "--samples", "2", "--entries", "4"))
        self.run_program("train", "--data", ".", "--epochs", "3", "--run", "run")
        history = read_history(self.folder / "run")
        self.assertLess(history[-1]["loss"], history[0]["loss"])
        self.assertTrue(list((self.folder / "run").glob("events.out.tfevents.*")))
