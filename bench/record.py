"""Reads what `./model bench --record FILE` wrote: weights, inputs and results of netc, in the safetensors format."""
import json

import numpy as np

TYPES = {"F32": np.float32, "I32": np.int32}


class Record:
    """layers: a dictionary of arrays for each layer with weights, in the order of the network ("kernel", "bias", ...).
    inputs: arrays in the order of the function. results: the arrays by name of the first and of the second call."""

    def __init__(self, path):
        with open(path, "rb") as file:
            header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
            data = file.read()
        header.pop("__metadata__", None)
        layers, self.inputs, self.results = {}, [], ({}, {})
        for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
            begin, end = entry["data_offsets"]
            array = np.frombuffer(data[begin:end], TYPES[entry["dtype"]]).reshape(entry["shape"])
            group, rest = name.split(".", 1)
            if group == "weights":
                layer, weight = rest.rsplit(".", 1)
                layers.setdefault(layer, {})[weight] = array
            elif group == "inputs":
                self.inputs.append(array)
            else:
                call, result = rest.split(".", 1)
                self.results[int(call) - 1][result] = array
        self.layers = list(layers.values())
