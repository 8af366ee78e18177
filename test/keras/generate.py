"""Writes the files values/*.json: programs, and what Keras computes where netc runs them.

Every case is computed twice, in f64 and in f32, each in a process of its own. The f64 values are written; `rounding` is how far
Keras' own f32 values are from them: the largest difference, relative to max(1, |value|). test/unit/keras/comparison.h says what
the files hold and how they are compared.
"""

import importlib
import json
import os
import pathlib
import pickle
import subprocess
import sys

import numpy as np

TOPICS = ["activations", "constraints", "data", "initializers", "losses", "metrics", "normalization", "optimizers",
          "regularizers", "schedules", "updates"]
VALUES = pathlib.Path(__file__).parent / "values"


def as_numbers(value):
    return [float(number) for number in np.asarray(value, dtype=np.float64).ravel()]


def expectations(case):
    """Every expected number of a case, in order."""
    for run in case["runs"]:
        for kind in ("results", "series", "weights"):
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
    if abs(number) >= 1:
        return format(number, ".10g")
    return format(round(number, 10) + 0.0, ".10f").rstrip("0").rstrip(".")


def text(value):
    """JSON on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)}: {text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(text(item) for item in value) + "]"
    if isinstance(value, (np.ndarray, np.generic)):
        return "[" + ",".join(number_text(number) for number in as_numbers(value)) + "]"
    return json.dumps(value)


def plain(value):
    """The same with every array of the backend as one of NumPy."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value if isinstance(value, (str, int, float, type(None))) else np.asarray(value)


def compute(topic, floatx, path):
    """In a process of its own: writes the topic's parts to `path`."""
    import keras

    keras.config.set_floatx(floatx)
    module = importlib.import_module("rules." + topic)
    parts = {"keras": keras.__version__, "start": module.START, "batches": module.BATCHES, "cases": module.cases()}
    path.write_bytes(pickle.dumps(plain(parts)))


def computed(topic, floatx):
    path = VALUES / f"{topic}.{floatx}"
    environment = os.environ | {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu",
                                "JAX_ENABLE_X64": str(int(floatx == "float64"))}
    subprocess.run([sys.executable, __file__, topic, floatx, path], env=environment, check=True)
    parts = pickle.loads(path.read_bytes())
    path.unlink()
    return parts


def write(topic):
    wide, narrow = computed(topic, "float64"), computed(topic, "float32")
    for exact, rounded in zip(wide["cases"], narrow["cases"], strict=True):
        exact["rounding"] = float(format(rounding(exact, rounded), ".1e"))
    lines = [f"{json.dumps(name)}: {text(wide[name])}" for name in ("keras", "start", "batches")]
    lines.append('"cases": [\n' + ",\n".join(text(case) for case in wide["cases"]) + "\n]")
    path = VALUES / f"{topic}.json"
    path.write_text("{" + ",\n".join(lines) + "}\n")
    print(f"{path.name}: {len(wide['cases'])} cases, {path.stat().st_size} bytes")


if len(sys.argv) == 4 and sys.argv[2].startswith("float"):
    compute(sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3]))
else:
    for chosen in sys.argv[1:] or TOPICS:
        write(chosen)
