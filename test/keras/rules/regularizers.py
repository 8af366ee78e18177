"""What regularisers of kernels, biases and activities add to the loss."""

import keras
import numpy as np

from rules.support import experiment, numbers

START = {"dense.kernel": numbers((4, 3), 1), "dense.bias": numbers((3,), 2), "conv2d.kernel": numbers((2, 2, 3, 2), 3),
         "conv2d.bias": numbers((2,), 4)}
BATCHES = [{"x": numbers((5, 4), 5), "image": numbers((5, 3, 3, 3), 6), "batch": 5}]


def tensor(value):
    return keras.ops.convert_to_tensor(value, keras.config.floatx())


def of_dense(place, regularizer):
    layer = keras.layers.Dense(3, **{place + "_regularizer": regularizer})
    layer.build((None, 4))
    layer.set_weights([START["dense.kernel"], START["dense.bias"]])
    layer(tensor(BATCHES[0]["x"]))
    return sum(layer.losses)


def of_convolution(place, regularizer):
    layer = keras.layers.Conv2D(2, 2, **{place + "_regularizer": regularizer})
    layer.build((None, 3, 3, 3))
    layer.set_weights([START["conv2d.kernel"], START["conv2d.bias"]])
    layer(tensor(BATCHES[0]["image"]))
    return sum(layer.losses)


def cases():
    of = keras.regularizers
    result = []

    def case(network, penalty):
        # train_step: an activity counts in training only, the others always.
        result.append({"name": network, "net": experiment(network, "loss = mse optimizer = sgd(0.0)"),
                       "runs": [{"function": "train_step", "first": 0, "last": 1,
                                 "results": {"penalty": np.asarray(penalty)}}]})

    for text, regularizer in {
            "l1": of.L1(), "l1(0.25)": of.L1(0.25), "l2": of.L2(), "l2(0.25)": of.L2(0.25), "l1_l2": of.L1L2(),
            "l1_l2(0.25, 0.125)": of.L1L2(0.25, 0.125), "orthogonal_regularizer": of.OrthogonalRegularizer(),
            'orthogonal_regularizer(0.25, mode = columns)': of.OrthogonalRegularizer(0.25, "columns")}.items():
        for place in ("kernel", "bias", "activity"):
            if "orthogonal" in text and (place == "bias" or place == "activity" and "columns" not in text):
                continue  # of no matrix; of the samples of a batch
            case(f"(x: f32[4]) -> f32[3] {{ x -> dense(3, {place}_regularizer = {text}) }}", of_dense(place, regularizer))
            if "orthogonal" not in text:
                case(f"(image: f32[3, 3, 3]) -> f32[2, 2, 2] {{ image -> conv2d(2, 2, {place}_regularizer = {text}) }}",
                     of_convolution(place, regularizer))
    layer = keras.layers.ActivityRegularization(0.25, 0.125)
    layer(tensor(BATCHES[0]["x"]))
    case("(x: f32[4]) -> f32[4] { x -> activity_regularization(0.25, 0.125) }", sum(layer.losses))
    return result
