"""The command line of netc itself: subcommands and words that are none."""

import subprocess
import unittest

from support import NETC, ProgramCase


class SubcommandTest(ProgramCase):
    def netc(self, *words, code=0):
        return self.run_program(*words, program=NETC, code=code)

    def test_words_that_are_nothing(self):
        self.assertIn('netc: error: "modle" is neither a subcommand nor a file', self.netc("modle", code=2))
        (self.folder / "modle.net").write_text("")
        self.assertIn("help: did you mean modle.net?", self.netc("modle", code=2))

    def test_a_file_without_an_ending_is_a_file(self):
        (self.folder / "model").write_text("network n(x: f32[2]) -> class[2] { x -> dense(2) }\n")
        self.assertIn("func @predict", self.netc("model", "--emit=graph", "--function=predict"))


if __name__ == "__main__":
    unittest.main()
