"""What constraints make of weights: of a dense kernel with the units on its columns, of kernels of convolutions, of biases."""

import keras

from rules.support import experiment, numbers

START = {"dense.kernel": numbers((4, 3), 1), "dense.bias": numbers((3,), 2), "conv2d.kernel": numbers((2, 2, 3, 2), 3),
         "conv2d.bias": numbers((2,), 4), "depthwise_conv2d.kernel": numbers((2, 2, 3, 2), 5)}
BATCHES = [{"x": numbers((2, 4), 5), "image": numbers((2, 3, 3, 3), 6), "batch": 2}]


def cases():
    of = keras.constraints
    result = []

    def case(network, weight, constraint):
        value = constraint(keras.ops.convert_to_tensor(START[weight], keras.config.floatx()))
        result.append({"name": network, "net": experiment(network, "loss = mse optimizer = sgd(0.0)"),
                       "runs": [{"function": "train_step", "first": 0, "last": 1, "weights": {weight: value}}]})

    def everywhere(text, kind, *arguments, axes=True):
        def made(axis):
            return kind(*arguments, axis=axis) if axes else kind(*arguments)

        case(f"(x: f32[4]) -> f32[3] {{ x -> dense(3, kernel_constraint = {text}) }}", "dense.kernel", made(0))
        case(f"(x: f32[4]) -> f32[3] {{ x -> dense(3, bias_constraint = {text}) }}", "dense.bias", made(0))
        image = "(image: f32[3, 3, 3]) -> f32[2, 2, {}] {{ image -> {} }}"
        case(image.format(2, f"conv2d(2, 2, kernel_constraint = {text})"), "conv2d.kernel", made([0, 1, 2]))
        case(image.format(6, f"depthwise_conv2d(2, depth_multiplier = 2, depthwise_constraint = {text})"),
             "depthwise_conv2d.kernel", made([0, 1]))

    everywhere("max_norm", of.MaxNorm)
    everywhere("max_norm(0.75)", of.MaxNorm, 0.75)
    everywhere("non_neg", of.NonNeg, axes=False)
    everywhere("unit_norm", of.UnitNorm)
    everywhere("min_max_norm", of.MinMaxNorm)
    everywhere("min_max_norm(1.0, 1.5, rate = 0.5)", of.MinMaxNorm, 1.0, 1.5, 0.5)
    case("(x: f32[4]) -> f32[3] { x -> dense(3, kernel_constraint = max_norm(0.75, axis = 1)) }", "dense.kernel",
         of.MaxNorm(0.75, axis=1))
    return result
