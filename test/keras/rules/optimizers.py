"""50 steps of every optimizer with each of its switches, from one start and with the same batches."""

import inspect

import jax
import keras
import numpy as np

from rules.support import experiment, net_call, numbers

CLASSES = {"sgd": "SGD", "rmsprop": "RMSprop", "adam": "Adam", "adamw": "AdamW", "adamax": "Adamax", "nadam": "Nadam",
           "adagrad": "Adagrad", "adadelta": "Adadelta", "lion": "Lion", "lamb": "Lamb", "ftrl": "Ftrl",
           "adafactor": "Adafactor", "muon": "Muon"}

# No tanh: that of the backend has errors of 1e-7 in f64. Kernels of rank 4 and 2, wide and tall, and biases.
NETWORK = ("(x: f32[4, 4, 1]) -> f32[2] { x -> conv2d(2, 2, strides = 2, activation = sigmoid) -> flatten "
           "-> dense(3, activation = sigmoid) -> dense(4, activation = sigmoid) -> dense(2) }")
WEIGHTS = {"conv2d.kernel": (2, 2, 1, 2), "conv2d.bias": (2,), "dense.kernel": (8, 3), "dense.bias": (3,),
           "dense_1.kernel": (3, 4), "dense_1.bias": (4,), "dense_2.kernel": (4, 2), "dense_2.bias": (2,)}
WORDS_NETWORK = "(words: i32[3]) -> f32[2] { words -> embedding(6, 4) -> flatten -> dense(2) as last }"
WORDS_WEIGHTS = {"embedding.embeddings": (6, 4), "last.kernel": (12, 2), "last.bias": (2,)}

BATCHES = [{"x": numbers((4, 4, 4, 1), seed), "words": np.random.default_rng(seed).integers(0, 6, (4, 3)),
            "target": numbers((4, 2), seed + 100)} for seed in range(10)]
START = {name: numbers(shape, 200 + i, 0.5) for i, (name, shape) in enumerate((WEIGHTS | WORDS_WEIGHTS).items())}
CHECKED = (1, 50)  # after how many steps
# Keras keeps beta_2_decay of adafactor and the square root of the size in muon in f32 even in f64.
EXACT = {"adafactor": 3e-7, "muon": 3e-7}


def image_model():
    layers = keras.layers
    return keras.Sequential([
        keras.Input((4, 4, 1)),
        layers.Conv2D(2, 2, strides=2, activation="sigmoid", name="conv2d"),
        layers.Flatten(),
        layers.Dense(3, activation="sigmoid", name="dense"),
        layers.Dense(4, activation="sigmoid", name="dense_1"),
        layers.Dense(2, name="dense_2"),
    ])


def words_model():
    layers = keras.layers
    return keras.Sequential([keras.Input((3,), dtype="int32"), layers.Embedding(6, 4, name="embedding"),
                             layers.Flatten(), layers.Dense(2, name="last")])


def gradients(model, argument):
    """The gradient of the mean squared error by the weights, at a batch."""

    def loss(variables, x, target):
        prediction, _ = model.stateless_call(variables, [], x)
        return keras.ops.mean(keras.losses.mean_squared_error(target, prediction))

    gradient = jax.jit(jax.grad(loss))

    def at(weights, batch):
        x = batch[argument].astype("int32" if argument == "words" else keras.config.floatx())
        target = batch["target"].astype(keras.config.floatx())
        return gradient(weights, x, target)

    return at


def made(name, arguments):
    """The optimizer. Its learning rate is given as a function, since Keras keeps a number in f32 whatever floatx is."""
    kind = getattr(keras.optimizers, CLASSES[name])
    rate = arguments.get("learning_rate", inspect.signature(kind).parameters["learning_rate"].default)
    return kind(**arguments | {"learning_rate": lambda: keras.ops.convert_to_tensor(rate, keras.config.floatx())})


