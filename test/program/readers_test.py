"""Folders of pictures, several arrays in a file and tables with several inputs, from a `.net` file to predictions."""

import csv
import re
import struct
import subprocess
import zipfile
import zlib

from support import EXAMPLES, ProgramCase, compile_net

PICTURES = """
data digits {
  train      = images("digits")
  validation = split(20%, stratified = true)
  normalize  = scale(255)
  stream     = true
}
network classifier(image: f32[8, 8, 1]) -> class[4] { image -> flatten -> dense(16) -> relu -> dense(4) }
train classifier on digits {
  loss = sparse_categorical_crossentropy(from_logits = true)
  metrics = [accuracy]
  optimizer = adam(learning_rate = 1e-2)
  batch_size = 16
  epochs = 12
  seed = 3
}
"""

TABLE = """
data homes {
  train = csv("homes.csv", target = "price", index = "city", missing = median, indicator = "rooms")
  test  = npz("homes.npz", features = "x", targets = "y")
}
network price(numbers: f32[3], city: i32[1]) -> f32[1] {
  place = city -> embedding(3, 2) -> flatten
  concatenate([numbers, place]) -> dense(1)
}
train price on homes {
  loss = mse
  optimizer = adam(learning_rate = 3e-2)
  batch_size = 8
  epochs = 60
  seed = 3
}
"""


def png(rows):
    """A grey picture."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", len(rows[0]), len(rows), 8, 0, 0, 0, 0)
    body = zlib.compress(b"".join(b"\0" + bytes(row) for row in rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


class PicturesTest(ProgramCase):
    @classmethod
    def compile(cls):
        names = ["zero", "one", "two", "three"]
        with open(EXAMPLES / "data/digits/train.csv", newline="") as file:
            rows = [row for row in csv.DictReader(file) if int(row["digit"]) < 4][:240]
        for number, row in enumerate(rows):
            pixels = [[int(row[f"p{8 * y + x}"]) * 15 for x in range(8)] for y in range(8)]
            folder = cls.build / "digits" / names[int(row["digit"])]
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{number:03}.png").write_bytes(png(pixels))
        source = cls.build / "digits.net"
        source.write_text(PICTURES)
        cls.program = compile_net(source, cls.build / "program")

    def test_learns_and_predicts(self):
        self.run_program("train", "--run", "run")
        accuracy = re.search(r"accuracy ([0-9.]+)", self.run_program("evaluate", "--run", "run", "--split", "validation"))
        self.assertGreater(float(accuracy.group(1)), 0.85)
        # Of another size: every pixel four times.
        picture = sorted((self.build / "digits/zero").iterdir())[0]
        with open(EXAMPLES / "data/digits/train.csv", newline="") as file:
            row = [row for row in csv.DictReader(file) if int(row["digit"]) < 4][int(picture.stem)]
        large = [[int(row[f"p{8 * (y // 2) + x // 2}"]) * 15 for x in range(16)] for y in range(16)]
        (self.folder / "large.png").write_bytes(png(large))
        output = self.run_program("predict", "--run", "run", str(picture), "large.png")
        self.assertRegex(output, r"large\.png: zero")
        self.assertIn(f"{picture}: zero", output)

    def test_only_such_programs_need_the_library_for_jpeg(self):
        dynamic = subprocess.run(["readelf", "-d", self.program], check=True, capture_output=True, text=True).stdout
        self.assertIn("libjpeg", dynamic)

    def test_damaged_picture_is_named(self):
        for name in ("zero", "one", "two", "three"):
            (self.folder / "digits" / name).mkdir(parents=True)
            (self.folder / "digits" / name / "1.png").write_bytes(png([[1, 2], [3, 4]]))
        broken = self.folder / "digits/one/broken.png"
        broken.write_bytes(png([[1, 2], [3, 4]])[:-20])
        output = self.run_program("train", "--data", ".", code=3)
        self.assertIn("digits/one/broken.png: a broken PNG picture", output)


class TableTest(ProgramCase):
    @classmethod
    def compile(cls):
        lines = ["rooms,city,size,price"]
        for number in range(120):
            rooms = "" if number % 10 == 0 else str(1 + number % 5)
            city, base = (("Rome", 3), ("Oslo", 5))[number % 2]
            lines.append(f"{rooms},{city},{number % 7},{base + number % 7}")
        (cls.build / "homes.csv").write_text("\n".join(lines) + "\n")
        source = cls.build / "homes.net"
        source.write_text(TABLE)

        def npy(shape, values):
            head = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
            return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + struct.pack(f"<{len(values)}f", *values)

        with zipfile.ZipFile(cls.build / "homes.npz", "w", zipfile.ZIP_DEFLATED) as file:  # rooms, missing, size, city
            file.writestr("x.npy", npy("(2, 4)", [3, 0, 2, 2, 3, 0, 2, 1]))
            file.writestr("y.npy", npy("(2, 1)", [5, 7]))
        cls.program = compile_net(source, cls.build / "homes")

    def test_index_goes_to_the_embedding(self):
        output = self.run_program("train", "--run", "run")
        loss = float(re.search(r"test: loss ([0-9.e-]+)", output).group(1))
        self.assertLess(loss, 0.2)
        (self.folder / "new.csv").write_text("city,size,rooms\nOslo,1,\nRome,1,2\nParis,1,2\n")
        values = [float(line.split()[-1]) for line in
                  self.run_program("predict", "--run", "run", "new.csv").splitlines() if line.startswith("new.csv:")]
        self.assertEqual(len(values), 3)
        self.assertGreater(values[0] - values[1], 1)
