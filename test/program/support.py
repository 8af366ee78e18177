"""What the tests of compiled programs share. Python's standard library only.

NETC names the compiler; without it the one in build/tools/netc is taken.
"""

import csv
import os
import pathlib
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
NETC = os.environ.get("NETC", str(ROOT / "build/tools/netc"))
EXAMPLES = ROOT / "examples"


def compile_net(source, program, *options):
    """Compiles the file `source` to the file `program`."""
    done = subprocess.run([NETC, str(source), "-o", str(program), *options], capture_output=True, text=True)
    if done.returncode != 0:
        raise AssertionError("netc failed:\n" + done.stdout + done.stderr)
    return program


def read_history(run):
    with open(run / "history.csv", newline="") as file:
        return [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]


class ProgramCase(unittest.TestCase):
    """Tests of programs that compile() makes once into the folder `build`; every test has a folder of its own."""

    @classmethod
    def setUpClass(cls):
        build = tempfile.TemporaryDirectory()
        cls.addClassCleanup(build.cleanup)
        cls.build = pathlib.Path(build.name)
        cls.compile()

    @classmethod
    def compile(cls):
        """Sets cls.program, the program that run_program() calls."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def run_program(self, *words, code=0, program=None, **options):
        """What the program prints. Its exit code must be `code`; if that is None, any but that of a crash."""
        done = subprocess.run([str(program or self.program), *words], cwd=self.folder, capture_output=True, text=True,
                              timeout=300, **options)
        if code is None:
            self.assertIn(done.returncode, range(128), done.stdout + done.stderr)
        else:
            self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def assert_same_run(self, first, second):
        for name in ("history.csv", "checkpoints/last.safetensors", "checkpoints/best.safetensors"):
            self.assertTrue((self.folder / first / name).read_bytes() == (self.folder / second / name).read_bytes(),
                            f"{name} of {first} and {second} differ")
