"""What the topics share."""

import numpy as np


def numbers(shape, seed, scale=1.0):
    """Random numbers with few binary digits, so that they are the same in f32 and f64 and short as text."""
    normal = np.random.default_rng(seed).normal(size=shape)
    return np.round(normal * 64) / 64 * scale


def net_value(value):
    """A Python value as it is written in a .net file."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "none"
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(net_value(item) for item in value) + "]"
    return repr(value)


def net_call(name, arguments):
    """adam(learning_rate = 0.01, amsgrad = true)"""
    return name + ("(" + ", ".join(f"{key} = {net_value(value)}" for key, value in arguments.items()) + ")"
                   if arguments else "")


def experiment(network, train, blocks=""):
    """A .net file around a network, given as `(x: f32[4]) -> f32[2] { ... }`, and the keys of its train section."""
    return (f"{blocks}data d {{ train = csv(\"d.csv\", target = \"y\") }}\nnetwork n{network}\n"
            f"train n on d {{ {train} }}\n")
