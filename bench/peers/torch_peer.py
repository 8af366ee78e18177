"""PyTorch, eager or with --variant compile; channels_last, fused optimizers, inference_mode."""
import torch
import torch._inductor.config
from torch import nn

from serve import Runner, serve
from torch_network import as_netc, as_torch, module


# netc and Keras correct the bias of the second moment before they add epsilon, PyTorch after: this is netc's 1e-7 in the first step.
ADAM_EPSILON = 1e-7 / (1 - 0.999) ** 0.5


def optimizer_of(network, parameters, learning_rate):
    if network.optimizer.kind == "adam":
        return torch.optim.Adam(parameters, lr=learning_rate, eps=ADAM_EPSILON, fused=True)
    return torch.optim.SGD(parameters, lr=learning_rate, momentum=0.9, fused=True)


class Training(Runner):
    def __init__(self, task):
        torch.set_num_threads(task.threads)
        self.settings = "channels_last, fused optimizer"
        model = module(task).train()
        self.parameters = list(model.parameters())
        self.optimizer = optimizer_of(task.network, self.parameters, task.learning_rate)
        self.clip = task.network.optimizer.clip
        self.model = torch.compile(model) if task.variant == "compile" else model
        self.images = as_torch(task.images)
        self.targets = as_torch(task.targets)
        self.loss = nn.MSELoss()
        if task.network.loss == "classes":
            self.loss = nn.CrossEntropyLoss()
            self.targets = self.targets.long()

    def set_learning_rate(self, rate):
        for group in self.optimizer.param_groups:
            group["lr"] = rate

    def step(self):
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.loss(self.model(self.images), self.targets)
        loss.backward()
        if self.clip:
            nn.utils.clip_grad_norm_(self.parameters, self.clip)
        self.optimizer.step()
        return loss

    def wait(self, result):
        return result.item()


class Prediction(Runner):
    def __init__(self, task):
        torch.set_num_threads(task.threads)
        self.settings = "channels_last, inference_mode"
        self.model = module(task, softmax=True).eval()
        if task.variant == "compile":
            torch._inductor.config.freezing = True
            self.settings += ", freezing"
            self.model = torch.compile(self.model)
        self.images = as_torch(task.images)

    def step(self):
        with torch.inference_mode():
            return self.model(self.images)

    def wait(self, result):
        return as_netc(result)


if __name__ == "__main__":
    serve(torch.__version__, Training, Prediction)
