"""What a train section asks of the weights: where they start, which of them move and how fast, averages of them."""

import json
import random
import struct
import subprocess
import time

from support import EXAMPLES, ProgramCase, compile_net, read_history

NETWORK = """
data digits {
  train      = csv("data/digits/test.csv", target = "digit")
  validation = split(20%)
  normalize  = scale(16)
}
block encoder(x) { x -> conv2d(4, 3) -> batch_norm -> relu -> max_pool2d(2) -> flatten -> dropout(0.1) -> dense(12) }
network classifier(image: f32[8, 8, 1]) -> class[10] { image -> encoder -> relu -> dense(10) as head }
train classifier on digits {
  TRAIN
  batch_size = 16
}
"""
AVERAGING = """
  optimizer = adam(learning_rate = cosine(0.02), global_clipnorm = 1, use_ema = true, ema_momentum = 0.9,
                   ema_overwrite_frequency = 5, gradient_accumulation_steps = 3)
  groups    = [group(encoder, learning_rate_multiplier = 0.5), group("*.bias", weight_decay = 0.01)]
  freeze    = [encoder.conv2d, encoder.batch_norm]
  callbacks = [checkpoint(keep = all), swap_to_averaged_weights(SWAP)]
  epochs    = 4
"""


def read_tensors(path):
    """The bytes of each tensor of a safetensors file, by name."""
    content = path.read_bytes()
    size, = struct.unpack("<Q", content[:8])
    header = json.loads(content[8:8 + size])
    header.pop("__metadata__", None)
    return {name: content[8 + size + entry["data_offsets"][0]:8 + size + entry["data_offsets"][1]]
            for name, entry in header.items()}


class WeightsTest(ProgramCase):
    @classmethod
    def compile(cls):
        cls.program = cls.compile_train("averaging", AVERAGING.replace("SWAP", ""))

    @classmethod
    def compile_train(cls, name, train, network=NETWORK):
        source = cls.build / f"{name}.net"
        source.write_text(network.replace("TRAIN", train))
        return compile_net(source, cls.build / name)

    def train(self, *words, **options):
        return self.run_program("train", *([] if "--resume" in words else ["--data", str(EXAMPLES)]), *words, **options)

    def tensors(self, run, name):
        return read_tensors(self.folder / run / "checkpoints" / f"{name}.safetensors")

    def test_kills_and_threads_change_nothing(self):
        often = ["--checkpoint-every", "1 steps"]
        begin = time.monotonic()
        self.train("--run", "whole", "--threads", "1", *often)
        whole = time.monotonic() - begin
        chance = random.Random(2)
        for kill in range(12):
            begun = (self.folder / "killed/config.json").exists()
            words = ["--resume", "killed"] if begun else ["--data", str(EXAMPLES), "--run", "killed"]
            child = subprocess.Popen([str(self.program), "train", *words, *often, "--threads", str(kill % 3 + 1)],
                                     cwd=self.folder, stdout=subprocess.DEVNULL)
            time.sleep(chance.uniform(0.1, 0.5) * whole)
            child.kill()
            child.wait()
        self.train("--resume", "killed", *often)
        self.assert_same_run("whole", "killed")
        self.assertEqual(self.tensors("whole", "averaged"), self.tensors("killed", "averaged"))

    def test_averages_are_measured_and_kept(self):
        """The figures and the files of an epoch are those of the averages; the training goes on with the weights."""
        text = self.train("--run", "r")
        last, kept = self.tensors("r", "last"), self.tensors("r", "epoch-0004")
        averages = {name.removeprefix("ema.average."): value for name, value in last.items() if name.startswith("ema.")}
        self.assertEqual(set(averages), {"encoder.dense.kernel", "encoder.dense.bias", "head.kernel", "head.bias"})
        for name, value in kept.items():
            self.assertEqual(value, averages.get(name, last[name]), name)
            self.assertEqual(name in averages, value != last[name], name)
        self.assertEqual(kept, self.tensors("r", "averaged"))
        measured = self.run_program("evaluate", "--weights", "r/checkpoints/averaged.safetensors", "--split", "validation")
        self.assertIn(f"loss {read_history(self.folder / 'r')[-1]['val_loss']:.4f}", measured)
        self.assertIn("averaged weights of the last epoch" if "test: " in text else "epoch 4/4", text)

    def test_averages_may_be_measured_alone(self):
        program = self.compile_train("measured", AVERAGING.replace("SWAP", "swap_on_epoch = false"))
        self.train("--run", "alone", program=program)
        self.train("--run", "both")
        self.assertEqual(read_history(self.folder / "alone"), read_history(self.folder / "both"))
        last, kept = self.tensors("alone", "last"), self.tensors("alone", "epoch-0004")
        self.assertEqual(kept, {name: last[name] for name in kept})

    def test_frozen_steps_keep_every_bit(self):
        first = self.compile_train("first", "optimizer = adam epochs = 2")
        self.train("--run", "first", program=first)
        output = self.train("--from", "first", "--run", "second")
        self.assertIn("weights: 10 of first/checkpoints/best.safetensors", output)
        before, after = self.tensors("first", "best"), self.tensors("second", "last")
        for name in before:
            frozen = name.startswith(("encoder.conv2d.", "encoder.batch_norm."))
            self.assertEqual(before[name] == after[name], frozen, name)

    def test_what_does_not_fit_is_told(self):
        first = self.compile_train("first", "optimizer = adam epochs = 2")
        self.train("--run", "first", program=first)
        other = self.compile_train("other", 'weights = load("first") optimizer = adam epochs = 1', NETWORK.replace(
            "dense(12)", "dense(7)").replace("head", "classes"))
        output = self.train("--from", "first", program=other, code=3)
        self.assertIn("encoder.dense.kernel is F32[36, 12] there, F32[36, 7] here", output)
        self.assertIn("it has no classes.kernel, classes.bias, but head.bias, head.kernel", output)
        self.assertIn("skip_mismatch = true", output)
        output = self.train("--from", "first", "--skip-mismatch", "--run", "second", program=other)
        self.assertIn("weights: 6 of first/checkpoints/best.safetensors", output)
        self.assertIn("another shape: encoder.dense.kernel is", output)
        self.assertIn("does not have them: classes.kernel, classes.bias", output)
        # A run killed before its first checkpoint starts with the same weights again.
        (self.folder / "second/checkpoints/last.safetensors").unlink()
        self.assertIn("weights: 6 of first", self.train("--resume", "second", program=other))
        foreign = self.compile_train("foreign", "optimizer = adam", NETWORK.replace("encoder", "coder").replace("head", "a"))
        self.assertIn("none of this program's weights", self.train("--from", "first", program=foreign, code=3))
