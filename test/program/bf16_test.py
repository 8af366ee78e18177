"""Programs with precision = bf16: as good as those in f32, and as reproducible."""

from support import EXAMPLES, ProgramCase, compile_net, read_history


class Bf16Test(ProgramCase):
    @classmethod
    def compile(cls):
        text = (EXAMPLES / "digits.net").read_text()
        narrow = cls.build / "digits.net"
        narrow.write_text(text.replace("seed       = 42", "seed       = 42\n  precision  = bf16"))
        assert "bf16" in narrow.read_text()
        cls.programs = {"f32": compile_net(EXAMPLES / "digits.net", cls.build / "f32"),
                        "bf16": compile_net(narrow, cls.build / "bf16"),
                        "v2": compile_net(narrow, cls.build / "v2", "--target-cpu=x86-64-v2")}
        cls.program = cls.programs["bf16"]

    def train(self, run, *words, program=None):
        self.run_program("train", "--data", str(EXAMPLES), "--run", run, *words, program=program)
        return read_history(self.folder / run) if (self.folder / run / "history.csv").exists() else []

    def test_learns_like_f32(self):
        wide = self.train("wide", program=self.programs["f32"])
        for name in ("bf16", "v2"):
            narrow = self.train(name, program=self.programs[name])
            self.assertLess(abs(narrow[0]["loss"] - wide[0]["loss"]), 0.03 * wide[0]["loss"])
            self.assertNotEqual(narrow[0]["loss"], wide[0]["loss"])
            self.assertGreater(narrow[-1]["val_accuracy"], wide[-1]["val_accuracy"] - 0.02)
            text = self.run_program("evaluate", "--data", str(EXAMPLES), "--run", name, program=self.programs[name])
            self.assertIn("accuracy", text)

    def test_threads_and_pauses_change_nothing(self):
        self.train("one", "--threads", "1", "--epochs", "4")
        self.train("two", "--threads", "2", "--epochs", "4")
        self.assert_same_run("one", "two")
        self.train("paused", "--epochs", "2")
        self.run_program("train", "--data", str(EXAMPLES), "--resume", "paused", "--epochs", "4")
        self.assert_same_run("one", "paused")
