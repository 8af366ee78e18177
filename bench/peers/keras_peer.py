"""Keras on TensorFlow: a step is one tf.function, with or without XLA (jit_compile), whichever is faster here."""
import numpy as np
import tensorflow as tf

import keras
from keras import layers

from serve import Runner, fastest, serve


def layer(node, weights, dropout):
    kind, kernel = node.kind, weights.get("kernel")
    bias = "bias" in weights
    if kind == "dense":
        return layers.Dense(kernel.shape[1], use_bias=bias)
    if kind == "conv":
        return layers.Conv2D(kernel.shape[3], kernel.shape[:2], node.options["strides"], use_bias=bias)
    if kind == "depthwise":
        return layers.DepthwiseConv2D(kernel.shape[:2], node.options["strides"], use_bias=bias)
    if kind == "conv_transpose":
        return layers.Conv2DTranspose(kernel.shape[2], 4, 2, padding="same", use_bias=bias)
    return {"batch_norm": layers.BatchNormalization, "relu": layers.ReLU, "sigmoid": lambda: layers.Activation("sigmoid"), "add": layers.Add,
            "max_pool": layers.MaxPooling2D, "global_average_pool": layers.GlobalAveragePooling2D, "up_sample": layers.UpSampling2D,
            "flatten": layers.Flatten, "dropout": lambda: layers.Dropout(dropout)}[kind]()


def padded(x, node, kernel):
    """Strided convolutions are padded on all sides alike, which Keras has no setting for; otherwise this is its padding `same`."""
    side = node.options.get("padding", 0)
    return layers.ZeroPadding2D(side)(x) if side and node.options["strides"] > 1 else x


def network(task, softmax=False):
    inputs = keras.Input(task.images.shape[1:], batch_size=len(task.images))
    values = {-1: inputs}
    for place, (node, weights) in enumerate(task.layers()):
        sources = [values[source] for source in node.sources]
        made = layer(node, weights, task.dropout)
        if node.options.get("padding"):
            if node.options["strides"] == 1:
                made.padding = "same"
            sources = [padded(sources[0], node, weights)]
        values[place] = made(sources if len(sources) > 1 else sources[0])
        if weights:
            order = ("gamma", "beta", "moving_mean", "moving_variance", "kernel", "bias")
            made.set_weights([weights[name] for name in order if name in weights])
    outputs = values[len(task.nodes) - 1]
    if softmax and task.network.loss == "classes":
        outputs = layers.Softmax()(outputs)
    return keras.Model(inputs, outputs)


def limit_threads(count):
    """Only before TensorFlow's first work; later the same count is there already."""
    try:
        tf.config.threading.set_intra_op_parallelism_threads(count)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    except RuntimeError:
        pass


class Fastest:
    """A function compiled in both ways; choose() decides for the faster, calls before it use XLA."""

    def __init__(self, function):
        self.ways = {"jit_compile": tf.function(function, jit_compile=True), "no jit_compile": tf.function(function)}
        self.chosen = "jit_compile"

    def __call__(self, *arguments):
        return self.ways[self.chosen](*arguments)

    def choose(self, *arguments):
        self.chosen = fastest({name: lambda way=way: way(*arguments)[0].numpy() for name, way in self.ways.items()})


class Training(Runner):
    def __init__(self, task):
        limit_threads(task.threads)
        model, chosen = network(task), task.network.optimizer
        clip = {"global_clipnorm": chosen.clip} if chosen.clip else {}
        optimizer = keras.optimizers.Adam(task.learning_rate, **clip) if chosen.kind == "adam" else \
            keras.optimizers.SGD(task.learning_rate, momentum=0.9, **clip)
        optimizer.build(model.trainable_variables)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True) if task.network.loss == "classes" else keras.losses.MeanSquaredError()
        self.optimizer, self.model = optimizer, model
        self.arguments = tf.constant(task.images), tf.constant(task.targets)

        def step(images, targets):
            with tf.GradientTape() as tape:
                value = loss(targets, model(images, training=True))
            variables = model.trainable_variables
            optimizer.apply(tape.gradient(value, variables), variables)
            return (value,)

        self.function = Fastest(step)

    def set_learning_rate(self, rate):
        self.optimizer.learning_rate.assign(rate)

    def ready(self):
        self.function.choose(*self.arguments)

    @property
    def settings(self):
        return self.function.chosen

    def step(self):
        return self.function(*self.arguments)

    def wait(self, result):
        return result[0].numpy()


class Prediction(Runner):
    def __init__(self, task):
        limit_threads(task.threads)
        model = network(task, softmax=True)
        self.images = tf.constant(task.images)
        self.function = Fastest(lambda images: (model(images, training=False),))

    def ready(self):
        self.function.choose(self.images)

    @property
    def settings(self):
        return self.function.chosen

    def step(self):
        result = self.function(self.images)
        result[0].numpy()
        return result

    def wait(self, result):
        return np.asarray(result[0])


if __name__ == "__main__":
    serve(f"{keras.__version__} on TensorFlow {tf.__version__}", Training, Prediction)
