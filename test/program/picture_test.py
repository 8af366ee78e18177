"""A network of pictures with odd sizes everywhere, and a person at a terminal who trains it, interrupts it and goes on."""

import os
import pty
import random
import re
import signal
import struct
import subprocess
import time
import zlib

from support import ProgramCase, compile_net, read_history

SOURCE = """
data pictures {
  train      = npy("images.npy", "kinds.npy")
  validation = split(20%)
  normalize  = scale(255)
}
block odd(x, filters) {
  x -> conv2d(filters, 3, padding = same, use_bias = false) -> batch_norm -> relu
}
network model(image: f32[9, 7, 3]) -> class[3] {
  image
    -> odd(5) as stem
    -> conv2d(7, [1, 3], strides = [2, 1]) -> relu
    -> depthwise_conv2d(3, depth_multiplier = 3, dilation_rate = [2, 1], padding = same) -> relu
    -> conv2d(9, 3, groups = 3, padding = same) -> relu
    -> max_pool2d(2, padding = same) -> global_average_pooling2d
    -> dropout(0.1) -> dense(3)
}
train model on pictures {
  optimizer  = adam(learning_rate = 1e-2)
  metrics    = [accuracy]
  batch_size = 13
  epochs     = 6
  seed       = 3
}
"""
HEIGHT, WIDTH = 9, 7


def npy(kind, shape, content):
    header = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}"
    header += " " * (-(len(header) + 11) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + content


def png(height, width, pixels):
    def chunk(name, content):
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    rows = b"".join(b"\0" + pixels[3 * width * y:3 * width * (y + 1)] for y in range(height))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def picture(kind, chance):
    """Mostly red, green or blue."""
    return bytes(min(255, max(0, int(chance.gauss(160 if channel == kind else 90, 40))))
                 for _ in range(HEIGHT * WIDTH) for channel in range(3))


class PictureTest(ProgramCase):
    @classmethod
    def compile(cls):
        source = cls.build / "pictures.net"
        source.write_text(SOURCE)
        cls.program = compile_net(source, cls.build / "pictures")

    def setUp(self):
        super().setUp()
        chance = random.Random(5)
        kinds = [chance.randrange(3) for _ in range(101)]
        images = b"".join(picture(kind, chance) for kind in kinds)
        (self.folder / "images.npy").write_bytes(npy("|u1", (len(kinds), HEIGHT, WIDTH, 3), images))
        (self.folder / "kinds.npy").write_bytes(npy("<i4", (len(kinds),), struct.pack(f"<{len(kinds)}i", *kinds)))

    def train(self, *words, **options):
        return self.run_program("train", "--data", ".", *words, **options)

    def test_odd_sizes(self):
        self.train("--run", "run")
        history = read_history(self.folder / "run")
        self.assertLess(history[-1]["loss"], 0.7 * history[0]["loss"])
        self.assertIn("passed", self.run_program("gradcheck", "--data", "."))
        chance = random.Random(6)
        for kind in range(3):
            (self.folder / f"{kind}.png").write_bytes(png(HEIGHT, WIDTH, picture(kind, chance)))
        lines = self.run_program("predict", "--run", "run", "0.png", "1.png", "2.png").splitlines()
        for kind in range(3):
            self.assertIn(f"{kind}.png: {kind} ", "\n".join(lines))

    def test_picture_of_another_size(self):
        self.train("--run", "run", "--epochs", "1")
        (self.folder / "small.png").write_bytes(png(HEIGHT, WIDTH - 1, bytes(3 * HEIGHT * (WIDTH - 1))))
        text = self.run_program("predict", "--run", "run", "small.png", code=3)
        self.assertRegex(text, r"small\.png: a picture 6 wide and 9 high, the network has image: f32\[9, 7, 3\]")

    def test_interrupted_and_resumed_is_the_same(self):
        self.train("--run", "whole", "--epochs", "300")
        child = subprocess.Popen([str(self.program), "train", "--data", ".", "--run", "parts", "--epochs", "300"],
                                 cwd=self.folder, stdout=subprocess.PIPE, text=True)
        while "epoch 3/" not in child.stdout.readline():
            pass
        child.send_signal(signal.SIGINT)
        child.communicate(timeout=60)
        self.assertEqual(child.returncode, 130)
        self.assertLess(len(read_history(self.folder / "parts")), 300)
        self.train("--resume", "parts")
        self.assert_same_run("whole", "parts")

    def test_a_run_has_one_training(self):
        child = subprocess.Popen([str(self.program), "train", "--data", ".", "--run", "run", "--epochs", "100000"],
                                 cwd=self.folder, stdout=subprocess.PIPE, text=True)
        try:
            while "epoch 1/" not in child.stdout.readline():
                pass
            for words in (("--run", "run"), ("--resume", "run")):
                done = subprocess.run([str(self.program), "train", "--data", ".", *words], cwd=self.folder,
                                      capture_output=True, text=True, timeout=60)
                self.assertNotEqual(done.returncode, 0)
                self.assertIn("run", done.stderr)
            self.assertIsNone(child.poll())
        finally:
            child.kill()
            child.communicate()

    def test_progress_on_a_terminal(self):
        """One line that is written over and over while an epoch runs, and stays as the line of the epoch."""
        try:
            ours, theirs = pty.openpty()
        except OSError as error:  # a container without /dev/pts
            self.skipTest(str(error))
        child = subprocess.Popen([str(self.program), "train", "--data", ".", "--epochs", "300"], cwd=self.folder,
                                 stdout=theirs, stderr=theirs)
        os.close(theirs)
        text = b""
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # the other end was closed
                break
            if not piece:
                break
            text += piece
        os.close(ours)
        self.assertEqual(child.wait(timeout=60), 0)
        text = text.decode()
        self.assertIn("\r", text.replace("\r\n", "\n"))
        shown = re.sub(r"[^\n]*\r(?!\n)", "", text).replace("\r\n", "\n")
        shown = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", shown)
        for epoch in (1, 150, 300):
            self.assertRegex(shown, rf"(?m)^epoch {epoch}/300: loss ")
