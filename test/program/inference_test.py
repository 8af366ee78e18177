"""What the passes do to inference changes no prediction by more than the rounding of f32."""

import json
import subprocess

from support import EXAMPLES, NETC, ProgramCase, compile_net


def optional_passes():
    listing = subprocess.run([NETC, "--passes"], capture_output=True, text=True, check=True).stdout
    names = list(dict.fromkeys(line.split()[0] for line in listing.splitlines()))
    # Codegen takes no values that nobody uses: remove-dead stays.
    return [name for name in names if name != "remove-dead" and
            subprocess.run([NETC, "--passes", "--disable-pass", name], capture_output=True).returncode == 0]


class InferenceTest(ProgramCase):
    @classmethod
    def compile(cls):
        cls.program = compile_net(EXAMPLES / "digits.net", cls.build / "digits")
        cls.passes = optional_passes()
        cls.plain = compile_net(EXAMPLES / "digits.net", cls.build / "plain", "--disable-pass", ",".join(cls.passes))

    def test_optional_passes(self):
        for name in ("remove-dropout", "fold-batch-norm", "simplify", "fold-constants", "share-common"):
            self.assertIn(name, self.passes)
        self.assertNotIn("decompose", self.passes)

    def predictions(self, program):
        text = self.run_program("predict", "new.csv", "--json", "--weights", "run/checkpoints/best.safetensors",
                                program=program)
        return [{one["class"]: one["probability"] for one in json.loads(line)["output"]}
                for line in text.splitlines() if line.startswith("{")]

    def test_predictions_agree(self):
        self.run_program("train", "--epochs", "3", "--run", "run")
        rows = [line.split(",") for line in (EXAMPLES / "data/digits/test.csv").read_text().splitlines()[:201]]
        column = rows[0].index("digit")
        (self.folder / "new.csv").write_text("".join(",".join(row[:column] + row[column + 1:]) + "\n" for row in rows))
        first, second = self.predictions(self.program), self.predictions(self.plain)
        self.assertEqual(len(first), 200)
        difference = max(abs(one[name] - other[name]) for one, other in zip(first, second) for name in one)
        self.assertLess(difference, 1e-5)

    def test_training_agrees(self):
        losses = []
        for program in (self.program, self.plain):
            run = program.name
            self.run_program("train", "--epochs", "1", "--run", run, program=program)
            losses.append(float((self.folder / run / "history.csv").read_text().splitlines()[1].split(",")[1]))
        self.assertAlmostEqual(losses[0], losses[1], delta=1e-3)
