"""What goes wrong at the desk of who compiles: files that are none, outputs that cannot be written, disks that are full."""

import json
import os
import resource
import stat
import subprocess
import threading
import unittest

from support import NETC, ProgramCase

SOURCE = "network model(x: f32[2]) -> class[2] { x -> dense(2) }\n"


class CompilerTest(ProgramCase):
    def setUp(self):
        super().setUp()
        (self.folder / "model.net").write_text(SOURCE)

    def netc(self, *words, code=0, **options):
        return self.run_program(*words, program=NETC, code=code, **options)

    def names(self):
        return sorted(path.name for path in self.folder.iterdir())

    def test_files_that_are_none(self):
        (self.folder / "folder.net").mkdir()
        os.mkfifo(self.folder / "pipe.net")
        for name, message in (("modle.net", "cannot read modle.net: no such file\nhelp: did you mean model.net?"),
                              ("nowhere/model.net", "cannot read nowhere/model.net: no such file"),
                              ("folder.net", "cannot read folder.net: it is a folder"),
                              ("pipe.net", "cannot read pipe.net: it is not a regular file")):
            self.assertIn(message, self.netc(name, code=1))
            self.assertIn(message, self.netc(name, "--emit=tokens", code=2))
        (self.folder / "model.net").write_text('import "layer.net"\n' + SOURCE)
        (self.folder / "layers.net").write_text("block f(x) { x -> relu }\n")
        text = self.netc("model.net", code=1)
        self.assertIn("model.net:1:1: error: cannot read layer.net: no such file", text)
        self.assertIn("help: did you mean layers.net?", text)

    def test_bytes_that_are_no_text(self):
        garbage = bytes((37 * i * i + 11 * i) % 256 for i in range(100000))
        for content, message in ((b"", "the file has no network"), (garbage, "error: "), (b"\0" * 1000, "error: "),
                                 (b"#" * (17 << 20), "bad.net is larger than 16 MiB"),
                                 (b"(" * 1000000, "error: "), (b"x = 1\n" * 1700000, "error: "),
                                 (b"network n(x: f32[2]) -> class[2] { x -> " + b"dense(2, a = [" * 5000, "error: ")):
            (self.folder / "bad.net").write_bytes(content)
            for format in ("text", "json"):
                text = self.netc("bad.net", "--error-format=" + format, code=1, errors="replace")
                self.assertIn(message if format == "text" else '"severity":"error"', text)
                self.assertLess(text.count("\n"), 2000)

    def test_the_source_is_never_overwritten(self):
        for words in (["model.net", "-o", "model.net"], ["model.net", "--emit=llvm", "-o", "./model.net"],
                      ["model.net", "--emit=tokens", "-o", "model.net"]):
            self.assertIn("the result would take the place of", self.netc(*words, code=2))
        (self.folder / "model").write_text(SOURCE)
        self.assertIn("the result would take the place of model, which it is made from", self.netc("model", code=2))
        (self.folder / "main.net").write_text('import "layers.net"\n' + SOURCE)
        (self.folder / "layers.net").write_text("block f(x) { x -> relu }\n")
        self.assertIn("the result would take the place of layers.net", self.netc("main.net", "-o", "layers.net", code=2))
        self.assertEqual((self.folder / "model.net").read_text(), SOURCE)
        self.assertEqual((self.folder / "model").read_text(), SOURCE)

    def test_outputs_that_are_none(self):
        (self.folder / "folder").mkdir()
        os.mkfifo(self.folder / "pipe")
        for words, message in ((["-o", "folder"], "cannot write folder: it is a folder"),
                               (["-o", "nowhere/model"], "cannot write nowhere/model"),
                               (["-o", "-"], "programs and objects go to a file"),
                               (["--emit=obj", "-o", "nowhere/model.o"], "cannot write nowhere/model.o"),
                               (["-o", "pipe"], "cannot write pipe: it is not a regular file")):
            self.assertIn(message, self.netc("model.net", *words, code=2))
        self.assertEqual(self.names(), ["folder", "model.net", "pipe"])
        self.assertTrue(stat.S_ISFIFO((self.folder / "pipe").stat().st_mode))

    def test_a_pipe_is_written_to(self):
        os.mkfifo(self.folder / "pipe")
        read = []
        reader = threading.Thread(target=lambda: read.append((self.folder / "pipe").read_text()))
        reader.start()
        self.netc("model.net", "--emit=graph", "-o", "pipe")
        reader.join()
        self.assertIn("func @predict", read[0])
        self.assertTrue(stat.S_ISFIFO((self.folder / "pipe").stat().st_mode))

    def test_full_disk(self):
        (self.folder / "program").write_text("what was there before")
        for size, words in ((1024, ["--emit=llvm"]), (1024, ["--emit=obj"]), (1024, []), (200_000, [])):
            limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
            self.assertIn("error: ", self.netc("model.net", *words, "-o", "program", code=2, preexec_fn=limit))
        self.assertEqual((self.folder / "program").read_text(), "what was there before")
        self.assertEqual(self.names(), ["model.net", "program"])

    def test_linker_without_a_word(self):
        """A disk that is full takes no message of the linker's either."""
        (self.folder / "bin").mkdir()
        linker = self.folder / "bin/c++"
        linker.write_text("#!/bin/sh\nexit 1\n")
        linker.chmod(0o755)
        text = self.netc("model.net", code=2, env={"PATH": str(linker.parent)})
        self.assertIn("the linker failed with status 1 and left no message\nhelp: is there room for model?", text)
        self.assertEqual(self.names(), ["bin", "model.net"])

    def test_full_output(self):
        with open("/dev/full", "w") as full:
            done = subprocess.run([NETC, "model.net", "--emit=graph"], cwd=self.folder, stdout=full,
                                  stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, 2)
        self.assertIn("cannot write to standard output", done.stderr)

    def test_folder_whose_name_is_no_text(self):
        folder = os.path.join(os.fsencode(self.folder), b"f\xff")
        os.mkdir(folder)
        with open(os.path.join(folder, b"model.net"), "w") as file:
            file.write(SOURCE)
        subprocess.run([NETC, "model.net"], cwd=folder, check=True, capture_output=True)
        self.assertTrue(os.path.exists(os.path.join(folder, b"model")))
        with open(os.path.join(folder, b"m\xe9.net"), "wb") as file:
            file.write(SOURCE.encode() + b"# caf\xe9\n")
        done = subprocess.run([NETC, b"m\xe9.net", "--error-format=json"], cwd=folder, capture_output=True)
        self.assertEqual(done.returncode, 1)
        said = json.loads(done.stderr.decode())
        self.assertEqual((said["file"], said["line"], said["column"]), ("m\ufffd.net", 2, 6))
        self.assertIn("not UTF-8", said["message"])

    def test_places_without_a_program_cache(self):
        (self.folder / "file").write_text("")
        self.assertIn("set XDG_CACHE_HOME to a folder that may be written",
                      self.netc("check", "model.net", code=2, env={"XDG_CACHE_HOME": str(self.folder / "file")}))


if __name__ == "__main__":
    unittest.main()
