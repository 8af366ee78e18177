"""How initial weights are distributed: mean, standard deviation and limits, for kernels of all shapes.

Random numbers of two programs differ, so what is written is what Keras' own numbers are spread by: the formula over the fans that
Keras counts, checked here against what Keras draws.
"""

import keras
import numpy as np
from keras.src.initializers.random_initializers import compute_fans

START, BATCHES = {}, []
SHAPES = {"dense": (60, 100), "conv2d": (3, 3, 16, 40), "depthwise_conv2d": (5, 5, 128, 2), "bias": (5000,)}
CUT = 0.8796256610342398  # the standard deviation of a standard normal distribution cut at two


def cases():
    of = keras.initializers
    result = []

    def case(text, initializer, layer, stddev, limit=None, mean=0.0):
        shape = SHAPES[layer]
        drawn = np.asarray(initializer(shape), float)
        limit = np.inf if limit is None else limit
        assert abs(drawn.std() - stddev) <= 0.05 * stddev and abs(drawn - mean).max() <= limit * (1 + 1e-6), text
        assert abs(drawn.mean() - mean) <= 5 * stddev / np.sqrt(drawn.size) + 1e-6, text
        result.append({"name": f"{text} of {layer}", "initializer": text, "shape": list(shape), "mean": mean,
                       "stddev": float(stddev), "limit": float(limit) if np.isfinite(limit) else None, "runs": []})

    def scaled(text, initializer, scale, mode, distribution):
        for layer, shape in SHAPES.items():
            inputs, outputs = compute_fans(shape)
            n = {"fan_in": inputs, "fan_out": outputs, "fan_avg": (inputs + outputs) / 2}[mode]
            stddev = np.sqrt(scale / n)
            limit = {"uniform": np.sqrt(3) * stddev, "truncated_normal": 2 * stddev / CUT,
                     "untruncated_normal": None}[distribution]
            case(text, initializer, layer, stddev, limit)

    for text, kind, scale, mode, distribution in (
            ("glorot_uniform", of.GlorotUniform, 1, "fan_avg", "uniform"),
            ("glorot_normal", of.GlorotNormal, 1, "fan_avg", "truncated_normal"),
            ("he_uniform", of.HeUniform, 2, "fan_in", "uniform"), ("he_normal", of.HeNormal, 2, "fan_in", "truncated_normal"),
            ("lecun_uniform", of.LecunUniform, 1, "fan_in", "uniform"),
            ("lecun_normal", of.LecunNormal, 1, "fan_in", "truncated_normal")):
        scaled(text, kind(seed=1), scale, mode, distribution)
    for mode in ("fan_in", "fan_out", "fan_avg"):
        for distribution in ("uniform", "truncated_normal", "untruncated_normal"):
            scaled(f"variance_scaling(3.0, {mode}, {distribution})", of.VarianceScaling(3.0, mode, distribution, seed=1), 3,
                   mode, distribution)
    for text, initializer in {"zeros": of.Zeros(), "ones": of.Ones(), "constant": of.Constant(),
                              "constant(0.25)": of.Constant(0.25), "identity": of.Identity(),
                              "identity(2.0)": of.Identity(2.0)}.items():
        result.append({"name": text, "initializer": text, "shape": [3, 3], "values": initializer((3, 3)), "runs": []})
    case("random_normal", of.RandomNormal(seed=1), "dense", 0.05)
    case("random_normal(0.5, 2.0)", of.RandomNormal(0.5, 2.0, seed=1), "conv2d", 2.0, None, 0.5)
    case("random_uniform", of.RandomUniform(seed=1), "dense", 0.05 / np.sqrt(3), 0.05)
    case("random_uniform(-1.0, 3.0)", of.RandomUniform(-1.0, 3.0, seed=1), "conv2d", 2 / np.sqrt(3), 2, 1.0)
    case("truncated_normal", of.TruncatedNormal(seed=1), "dense", 0.05 * CUT, 0.1)
    case("truncated_normal(0.5, 2.0)", of.TruncatedNormal(0.5, 2.0, seed=1), "conv2d", 2 * CUT, 4, 0.5)
    for text, gain in (("orthogonal", 1.0), ("orthogonal(2.0)", 2.0)):
        for layer in ("dense", "conv2d", "depthwise_conv2d"):
            drawn = np.asarray(of.Orthogonal(gain, seed=1)(SHAPES[layer]), float).reshape(-1, SHAPES[layer][-1])
            products = drawn @ drawn.T if drawn.shape[0] < drawn.shape[1] else drawn.T @ drawn
            assert np.allclose(products, gain**2 * np.eye(len(products)), atol=1e-5)
            result.append({"name": f"{text} of {layer}", "initializer": text, "shape": list(SHAPES[layer]), "gain": gain,
                           "runs": []})
    return result
