"""Contestants of all kinds take turns; prints what became of each."""
import pathlib
import tempfile

import turns

turns.START_LIMIT, turns.TURN_LIMIT = 2, 1
SCRIPTS = {
    "hangs at the start": "sleep 100",
    "dies at the start": "echo no such luck >&2; exit 3",
    "hangs in its turn": "echo ready; read line; sleep 100",
    "dies in its turn": "echo ready; read line; exit 1",
    "is fast": "echo ready; while read line; do echo 0.01; done",
    "is slow": "echo ready; while read line; do echo 1.01; done",
}

with tempfile.TemporaryDirectory() as caches:
    contestants = [turns.Contestant(name, ["sh", "-c", script]) for name, script in SCRIPTS.items()]
    turns.start_all(contestants, threads=1, caches=pathlib.Path(caches))
    turns.take_turns(contestants, rounds=5, seconds=0.1)
    for contestant in contestants:
        found = contestant.close()
        print(f"{contestant.name}: {found.get('missing') or str(len(found['times'])) + ' turns'}")
