"""Processes that compute the same and answer "go N" with the seconds of one call, averaged over N calls; and taking turns with them."""
import concurrent.futures
import json
import os
import pathlib
import signal
import subprocess
import threading

START_LIMIT = 300  # seconds for imports, the first compilation and the check
TURN_LIMIT = 120  # seconds for one answer
AT_ONCE = 2  # processes that start at the same time
FAIR_TURNS = 3  # turns that everybody has
BEHIND = 3  # who is so many times slower than the first after these has no more


def environment(threads, caches):
    """What the peers read from the environment. Caches of compilations start empty with every network, so that the time of its first
    training step is that of a first use."""
    return {**os.environ, "OMP_NUM_THREADS": str(threads), "CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "1",
            "JAX_PLATFORMS": "cpu", "KERAS_BACKEND": "tensorflow", "TORCHINDUCTOR_CACHE_DIR": str(caches), "PYTHONDONTWRITEBYTECODE": "1"}


class Contestant:
    """A process that stands still while it is not its turn. `missing` says why there is none."""

    def __init__(self, name, command):
        self.name, self.command = name, [str(word) for word in command]
        self.times, self.calls, self.missing, self.facts = [], 0, "", {}
        self.process = None

    def start(self, threads, caches, cores):
        """Returns when it is ready to take turns, or will never be. `caches`: a folder for compilations. `cores`: where it may run."""
        log = caches / f"{self.name}-errors.txt"
        words = ["taskset", "--cpu-list", ",".join(map(str, cores)), *self.command]
        with open(log, "w") as errors:
            self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True,
                                            env=environment(threads, caches), start_new_session=True)
        with self._limit(START_LIMIT, "start"):
            for line in self.process.stdout:
                if line.startswith("ready"):
                    break
                if line.startswith('{"ready"'):
                    self.facts = json.loads(line)
                    break
            else:
                lines = log.read_text().strip().splitlines()
                self.missing = self.missing or (lines[-1][:200] if lines else "it ended without a word")
        self._pause()

    def begin(self, cores):
        """From now on all of its threads run on these cores, and its peak memory is counted."""
        if self.missing:
            return
        process = pathlib.Path(f"/proc/{self.process.pid}")
        for task in (process / "task").iterdir():
            os.sched_setaffinity(int(task.name), cores)
        (process / "clear_refs").write_text("5")

    def turn(self, seconds):
        """Calls for about so many seconds and notes the time of one."""
        if self.missing:
            return
        self.process.send_signal(signal.SIGCONT)
        try:
            with self._limit(TURN_LIMIT, "a turn"):
                if not self.calls:
                    once = self._go(1)
                    self.calls = max(1, round(seconds / (self._go(max(1, round(0.02 / once))) if once < seconds else once)))
                self.times.append(self._go(self.calls))
        except (ValueError, BrokenPipeError):
            self.missing = self.missing or "it ended while it was measured"
        self._pause()

    def _limit(self, seconds, what):
        return TimeLimit(seconds, lambda: self._kill(f"{what} took more than {seconds} s"))

    def _go(self, calls):
        self.process.stdin.write(f"go {calls}\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def _pause(self):
        if not self.missing:
            self.process.send_signal(signal.SIGSTOP)

    def _kill(self, reason):
        """With all that it has started: compilers, for instance."""
        self.missing = self.missing or reason
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def close(self):
        """Ends the process; returns what is known of it."""
        if self.process is None:
            return {"missing": "it was not started"}
        found = {"missing": self.missing} if self.missing else {**self.facts, "times": self.times, "memory": self._peak_memory()}
        self._kill("it is closed")
        self.process.wait()
        return found

    def _peak_memory(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return 1024 * next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))


class TimeLimit:
    """Calls `expired` unless the block ends in time."""

    def __init__(self, seconds, expired):
        self.timer = threading.Timer(seconds, expired)

    def __enter__(self):
        self.timer.start()

    def __exit__(self, *_):
        self.timer.cancel()


def start_all(contestants, threads, caches):
    """Two at a time: nothing is timed while it runs. Then all are bound to the same cores, as many as they have threads."""
    cores = sorted(os.sched_getaffinity(0))
    free = [cores[i % len(cores):][:threads] if threads < len(cores) else cores for i in range(AT_ONCE)]

    def start(contestant):
        mine = free.pop()
        contestant.start(threads, caches, mine)
        free.append(mine)

    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(start, contestants))
    for contestant in contestants:
        contestant.begin(cores[:threads])


def take_turns(contestants, rounds, seconds):
    for number in range(rounds):
        first = min((min(contestant.times) for contestant in contestants if contestant.times), default=None)
        for contestant in contestants:
            if number < FAIR_TURNS or (contestant.times and min(contestant.times) <= BEHIND * first):
                contestant.turn(seconds)
