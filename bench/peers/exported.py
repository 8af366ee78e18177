"""The network as an ONNX file, for the peers that only run networks: exported from PyTorch, with a fixed batch."""
import pathlib
import tempfile

import numpy as np
import torch

from torch_network import module


def inputs_of(task):
    """[n, channels, height, width], the order of ONNX."""
    images = task.images
    return np.ascontiguousarray(images.transpose(0, 3, 1, 2) if images.ndim == 4 else images)


def onnx_bytes(task):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "network.onnx"
        torch.onnx.export(module(task, softmax=True).eval(), (torch.from_numpy(inputs_of(task)),), str(path), input_names=["input"],
                          output_names=["output"], dynamo=False)
        return path.read_bytes()


def as_netc(outputs):
    return outputs.transpose(0, 2, 3, 1) if outputs.ndim == 4 else outputs
