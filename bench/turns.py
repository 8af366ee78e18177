"""Processes that compute the same and answer "go N" with the seconds of one call, averaged over N calls; and taking turns with them."""
import json
import os
import pathlib
import signal
import subprocess
import threading

START_LIMIT = 900  # seconds for imports, the first compilation and the check


def environment(threads, scratch):
    """What the peers read from the environment. Caches of compilations start empty, so that their times are those of a first use."""
    return {**os.environ, "OMP_NUM_THREADS": str(threads), "CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "1",
            "JAX_PLATFORMS": "cpu", "KERAS_BACKEND": "tensorflow", "TORCHINDUCTOR_CACHE_DIR": str(scratch), "PYTHONDONTWRITEBYTECODE": "1"}


class Contestant:
    """A process, bound to as many cores as it has threads and stopped while it is not its turn. `missing` says why there is none."""

    def __init__(self, name, command, threads, scratch):
        self.name, self.times, self.calls, self.missing = name, [], 0, ""
        self.facts = {}
        log = pathlib.Path(scratch) / "errors.txt"
        cores = sorted(os.sched_getaffinity(0))[:threads]
        with open(log, "w") as errors:
            self.process = subprocess.Popen([str(word) for word in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
                                            text=True, env=environment(threads, scratch),
                                            preexec_fn=lambda: os.sched_setaffinity(0, cores))
        limit = threading.Timer(START_LIMIT, self.process.kill)
        limit.start()
        for line in self.process.stdout:
            if line.startswith("ready"):
                break
            if line.startswith('{"ready"'):
                self.facts = json.loads(line)
                break
        else:
            lines = log.read_text().strip().splitlines()
            self.missing = lines[-1][:200] if lines else "it ended without a word"
        limit.cancel()
        self._pause()

    def _pause(self):
        if not self.missing:
            self.process.send_signal(signal.SIGSTOP)

    def turn(self, seconds):
        """Calls for about so many seconds and notes the time of one."""
        if self.missing:
            return
        self.process.send_signal(signal.SIGCONT)
        try:
            if not self.calls:
                self.calls = max(1, round(seconds / self._go(max(1, round(0.02 / self._go(1))))))
            self.times.append(self._go(self.calls))
        except (ValueError, BrokenPipeError):
            self.missing = "it ended while it was measured"
        self._pause()

    def _go(self, calls):
        self.process.stdin.write(f"go {calls}\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def close(self):
        """Ends the process; returns what is known of it."""
        if self.missing:
            self.process.kill()
            self.process.wait()
            return {"missing": self.missing}
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        memory = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
        self.process.kill()
        self.process.wait()
        return {**self.facts, "times": self.times, "memory": memory * 1024}


def take_turns(contestants, rounds, seconds):
    for _ in range(rounds):
        for contestant in contestants:
            contestant.turn(seconds)
