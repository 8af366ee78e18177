"""Writes the files values/*.json: programs, and what Keras computes where netc runs them.

Every case is computed twice, in f64 and in f32. The f64 values are written; `rounding` is how far Keras' own f32 values are from
them: the largest difference, relative to max(1, |value|). test/unit/keras says what the files hold and how they are compared.
"""

import json
import pathlib
import sys

import keras
import numpy as np

from rules import optimizers

TOPICS = {"optimizers": optimizers}
VALUES = pathlib.Path(__file__).parent / "values"


def as_numbers(value):
    return [float(number) for number in np.asarray(value, dtype=np.float64).ravel()]


def expectations(case):
    """Every expected number of a case, in order."""
    for run in case["runs"]:
        for kind in ("results", "weights"):
            for name, value in run.get(kind, {}).items():
                yield f"{case['name']}: {name}", as_numbers(value)


def rounding(wide, narrow):
    largest = 0.0
    for (name, exact), (_, rounded) in zip(expectations(wide), expectations(narrow), strict=True):
        if not np.all(np.isfinite(exact)):
            raise SystemExit(f"{name} is not finite")
        difference = np.abs(np.subtract(rounded, exact)) / np.maximum(1, np.abs(exact))
        largest = max(largest, float(difference.max(initial=0)))
    return largest


def number_text(number):
    """Ten digits, or ten behind the point of numbers below 1."""
    return format(round(number, 10), ".10g") if abs(number) >= 1 else format(round(number, 10) + 0.0, ".10f").rstrip("0").rstrip(".")


def text(value):
    """JSON on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)}: {text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(text(item) for item in value) + "]"
    if isinstance(value, (np.ndarray, np.generic)) or hasattr(value, "__array__"):
        return "[" + ",".join(number_text(number) for number in as_numbers(value)) + "]"
    return json.dumps(value)


def computed(topic, floatx):
    keras.config.set_floatx(floatx)
    return topic.cases()


def write(name, topic):
    wide, narrow = computed(topic, "float64"), computed(topic, "float32")
    for exact, rounded in zip(wide, narrow, strict=True):
        exact["rounding"] = float(format(rounding(exact, rounded), ".1e"))
    lines = [f'"keras": "{keras.__version__}"', f'"start": {text(topic.START)}', f'"batches": {text(topic.BATCHES)}']
    lines.append('"cases": [\n' + ",\n".join(text(case) for case in wide) + "\n]")
    path = VALUES / f"{name}.json"
    path.write_text("{" + ",\n".join(lines) + "}\n")
    print(f"{path.name}: {len(wide)} cases, {path.stat().st_size} bytes")


for chosen in sys.argv[1:] or TOPICS:
    write(chosen, TOPICS[chosen])
