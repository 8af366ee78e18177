"""Every activation at many places."""

import keras
import numpy as np

from rules.support import numbers

PLACES = np.array([-20, -6, -3.5, -3, -2.5, -1, -0.75, -0.5, -0.25, -0.03125, 0, 0.03125, 0.25, 0.5, 0.75, 1, 1.75, 3, 4,
                   5.75, 6, 7, 20])
START = {"prelu.alpha": numbers(PLACES.shape, 3)}
BATCHES = [{"x": PLACES, "batch": 1}, {"x": numbers(PLACES.shape, 1), "batch": 1}]
# The backend's tanh and erf have errors of 1e-7 in f64.
INEXACT = {"tanh", "gelu", "gelu(approximate = true)", "mish"}


def prelu(x):
    layer = keras.layers.PReLU()
    layer.build(x.shape)
    layer.alpha.assign(START["prelu.alpha"])
    return layer(x)


def cases():
    of = keras.activations
    activations = {
        "linear": of.linear, "relu": of.relu,
        "relu(negative_slope = 0.25, max_value = 5, threshold = 0.5)":
            lambda x: of.relu(x, negative_slope=0.25, max_value=5, threshold=0.5),
        "relu(max_value = 2)": lambda x: of.relu(x, max_value=2), "relu6": of.relu6,
        "leaky_relu": keras.layers.LeakyReLU(), "leaky_relu(negative_slope = 0.125)": keras.layers.LeakyReLU(0.125),
        "prelu": prelu, "elu": of.elu, "elu(alpha = 0.5)": lambda x: of.elu(x, 0.5), "selu": of.selu, "celu": of.celu,
        "celu(alpha = 2.0)": lambda x: of.celu(x, 2.0), "gelu": lambda x: of.gelu(x, False),
        "gelu(approximate = true)": lambda x: of.gelu(x, True), "silu": of.silu, "swish": of.silu, "mish": of.mish,
        "softplus": of.softplus, "softsign": of.softsign, "tanh": of.tanh, "hard_tanh": of.hard_tanh,
        "sigmoid": of.sigmoid, "hard_sigmoid": of.hard_sigmoid, "hard_silu": of.hard_silu, "log_sigmoid": of.log_sigmoid,
        "exponential": of.exponential, "softmax": of.softmax, "log_softmax": of.log_softmax,
    }
    result = []
    for name, function in activations.items():
        values = [np.asarray(function(keras.ops.convert_to_tensor(batch["x"][None], keras.config.floatx())))[0]
                  for batch in BATCHES]
        result.append({"name": name, "exact": 2e-7 if name in INEXACT else 1e-9,
                       "net": f"network n(x: f32[{PLACES.size}]) -> f32[{PLACES.size}] {{ x -> {name} }}\n",
                       "runs": [{"function": "predict", "first": 0, "last": len(BATCHES), "series": {"output": values}}]})
    return result
