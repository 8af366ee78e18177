"""Looking inside and sanity: diagnostics of every epoch, inspect, activations, find-lr, overfit, check, netc check."""

import json
import struct
import subprocess

from support import EXAMPLES, NETC, ROOT, ProgramCase, compile_net

DIGITS = ROOT / "examples/data/digits"

# A small network of dense layers on the digits; `layers` stands between the picture and the classes.
NETWORK = """
data digits {{
  train     = csv("{folder}/train.csv", target = "digit")
  normalize = scale(16)
}}
network classifier(image: f32[64]) -> class[10] {{
  image {layers} -> dense(10)
}}
train classifier on digits {{
  loss       = sparse_categorical_crossentropy(from_logits = true)
  optimizer  = {optimizer}
  batch_size = 32
  epochs     = 2
  seed       = 3
}}
{check}
"""


def network(layers, optimizer="sgd(learning_rate = 0.1)", check=""):
    return NETWORK.format(folder=DIGITS, layers=layers, optimizer=optimizer, check=check)


class LookingInside(ProgramCase):
    """examples/digits.net."""

    @classmethod
    def compile(cls):
        cls.program = compile_net(EXAMPLES / "digits.net", cls.build / "digits")

    def test_every_epoch_is_diagnosed(self):
        self.run_program("train", "--epochs", "3", "--threads", "1", "--run", "one")
        self.run_program("train", "--epochs", "3", "--threads", "2", "--run", "two")
        text = (self.folder / "one/diagnostics.jsonl").read_text()
        self.assertEqual(text, (self.folder / "two/diagnostics.jsonl").read_text())
        lines = [json.loads(line) for line in text.splitlines()]
        self.assertEqual([line["epoch"] for line in lines], [1, 2, 3])
        for line in lines:
            layers = {layer["name"]: layer for layer in line["layers"]}
            self.assertEqual(list(layers), ["conv2d", "batch_norm", "relu", "conv2d_1", "batch_norm_1", "relu_1", "dense"])
            self.assertEqual((layers["relu"]["units"], layers["relu_1"]["units"]), (16, 32))
            self.assertLess(layers["relu"]["dead"], 8)
            for name in ("conv2d", "conv2d_1", "dense"):
                self.assertGreater(layers[name]["gradient_norm"], 1e-3)
                self.assertGreater(layers[name]["update_ratio"], 1e-5)
                self.assertLess(layers[name]["update_ratio"], 0.1)

    def test_diagnoses_survive_an_interruption(self):
        self.run_program("train", "--epochs", "4", "--run", "whole")
        self.run_program("train", "--epochs", "4", "--pause-after", "2", "--run", "parts")
        # What was written after the state is made again, not doubled.
        with open(self.folder / "parts/diagnostics.jsonl", "a") as file:
            file.write('{"epoch":3,"layers":[]}\n')
        self.run_program("train", "--resume", "parts")
        self.assertEqual((self.folder / "whole/diagnostics.jsonl").read_text(),
                         (self.folder / "parts/diagnostics.jsonl").read_text())

    def test_inspects(self):
        self.run_program("train", "--epochs", "3", "--run", "run")
        text = self.run_program("inspect", "--run", "run")
        self.assertIn("conv2d_1.kernel", text)
        self.assertIn("█", text)
        self.assertIn("nothing vanishes, nothing explodes, no layer is dead", text)
        seen = json.loads(self.run_program("inspect", "--run", "run", "--json"))
        kernel = seen["weights"]["conv2d.kernel"]
        self.assertEqual(kernel["count"], 9 * 16)
        self.assertEqual(sum(kernel["histogram"]["counts"]), kernel["count"])
        self.assertEqual(seen["activations"]["relu"]["least"], 0)
        self.assertEqual(seen["activations"]["dense"]["count"], 256 * 10)
        self.assertEqual(seen["findings"], [])

    def test_draws_activations_and_filters(self):
        self.run_program("train", "--epochs", "1", "--run", "run")
        self.run_program("activations", "--run", "run", "--sample", "3")
        folder = self.folder / "run/activations"
        index = json.loads((folder / "index.json").read_text())
        found = {(entry["layer"], entry["kind"]): entry for entry in index}
        self.assertEqual(found["relu_1", "activation"]["shape"], [4, 4, 32])
        self.assertEqual(found["conv2d", "filter"]["shape"], [3, 3, 1, 16])
        for entry in index:
            data = (folder / entry["file"]).read_bytes()
            self.assertEqual(data[:8], b"\x89PNG\r\n\x1a\n")
        # 16 maps of 8 x 8, eight times as large, four in a row.
        data = (folder / found["relu", "activation"]["file"]).read_bytes()
        self.assertEqual(struct.unpack(">II", data[16:24]), (4 * 65 + 1, 4 * 65 + 1))
        header, row = (DIGITS / "test.csv").read_text().splitlines()[:2]
        (self.folder / "one.csv").write_text(header + "\n" + row + "\n")
        self.run_program("activations", "--run", "run", "--input", "one.csv", "--layer", "relu", "--output", "only")
        self.assertEqual(sorted(path.name for path in (self.folder / "only").iterdir()), ["index.json", "relu-activation.png"])
        text = self.run_program("activations", "--run", "run", "--layer", "batch_norm", code=2)
        self.assertIn("there are: ", text)
        text = self.run_program("activations", "--run", "run", "--sample", "100000", code=2)
        self.assertIn("there is no number 100000", text)

    def test_finds_a_learning_rate(self):
        text = self.run_program("find-lr")
        self.assertIn("suggested learning rate", text)
        found = json.loads((self.folder / "find-lr.json").read_text())
        self.assertEqual(len(found["learning_rate"]), len(found["loss"]))
        self.assertAlmostEqual(found["learning_rate"][0], 1e-6)
        self.assertTrue(1e-4 < found["suggested"] < 1e-1, found["suggested"])
        # The same again, whatever the threads; the rate of the file plays no part.
        self.run_program("find-lr", "--threads", "1", "--set", "lr=1e-4", "--run", "new")
        self.assertEqual((self.folder / "new/find-lr.json").read_text(), (self.folder / "find-lr.json").read_text())
        self.run_program("find-lr", "--least", "1", "--greatest", "0.1", code=2)

    def test_checks(self):
        self.assertIn("3 of 3 checks passed", self.run_program("check"))
        self.assertIn("FAILED", self.run_program("overfit", "--within", "1", code=5))


