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
    checked_rate: float  # learning rate of the check: large enough to show in the second loss, small enough not to amplify rounding
    clip: float = 0  # the greatest norm of all gradients together; 0: none


ADAM = Optimizer("adam", 1e-4)
SGD = Optimizer("sgd", 3e-3)


@dataclass(frozen=True)
class Network:
    describe: Callable
    batches: tuple = (32,)  # of the training
    loss: str = "classes"  # softmax and cross entropy of classes, or "squares": mean squared error
    optimizer: Optimizer = ADAM
    dropout: float = 0

    def nodes(self):
        description = Description()
        self.describe(description, -1)
        return description.nodes


def mlp(net, x):
    for _ in range(2):
        x = net.relu(net.dense(x))
    return net.dense(x)


def conv_bn(net, x, padding=1, strides=1):
    return net.batch_norm(net.conv(x, padding, strides))


def fashion(net, x):
    for convolutions in (2, 1):
        for _ in range(convolutions):
            x = net.relu(conv_bn(net, x))
        x = net.max_pool(x)
    x = net.dropout(net.flatten(x))
    x = net.dropout(net.relu(net.dense(x)))
    return net.dense(x)


def vgg(net, x):
    for _ in range(3):
        for _ in range(2):
            x = net.relu(net.conv(x, padding=1))
        x = net.max_pool(x)
    x = net.relu(net.dense(net.flatten(x)))
    return net.dense(x)


def residual(net, x, strides, changed):
    """`changed`: the size or the number of channels is another afterwards."""
    main = conv_bn(net, net.relu(conv_bn(net, x, 1, strides)))
    skip = conv_bn(net, x, 0, strides) if changed else x
    return net.relu(net.add(main, skip))


def bottleneck_block(net, x, strides, changed):
    main = conv_bn(net, net.relu(conv_bn(net, net.relu(conv_bn(net, x, 0)), 1, strides)), 0)
    skip = conv_bn(net, x, 0, strides) if changed else x
    return net.relu(net.add(main, skip))


def residual_stages(net, x, block, stages, blocks, first_changed=False):
    for stage in range(stages):
        for i in range(blocks):
            strides = 2 if stage > 0 and i == 0 else 1
            x = block(net, x, strides, strides == 2 or (first_changed and stage == 0 and i == 0))
    return net.dense(net.global_average_pool(x))


def resnet20(net, x):
    return residual_stages(net, net.relu(conv_bn(net, x)), residual, 3, 3)


def resnet18(net, x):
    return residual_stages(net, net.max_pool(net.relu(conv_bn(net, x, 3, 2))), residual, 4, 2)


def bottleneck(net, x):
    return residual_stages(net, net.relu(conv_bn(net, x, 1, 2)), bottleneck_block, 2, 3, first_changed=True)


def mobilenet(net, x):
    x = net.relu(conv_bn(net, x, 1, 2))
    for strides in (1, 2, 1, 2, 1, 2):
        x = net.relu(net.batch_norm(net.depthwise(x, 1, strides)))
        x = net.relu(conv_bn(net, x, 0))
    return net.dense(net.global_average_pool(x))


def autoencoder(net, x):
    for _ in range(2):
        x = net.max_pool(net.relu(net.conv(x, 1)))
    x = net.up_sample(net.relu(net.conv(x, 1)))
    x = net.relu(net.conv_transpose(net.relu(net.conv(x, 1))))
    return net.sigmoid(net.conv(x, 1))


NETWORKS = {
    "mlp": Network(mlp, batches=(64, 128)),
    "tabular": Network(mlp, loss="squares"),
    "fashion": Network(fashion, batches=(64,), optimizer=Optimizer("adam", 1e-4, clip=1.0), dropout=0.25),
    "vgg": Network(vgg),
    "resnet20": Network(resnet20, batches=(64,), optimizer=SGD),
    "resnet18": Network(resnet18, optimizer=SGD),
    "mobilenet": Network(mobilenet),
    "bottleneck": Network(bottleneck, optimizer=SGD),
    "autoencoder": Network(autoencoder, loss="squares"),
}
BF16_NETWORKS = ("mlp", "fashion", "bottleneck")  # measured with precision = bf16 as well
