"""Normalising layers: what they give at inference, and five steps of training through them."""

import jax
import keras
import numpy as np

from rules.support import experiment, numbers

CHANNELS, SIDE, WIDTH = 4, 2, 8
STEPS = 5
IMAGES = [{"batch": 4, "image": numbers((4, SIDE, SIDE, CHANNELS), seed) + 3,
           "target": numbers((4, SIDE, SIDE, CHANNELS), seed + 100)} for seed in range(STEPS)]
ROWS = [{"batch": 4, "row": numbers((4, WIDTH), seed + 50), "target": numbers((4, WIDTH), seed + 150)}
        for seed in range(STEPS)]
BATCHES = IMAGES + ROWS
PARTS = {"gamma": lambda n, seed: 1 + numbers(n, seed, 0.25), "beta": lambda n, seed: numbers(n, seed, 0.25),
         "scale": lambda n, seed: 1 + numbers(n, seed, 0.25), "moving_mean": lambda n, seed: numbers(n, seed) + 2,
         "moving_variance": lambda n, seed: 1 + np.abs(numbers(n, seed))}
NAMES = ["batch_norm", "layer_norm", "group_norm", "rms_norm"]
START = {f"{layer}.{part}": make(CHANNELS, 10 * i + j) for i, layer in enumerate(NAMES)
         for j, (part, make) in enumerate(PARTS.items())}
START |= {"rows." + part: make(WIDTH, 200 + j) for j, (part, make) in enumerate(PARTS.items())}
START |= {"conv2d.kernel": numbers((1, 1, CHANNELS, CHANNELS), 300, 0.5), "dense.kernel": numbers((WIDTH, WIDTH), 301, 0.5)}
EXACT = 2e-6  # Keras computes some of the statistics in f32 even in f64


def tensor(value):
    return keras.ops.convert_to_tensor(value, keras.config.floatx())


def network(call, on_rows):
    """The norm behind a linear layer, so that the gradient of its inputs shows."""
    if on_rows:
        return (f"(row: f32[{WIDTH}]) -> f32[{WIDTH}] {{ row -> dense({WIDTH}, use_bias = false) "
                f"-> {call} as rows }}")
    return (f"(image: f32[{SIDE}, {SIDE}, {CHANNELS}]) -> f32[{SIDE}, {SIDE}, {CHANNELS}] {{ "
            f"image -> conv2d({CHANNELS}, 1, use_bias = false) -> {call} }}")


def model(norm, name, on_rows):
    """The same network; and its weights by their names in netc."""
    layers = keras.layers
    first = (layers.Dense(WIDTH, use_bias=False, name="dense") if on_rows else
             layers.Conv2D(CHANNELS, 1, use_bias=False, name="conv2d"))
    shape = (WIDTH,) if on_rows else (SIDE, SIDE, CHANNELS)
    result = keras.Sequential([keras.Input(shape), first, norm])
    weights = {first.name + ".kernel": first.kernel}
    for variable in norm.variables:
        weights[f"{'rows' if on_rows else name}.{variable.name}"] = variable
    for key, variable in weights.items():
        variable.assign(START[key])
    return result, weights


def cases():
    result = []
    layers = keras.layers

    def case(call, norm, on_rows=False):
        name = call.split("(")[0]
        made, weights = model(norm, name, on_rows)
        batches, inputs, first = (ROWS, "row", STEPS) if on_rows else (IMAGES, "image", 0)
        predicted = [made(tensor(batch[inputs]), training=False) for batch in batches[:2]]

        def loss(trainable, state, x, target):
            output, state = made.stateless_call(trainable, state, x, training=True)
            return keras.ops.mean(keras.losses.mean_squared_error(target, output)), state

        gradient = jax.grad(loss, has_aux=True)
        for batch in batches:
            slopes, state = gradient([v.value for v in made.trainable_variables],
                                     [v.value for v in made.non_trainable_variables], tensor(batch[inputs]),
                                     tensor(batch["target"]))
            for variable, slope in zip(made.trainable_variables, slopes):
                variable.assign(variable.value - slope)
            for variable, value in zip(made.non_trainable_variables, state):
                variable.assign(value)
        result.append({"name": call + (" of rows" if on_rows else ""), "exact": EXACT,
                       "net": experiment(network(call, on_rows), "loss = mse optimizer = sgd(1.0)"),
                       "runs": [{"function": "predict", "first": first, "last": first + 2, "series": {"output": predicted}},
                                {"function": "train_step", "first": first, "last": first + STEPS,
                                 "weights": {key: np.asarray(variable.value) for key, variable in weights.items()}}]})

    for on_rows in (False, True):
        case("batch_norm", layers.BatchNormalization(), on_rows)
        case("batch_norm(momentum = 0.75, epsilon = 0.125)", layers.BatchNormalization(momentum=0.75, epsilon=0.125), on_rows)
        case("layer_norm", layers.LayerNormalization(), on_rows)
        case("group_norm(2)", layers.GroupNormalization(2), on_rows)
        case("rms_norm", layers.RMSNormalization(), on_rows)
    case("batch_norm(center = false)", layers.BatchNormalization(center=False))
    case("batch_norm(scale = false)", layers.BatchNormalization(scale=False))
    case("layer_norm(center = false, scale = false, epsilon = 0.125)",
         layers.LayerNormalization(center=False, scale=False, epsilon=0.125))
    case("group_norm(4, epsilon = 0.125)", layers.GroupNormalization(4, epsilon=0.125))
    case("group_norm(1, center = false, scale = false)", layers.GroupNormalization(1, center=False, scale=False))
    case("unit_norm_layer", layers.UnitNormalization())
    return result