class Ailments(ProgramCase):
    """Networks that are ill on purpose."""

    def compile_text(self, text):
        (self.folder / "ill.net").write_text(text)
        self.program = compile_net(self.folder / "ill.net", self.folder / "ill")

    def test_the_gradient_is_what_sgd_subtracts(self):
        self.compile_text(network("-> dense(24, kernel_regularizer = l2(0.01)) -> relu -> dense(16) -> tanh"))
        layers = json.loads(self.run_program("inspect", "--initial", "--json"))["layers"]
        for layer in layers:
            if layer["name"] in ("dense_1", "dense_2"):
                step = layer["update_ratio"] * layer["weight_norm"] / 0.1
                self.assertAlmostEqual(step / layer["gradient_norm"], 1, places=3)

    def test_the_last_output_is_seen(self):
        self.program = compile_net(EXAMPLES / "diabetes.net", self.folder / "diabetes")
        seen = json.loads(self.run_program("inspect", "--initial", "--json"))["activations"]
        last = [value for value in seen.values() if value["count"] == 256]  # one number a sample
        self.assertTrue(last and last[0]["deviation"] > 0 and last[0]["not_finite"] == 0, seen)

    def test_only_the_step_of_a_relu_has_units(self):
        text = network("-> dense(24, activation = relu) -> dropout(0.5) -> dense(8) -> relu6", optimizer="adam()")
        for precision in ("f32", "bf16"):
            self.compile_text(text.replace("seed       = 3", f"precision  = {precision}"))
            layers = json.loads(self.run_program("inspect", "--initial", "--json"))["layers"]
            self.assertEqual([(layer["name"], layer["units"]) for layer in layers if "units" in layer],
                             [("dense", 24), ("relu6", 8)], precision)

    def test_dead_units_are_found(self):
        self.compile_text(network("-> dense(24, bias_initializer = constant(-50)) -> relu"))
        text = self.run_program("inspect", "--initial")
        self.assertIn("24 of 24", text)
        self.assertIn("Dead units", text)
        self.run_program("train", "--epochs", "1", "--run", "run")
        line = json.loads((self.folder / "run/diagnostics.jsonl").read_text())
        relu = next(layer for layer in line["layers"] if layer["name"] == "relu")
        self.assertEqual((relu["units"], relu["dead"]), (24, 24))

    def test_vanishing_gradients_are_found(self):
        self.compile_text(network("-> dense(32) -> sigmoid" * 8))
        text = self.run_program("inspect", "--initial")
        self.assertIn("Vanishing gradients: that of dense ", text)

    def test_exploding_gradients_are_found(self):
        large = "-> dense(32, kernel_initializer = random_normal(stddev = 3.0)) -> relu"
        self.compile_text(network(large * 6))
        self.assertIn("Exploding gradients", self.run_program("inspect", "--initial"))

    def test_a_failed_check_says_what_was_measured(self):
        check = "check {\n  initial_loss(expected = 0.1)\n  gradients(tolerance = 1e-4)\n}"
        (self.folder / "ill.net").write_text(network("-> dense(8) -> tanh", check=check))
        for code, edit in ((5, None), (0, "2.4")):
            if edit:
                text = (self.folder / "ill.net").read_text().replace("expected = 0.1", f"expected = {edit}, tolerance = 50%")
                (self.folder / "ill.net").write_text(text)
            done = subprocess.run([NETC, "check", str(self.folder / "ill.net")], capture_output=True, text=True,
                                  cwd=self.folder, timeout=300)
            self.assertEqual(done.returncode, code, done.stdout + done.stderr)
            self.assertIn("FAILED" if code else "2 of 2 checks passed", done.stdout)
        self.assertEqual(subprocess.run([NETC, "check", "--no-such"], capture_output=True).returncode, 2)

    def test_a_network_that_cannot_memorise(self):
        check = "check {\n  overfit(samples = 64, within = 40 steps)\n}"
        self.compile_text(network("-> dense(1)", optimizer="sgd(learning_rate = 1e-6)", check=check))
        text = self.run_program("check", code=5)
        self.assertIn("expected accuracy 0.99", text)
        self.assertIn("0 of 1 checks passed", text)
