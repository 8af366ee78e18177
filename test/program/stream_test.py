"""A set larger than the buffer trains through it: in bounded memory, to the same bits with any threads and after kills."""

import os
import signal
import subprocess
import time

import large_data
from support import ProgramCase, compile_net, read_history

MEGABYTES = 60


class StreamTest(ProgramCase):
    @classmethod
    def compile(cls):
        large_data.write_pictures(cls.build, MEGABYTES)
        source = cls.build / "large.net"
        large_data.write_network(source, 16, 3)
        cls.program = compile_net(source, cls.build / "large")
        source.write_text(source.read_text().replace("stream     = true", "").replace("buffer     = 16 MB", ""))
        cls.in_memory = compile_net(source, cls.build / "in_memory")

    def peak(self, program, *words):
        """The peak of the resident set in MB."""
        with open(self.folder / "output", "w") as output:
            process = subprocess.Popen([str(program), *words], cwd=self.folder, stdout=output, stderr=output)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(process.returncode, 0, (self.folder / "output").read_text())
        return usage.ru_maxrss / 1000

    def test_memory_is_bounded(self):
        streamed = self.peak(self.program, "train", "--threads", "1", "--epochs", "2", "--run", "streamed")
        whole = self.peak(self.in_memory, "train", "--threads", "1", "--epochs", "2", "--run", "whole")
        self.assertGreater(whole, MEGABYTES)
        self.assertLess(streamed, whole - 35)
        self.assertGreater(read_history(self.folder / "streamed")[-1]["val_accuracy"], 0.8)
        self.assertIn("accuracy", self.run_program("evaluate", "--run", "streamed", "--split", "validation"))

    def test_threads_and_kills_change_nothing(self):
        self.run_program("train", "--threads", "1", "--run", "1")
        self.run_program("train", "--threads", "3", "--run", "3")
        self.assert_same_run("1", "3")
        words = ["train", "--threads", "2", "--checkpoint-every", "7 steps"]
        child = subprocess.Popen([str(self.program), *words, "--run", "killed"], cwd=self.folder, stdout=subprocess.DEVNULL)
        state = self.folder / "killed/checkpoints/last.safetensors"
        while child.poll() is None and not state.exists():
            time.sleep(0.002)
        child.send_signal(signal.SIGKILL)
        child.wait()
        output = self.run_program("train", "--resume", "killed")
        self.assertIn("resumed after step", output)
        self.assert_same_run("1", "killed")
