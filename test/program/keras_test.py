"""A program prepares its data as Keras does."""

import json

from support import ROOT, ProgramCase, compile_net

COLUMNS = "a,b,c,d"
NETWORK = """
data table {
  train     = csv("train.csv", target = "y")
  normalize = standardize
}
network total(row: f32[4]) -> f32[1] { row -> dense(1, kernel_initializer = ones, use_bias = false) }
train total on table { loss = mse  optimizer = sgd(0.0)  epochs = 1 }
"""


def table(rows, target=""):
    return "\n".join(",".join(map(repr, rows[i:i + 4])) + target for i in range(0, len(rows), 4)) + "\n"


class KerasTest(ProgramCase):
    @classmethod
    def compile(cls):
        cls.values = json.loads((ROOT / "test/keras/values/data.json").read_text())["cases"][0]
        (cls.build / "total.net").write_text(NETWORK)
        (cls.build / "train.csv").write_text(COLUMNS + ",y\n" + table(cls.values["rows"], ",0"))
        cls.program = compile_net(cls.build / "total.net", cls.build / "total")

    def test_standardize(self):
        self.run_program("train", "--run", "run")
        (self.folder / "new.csv").write_text(COLUMNS + "\n" + table(self.values["new"]))
        text = self.run_program("predict", "new.csv", "--json", "--weights", "run/checkpoints/last.safetensors")
        sums = [json.loads(line)["output"][0] for line in text.splitlines() if line.startswith("{")]
        self.assertEqual(len(sums), len(self.values["sums"]))
        for got, expected in zip(sums, self.values["sums"]):
            # Each of four numbers near 1 is a difference of numbers near 1000 of f32.
            self.assertAlmostEqual(got, expected, delta=2e-5)
