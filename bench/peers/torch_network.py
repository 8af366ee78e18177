"""A network of bench/networks.py as a PyTorch module: straight code over standard layers, the way one writes it by hand."""
import torch
from torch import fx, nn
from torch.nn import functional


class FlattenImage(nn.Module):
    """netc's order of the elements: rows, columns, channels. A view when the memory format is channels_last."""

    def forward(self, x):
        return x.permute(0, 2, 3, 1).flatten(1)


class GlobalAveragePool(nn.Module):
    def forward(self, x):
        return x.mean((2, 3))


class Add(nn.Module):
    def forward(self, x, y):
        return x + y


def filled(module, **values):
    with torch.no_grad():
        for name, value in values.items():
            if value is not None:
                getattr(module, name).copy_(torch.from_numpy(value.copy()))
    return module


def convolution(kernel, bias, groups, options):
    """netc's kernels are [height, width, input channels, output channels]; those of a depthwise one have the two last exchanged for it."""
    height, width, _, outputs = kernel.shape
    module = nn.Conv2d(kernel.shape[2] * groups, outputs, (height, width), options["strides"], options["padding"], groups=groups,
                       bias=bias is not None)
    return filled(module, weight=kernel.transpose(3, 2, 0, 1), bias=bias)


def layer(node, weights, dropout):
    kind, kernel, bias = node.kind, weights.get("kernel"), weights.get("bias")
    if kind == "dense":
        return filled(nn.Linear(*kernel.shape, bias=bias is not None), weight=kernel.T, bias=bias)
    if kind == "conv":
        return convolution(kernel, bias, 1, node.options)
    if kind == "depthwise":
        return convolution(kernel.transpose(0, 1, 3, 2), bias, kernel.shape[2], node.options)
    if kind == "conv_transpose":
        outputs, inputs = kernel.shape[2:]
        module = nn.ConvTranspose2d(inputs, outputs, 4, 2, 1, bias=bias is not None)
        return filled(module, weight=kernel.transpose(3, 2, 0, 1), bias=bias)
    if kind == "batch_norm":
        module = nn.BatchNorm2d(len(weights["gamma"]), eps=1e-3, momentum=0.01)
        return filled(module, weight=weights["gamma"], bias=weights["beta"], running_mean=weights["moving_mean"],
                      running_var=weights["moving_variance"])
    return {"relu": nn.ReLU, "sigmoid": nn.Sigmoid, "add": Add, "max_pool": lambda: nn.MaxPool2d(2), "flatten": FlattenImage,
            "global_average_pool": GlobalAveragePool, "up_sample": lambda: nn.Upsample(scale_factor=2), "dropout": lambda: nn.Dropout(dropout)}[kind]()


def module(task, softmax=False):
    """The network with netc's weights; `softmax` appends what netc's predict appends to logits."""
    root, graph, values = nn.ModuleDict(), fx.Graph(), {}
    values[-1] = graph.placeholder("images")
    for place, (node, weights) in enumerate(task.layers()):
        name = f"{node.kind}_{place}"
        root[name] = layer(node, weights, task.dropout)
        values[place] = graph.call_module(name, tuple(values[source] for source in node.sources))
    result = values[len(task.nodes) - 1]
    if softmax and task.network.loss == "classes":
        result = graph.call_function(functional.softmax, (result,), {"dim": -1})
    graph.output(result)
    return fx.GraphModule(root, graph)


def as_torch(array, memory_format):
    """Images become [n, channels, height, width]; in the memory format channels_last that is no change in memory."""
    tensor = torch.from_numpy(array.copy())
    return tensor.permute(0, 3, 1, 2).contiguous(memory_format=memory_format) if tensor.ndim == 4 else tensor


def as_netc(tensor):
    return (tensor.permute(0, 2, 3, 1) if tensor.ndim == 4 else tensor).detach().numpy()
