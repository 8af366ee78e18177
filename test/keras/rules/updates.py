"""What stands around an optimizer's rule: accumulated gradients, clipping, moving averages of weights, constraints, groups."""

import keras
import numpy as np

from rules.optimizers import BATCHES, CHECKED, NETWORK, WEIGHTS, gradients, image_model, made
from rules.optimizers import START as ALL_STARTS
from rules.support import experiment, net_call

START = {name: ALL_STARTS[name] for name in WEIGHTS}

CONSTRAINED = NETWORK.replace("dense(3, ", "dense(3, kernel_constraint = non_neg, ")


def trained(model, gradient, parts):
    """`parts`: optimizers, each with the names of the weights it updates."""
    variables = dict(zip(WEIGHTS, model.trainable_variables, strict=True))
    for name, variable in variables.items():
        variable.assign(START[name])
    for optimizer, names in parts:
        optimizer.build([variables[name] for name in names])
    runs, first = [], 0
    for last in CHECKED:
        for step in range(first, last):
            weights = [variable.value for variable in model.trainable_variables]
            slopes = dict(zip(WEIGHTS, gradient(weights, BATCHES[step % len(BATCHES)]), strict=True))
            for optimizer, names in parts:
                optimizer.apply([slopes[name] for name in names], [variables[name] for name in names])
        values = {name: np.array(variable.value) for name, variable in variables.items()}
        for optimizer, names in parts:
            if optimizer.use_ema:
                averages = zip(names, optimizer._model_variables_moving_average, strict=True)
                values |= {f"ema.average.{name}": np.array(average.value) for name, average in averages}
        runs.append({"function": "train_step", "first": first, "last": last, "weights": values})
        first = last
    return runs


def cases():
    model, result = image_model(), []
    gradient, kernel = gradients(model, "x"), model.get_layer("dense").kernel

    def add(call, train, parts, network=NETWORK, exact=1e-9):
        kernel.constraint = keras.constraints.NonNeg() if network == CONSTRAINED else None
        result.append({"name": call, "exact": exact, "net": experiment(network, f"loss = mse {train}"),
                       "runs": trained(model, gradient, parts)})

    def case(name, network=NETWORK, **arguments):
        call = net_call(name, arguments)
        add(call + (" under a constraint" if network == CONSTRAINED else ""), f"optimizer = {call}",
            [(made(name, arguments), list(WEIGHTS))], network)

    case("sgd", learning_rate=0.1, gradient_accumulation_steps=3)
    case("sgd", learning_rate=0.1, momentum=0.9, clipnorm=0.1, gradient_accumulation_steps=2)
    case("adam", learning_rate=0.05, weight_decay=0.1, global_clipnorm=0.1, gradient_accumulation_steps=4)
    case("rmsprop", learning_rate=0.01, momentum=0.9, clipvalue=0.05, gradient_accumulation_steps=7)
    case("adam", learning_rate=0.05, use_ema=True)
    case("sgd", learning_rate=0.1, momentum=0.9, use_ema=True, ema_momentum=0.5, ema_overwrite_frequency=7)
    case("nadam", learning_rate=0.05, use_ema=True, ema_momentum=0.8, ema_overwrite_frequency=2,
         gradient_accumulation_steps=3)
    case("sgd", CONSTRAINED, learning_rate=0.2, use_ema=True, ema_momentum=0.8, ema_overwrite_frequency=5)
    case("sgd", CONSTRAINED, learning_rate=0.2, gradient_accumulation_steps=2)

    # Schedules count updates. Keras computes them in f32 whatever floatx is.
    schedule = keras.optimizers.schedules.CosineDecay(0.1, 20)
    add("cosine of accumulated gradients", "optimizer = sgd(learning_rate = cosine(0.1, decay_steps = 20), "
        "gradient_accumulation_steps = 2)",
        [(keras.optimizers.SGD(schedule, gradient_accumulation_steps=2), list(WEIGHTS))], exact=1e-7)

    # Groups: each is a Keras optimizer of its own.
    others = [name for name in WEIGHTS if not name.startswith("conv2d.") and not name.endswith(".bias")]
    biases = [name for name in WEIGHTS if not name.startswith("conv2d.") and name.endswith(".bias")]
    add("groups", "optimizer = adam(learning_rate = 0.05, weight_decay = 0.1) groups = [group(conv2d, "
        "learning_rate_multiplier = 0.1), group(\"*.bias\", weight_decay = none, beta_1 = 0.5)]",
        [(made("adam", {"learning_rate": 0.05, "weight_decay": 0.1}), others),
         (made("adam", {"learning_rate": 0.05, "beta_1": 0.5}), biases),
         (made("adam", {"learning_rate": 0.05 * 0.1, "weight_decay": 0.1}), ["conv2d.kernel"]),
         (made("adam", {"learning_rate": 0.05 * 0.1, "beta_1": 0.5}), ["conv2d.bias"])])
    return result
