"""What kind of file an executable is: how large, bound to which libraries, for which processor."""

import platform
import re
import shutil
import subprocess
import unittest

from support import EXAMPLES, NETC, ProgramCase, compile_net

TINY = """
data d { train = csv("d.csv", target = "y") }
network n(x: f32[5]) -> class[3] { x -> dense(9) -> relu -> dense(3) }
train n on d { optimizer = sgd(learning_rate = 0.1) }
"""


class FileTest(ProgramCase):
    def test_is_small_and_needs_few_libraries(self):
        for tool in ("strip", "readelf"):
            if not shutil.which(tool):
                self.skipTest(f"there is no {tool}")
        program = compile_net(EXAMPLES / "fashion.net", self.folder / "fashion", "--target-cpu=x86-64-v4")
        subprocess.run(["strip", program], check=True)
        self.assertLess(program.stat().st_size, 1_000_000)
        dynamic = subprocess.run(["readelf", "-d", program], check=True, capture_output=True, text=True).stdout
        libraries = set(re.findall(r"\(NEEDED\).*\[lib([a-z_+]+)[0-9]*\.so", dynamic))
        self.assertLessEqual({"c", "stdc++"}, libraries)
        self.assertLessEqual(libraries, {"c", "m", "stdc++", "gcc_s", "z", "png"})

    def test_no_executables_for_another_architecture(self):
        target = "x86_64-linux-gnu" if platform.machine() == "aarch64" else "aarch64-linux-gnu"
        done = subprocess.run([NETC, EXAMPLES / "iris.net", "-o", self.folder / "iris", "--target", target],
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 2)
        self.assertIn("--emit=obj makes the object", done.stderr)
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_objects_for_aarch64(self):
        for example in sorted(EXAMPLES.glob("*.net")):
            if "\nnetwork " not in example.read_text():
                continue  # it is there to be imported
            target = self.folder / f"{example.stem}.o"
            depth = ["-D", "depth=1"] if example.stem == "resnet_cifar" else []
            compile_net(example, target, "--target", "aarch64-linux-gnu", "--emit=obj", *depth)
            header = target.read_bytes()[:20]
            self.assertEqual(header[:4], b"\x7fELF", example)
            self.assertEqual(int.from_bytes(header[18:20], "little"), 183, example)  # EM_AARCH64


class ProcessorTest(ProgramCase):
    """QEMU pretends to be an older machine; Nehalem is of level x86-64-v2, Haswell of x86-64-v3."""

    @classmethod
    def setUpClass(cls):
        if not shutil.which("qemu-x86_64"):
            raise unittest.SkipTest("install qemu-user to pretend to have another processor")
        super().setUpClass()

    @classmethod
    def compile(cls):
        cls.source = cls.build / "tiny.net"
        cls.source.write_text(TINY)
        cls.programs = {level: compile_net(cls.source, cls.build / level, f"--target-cpu=x86-64-{level}")
                        for level in ("v2", "v3", "v4")}

    def run_on(self, processor, level, *words, code=0):
        words = ("-cpu", processor, self.programs[level], *words)
        return self.run_program(*words, program="qemu-x86_64", code=code)

    def test_code_runs_on_its_level(self):
        for processor, level in (("Nehalem", "v2"), ("Haswell", "v2"), ("Haswell", "v3")):
            self.assertIn("train_step", self.run_on(processor, level, "bench", "--steps", "1"))

    def test_lower_levels_are_told_what_they_lack(self):
        text = self.run_on("Nehalem", "v3", "bench", code=1)
        self.assertIn("v3: error: this program was compiled for x86-64-v3, and this processor has no avx, avx2, bmi, ", text)
        self.assertIn("--target-cpu=x86-64-v2", text)
        self.assertIn("has no avx512f,", self.run_on("Haswell", "v4", "info", code=1))

    def test_default_is_the_level_of_the_machine(self):
        for processor, level in (("Nehalem", "v2"), ("Haswell", "v3")):
            words = ["qemu-x86_64", "-cpu", processor, NETC, self.source, "--emit=llvm"]
            code = subprocess.run(words, check=True, capture_output=True, text=True).stdout
            self.assertIn(f'"target-cpu"="x86-64-{level}"', code)
