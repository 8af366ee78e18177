"""The networks of bench/suite as their peers see them.

The `.net` file is the definition; sizes come with its weights (record.py). Here stands only what weights do not tell: the order of the
layers and how they are joined. A network is a list of nodes, which every peer turns into layers of its own.
"""
from dataclasses import dataclass, field
from typing import Callable


@dataclass(frozen=True)
class Node:
    kind: str  # a method of Description
    sources: tuple  # places of the nodes it takes; -1 is the input of the network
    options: dict = field(default_factory=dict)

    @property
    def has_weights(self):
        return self.kind in ("dense", "conv", "depthwise", "conv_transpose", "batch_norm")


class Description:
    """Collects nodes. A value is the place of the node that makes it. Paddings are the same on all sides."""

    def __init__(self):
        self.nodes = []

    def _add(self, kind, *sources, **options):
        self.nodes.append(Node(kind, sources, options))
        return len(self.nodes) - 1

    def dense(self, x):
        return self._add("dense", x)

    def conv(self, x, padding=0, strides=1):
        return self._add("conv", x, padding=padding, strides=strides)

    def depthwise(self, x, padding=0, strides=1):
        return self._add("depthwise", x, padding=padding, strides=strides)

    def conv_transpose(self, x):
        """Kernel 4 x 4, strides 2, twice the size."""
        return self._add("conv_transpose", x)

    def batch_norm(self, x):
        return self._add("batch_norm", x)

    def relu(self, x):
        return self._add("relu", x)

    def sigmoid(self, x):
        return self._add("sigmoid", x)

    def add(self, x, y):
        return self._add("add", x, y)

    def max_pool(self, x):
        """Windows of 2 x 2."""
        return self._add("max_pool", x)

    def global_average_pool(self, x):
        return self._add("global_average_pool", x)

    def up_sample(self, x):
        """Every pixel twice in both directions."""
        return self._add("up_sample", x)

    def flatten(self, x):
        return self._add("flatten", x)

    def dropout(self, x):
        return self._add("dropout", x)


@dataclass(frozen=True)
class Optimizer:
    kind: str  # "adam": epsilon 1e-7, or "sgd": momentum 0.9
    clip: float = 0  # the greatest norm of all gradients together; 0: none


@dataclass(frozen=True)
class Network:
    describe: Callable
    about: str
    batches: tuple = (32,)  # of the training
    loss: str = "classes"  # softmax and cross entropy of classes, or "squares": mean squared error
    optimizer: Optimizer = Optimizer("adam")
    dropout: float = 0

    def nodes(self):
        description = Description()
        self.describe(description, -1)
        return description.nodes


def mlp(net, x):
    for _ in range(2):
        x = net.relu(net.dense(x))
    return net.dense(x)


def conv_bn_relu(net, x, padding=1, strides=1):
    return net.relu(net.batch_norm(net.conv(x, padding, strides)))


def fashion(net, x):
    x = conv_bn_relu(net, conv_bn_relu(net, x))
    x = net.max_pool(x)
    x = net.max_pool(conv_bn_relu(net, x))
    x = net.dropout(net.flatten(x))
    x = net.dropout(net.relu(net.dense(x)))
    return net.dense(x)


NETWORKS = {
    "mlp": Network(mlp, "dense 784-512-256-10", batches=(64, 128)),
    "fashion": Network(fashion, "3 convolutions 3x3 with batch norm on 28x28x1, 2 dense", batches=(64,), optimizer=Optimizer("adam", clip=1.0),
                       dropout=0.25),
}
