"""PyTorch, eager in the fastest of several ways or with --variant compile; fused optimizers. In bf16 with autocast, at inference also
with weights in bf16."""
import copy
import functools

import torch
import torch._inductor.config
from torch import nn

from serve import Runner, fastest, serve
from torch_network import as_netc, as_torch, module


# netc and Keras correct the bias of the second moment before they add epsilon, PyTorch after: this is netc's 1e-7 in the first step.
ADAM_EPSILON = 1e-7 / (1 - 0.999) ** 0.5


def optimizer_of(network, parameters, learning_rate):
    if network.optimizer.kind == "adam":
        return torch.optim.Adam(parameters, lr=learning_rate, eps=ADAM_EPSILON, fused=True)
    return torch.optim.SGD(parameters, lr=learning_rate, momentum=0.9, fused=True)


def memory_formats(task):
    """In which the eager ways are tried; what is compiled chooses its own layouts."""
    both = task.images.ndim == 4 and task.variant != "compile"
    return {"channels_last": torch.channels_last, "contiguous": torch.contiguous_format} if both else {"channels_last": torch.channels_last}


def autocast(enabled=True):
    return torch.autocast("cpu", torch.bfloat16, enabled=enabled)


def in_autocast(model, images):
    with autocast():
        return model(images)


class TrainedModel:
    """One way to train: a model with its optimizer and data."""

    def __init__(self, task, memory_format):
        network, model = task.network, module(task).to(memory_format=memory_format).train()
        self.parameters = list(model.parameters())
        self.optimizer = optimizer_of(network, self.parameters, task.learning_rate)
        self.clip = network.optimizer.clip
        self.model = torch.compile(model) if task.variant == "compile" else model
        self.images = as_torch(task.images, memory_format)
        self.targets = as_torch(task.targets, memory_format)
        self.bf16 = task.bf16
        self.loss = nn.MSELoss()
        if network.loss == "classes":
            self.loss = nn.CrossEntropyLoss()
            self.targets = self.targets.long()

    def step(self):
        self.optimizer.zero_grad(set_to_none=True)
        with autocast(self.bf16):
            loss = self.loss(self.model(self.images), self.targets)
        loss.backward()
        if self.clip:
            nn.utils.clip_grad_norm_(self.parameters, self.clip)
        self.optimizer.step()
        return loss


class Training(Runner):
    def __init__(self, task):
        torch.set_num_threads(task.threads)
        self.precision = ", autocast" if task.bf16 else ""
        self.ways = {name: TrainedModel(task, memory_format) for name, memory_format in memory_formats(task).items()}
        self.choose("channels_last")

    def choose(self, name):
        self.settings = f"{name}, fused optimizer{self.precision}"
        self.step = self.ways[name].step

    def set_learning_rate(self, rate):
        for way in self.ways.values():
            for group in way.optimizer.param_groups:
                group["lr"] = rate

    def ready(self):
        self.choose(fastest({name: way.step for name, way in self.ways.items()}))
        self.ways.clear()

    def wait(self, result):
        return result.item()


class Prediction(Runner):
    def __init__(self, task):
        torch.set_num_threads(task.threads)
        self.ways = {}
        for name, memory_format in memory_formats(task).items():
            model, images = module(task, softmax=True).to(memory_format=memory_format).eval(), as_torch(task.images, memory_format)
            self.add_ways(task, name, model, images)
        self.settings = next(iter(self.ways))

    def add_ways(self, task, name, model, images):
        if task.bf16:
            self.ways[f"{name}, inference_mode, autocast"] = functools.partial(
                in_autocast, torch.compile(model) if task.variant == "compile" else model, images)
            model, name = copy.deepcopy(model).bfloat16(), f"{name}, weights in bf16"
            images = images.bfloat16()
        if task.variant == "compile":
            torch._inductor.config.freezing = True
            way = f"{name}, inference_mode, freezing" if task.bf16 else "inference_mode, freezing"
            self.ways[way] = functools.partial(torch.compile(model), images)
            return
        self.ways[f"{name}, inference_mode"] = functools.partial(model, images)
        with torch.inference_mode():
            traced = torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.trace(model, images)))
        self.ways[f"{name}, optimize_for_inference"] = functools.partial(traced, images)

    def ready(self):
        with torch.inference_mode():
            self.settings = fastest(self.ways)
        self.ways = {self.settings: self.ways[self.settings]}

    def step(self):
        with torch.inference_mode():
            return self.ways[self.settings]()

    def wait(self, result):
        return as_netc(result.float())


if __name__ == "__main__":
    serve(torch.__version__, Training, Prediction)