def trained(model, shapes, gradient, optimizer):
    for variable, name in zip(model.trainable_variables, shapes, strict=True):
        variable.assign(START[name])
    optimizer.build(model.trainable_variables)
    weights = [variable.value for variable in model.trainable_variables]
    state = [variable.value for variable in optimizer.variables]
    update = jax.jit(optimizer.stateless_apply)
    runs, first = [], 0
    for last in CHECKED:
        for step in range(first, last):
            weights, state = update(state, gradient(weights, BATCHES[step % len(BATCHES)]), weights)
        runs.append({"function": "train_step", "first": first, "last": last, "weights": dict(zip(shapes, weights))})
        first = last
    return runs


def cases():
    image, words = image_model(), words_model()
    image_gradient, words_gradient = gradients(image, "x"), gradients(words, "words")
    result = []

    def case(name, on_words=False, **arguments):
        model, shapes, gradient, network = ((words, WORDS_WEIGHTS, words_gradient, WORDS_NETWORK) if on_words else
                                            (image, WEIGHTS, image_gradient, NETWORK))
        call = net_call(name, arguments)
        result.append({"name": call + (" of words" if on_words else ""), "exact": EXACT.get(name, 1e-9),
                       "net": experiment(network, f"loss = mse optimizer = {call}"),
                       "runs": trained(model, shapes, gradient, made(name, arguments))})

    for name in CLASSES:
        case(name)
        case(name, learning_rate=0.02, weight_decay=0.1)
    case("sgd", learning_rate=0.05, momentum=0.9)
    case("sgd", learning_rate=0.05, momentum=0.9, nesterov=True)
    case("sgd", learning_rate=0.1, clipnorm=0.1)
    case("sgd", learning_rate=0.1, global_clipnorm=0.1)
    case("sgd", learning_rate=0.1, clipvalue=0.05)
    case("rmsprop", learning_rate=0.01, rho=0.8, epsilon=1e-4)
    case("rmsprop", learning_rate=0.01, momentum=0.9)
    case("rmsprop", learning_rate=0.01, centered=True)
    case("rmsprop", learning_rate=0.01, centered=True, momentum=0.5, clipnorm=0.5)
    case("adam", learning_rate=0.05, beta_1=0.8, beta_2=0.9, epsilon=1e-3)
    case("adam", learning_rate=0.05, amsgrad=True, beta_2=0.9)
    case("adam", learning_rate=0.05, clipnorm=0.1)
    case("adam", learning_rate=0.05, global_clipnorm=0.1)
    case("adam", learning_rate=0.05, clipvalue=0.05)
    case("adamw", learning_rate=0.05, amsgrad=True, beta_2=0.9)
    case("adamax", learning_rate=0.05, beta_1=0.8, beta_2=0.9)
    case("nadam", learning_rate=0.05, beta_1=0.8, beta_2=0.9)
    case("adagrad", learning_rate=0.05, initial_accumulator_value=0.0)
    case("adadelta", learning_rate=1.0, rho=0.8)
    case("lion", learning_rate=0.01, beta_1=0.8, beta_2=0.9)
    case("lamb", learning_rate=0.02, beta_1=0.8, beta_2=0.9)
    case("ftrl", learning_rate=0.05, l1_regularization_strength=0.02)
    case("ftrl", learning_rate=0.05, l2_regularization_strength=0.1, beta=0.5)
    case("ftrl", learning_rate=0.05, l2_shrinkage_regularization_strength=0.1)
    case("ftrl", learning_rate=0.05, learning_rate_power=-0.8, initial_accumulator_value=0.5)
    case("ftrl", learning_rate=0.05, learning_rate_power=0.0)
    case("adafactor", learning_rate=0.5)
    case("adafactor", learning_rate=0.05, beta_2_decay=-0.5, epsilon_1=1e-4, epsilon_2=1.0, clip_threshold=0.5)
    case("muon", learning_rate=0.02, nesterov=False, momentum=0.8)
    case("muon", learning_rate=0.02, ns_steps=2, rms_rate=None, muon_a=3.0, muon_b=-4.0, muon_c=2.0)
    case("muon", learning_rate=0.02, adam_beta_1=0.8, adam_beta_2=0.9, adam_weight_decay=0.1, adam_lr_ratio=0.5)
    case("muon", learning_rate=0.02, exclude_layers=["dense_2"])
    case("muon", on_words=True, learning_rate=0.02)
    case("muon", on_words=True, learning_rate=0.02, exclude_embeddings=False)
    return result
