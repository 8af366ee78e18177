"""One training step of the CNN of examples/fashion.net in PyTorch, as netc's peer.

Reads one line "go N" at a time from standard input, runs N steps and answers with the seconds they took, so that the caller can
interleave peers. Same network, batch, loss, optimizer and gradient clipping as the `.net` file; channels_last, the setting PyTorch
recommends for convolutions on a CPU.
"""
import argparse
import sys
import time

import torch
from torch import nn


def conv_bn(inputs, filters):
    return nn.Sequential(
        nn.Conv2d(inputs, filters, 3, padding="same", bias=False), nn.BatchNorm2d(filters, eps=1e-3, momentum=0.01), nn.ReLU())


def fashion_cnn(width=32):
    return nn.Sequential(
        conv_bn(1, width), conv_bn(width, width), nn.MaxPool2d(2),
        conv_bn(width, 2 * width), nn.MaxPool2d(2),
        nn.Flatten(), nn.Dropout(0.25), nn.Linear(2 * width * 49, 128), nn.ReLU(), nn.Dropout(0.25), nn.Linear(128, 10))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--compile", action="store_true", help="use torch.compile")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(42)
    model = fashion_cnn().to(memory_format=torch.channels_last)
    model.train()
    step_model = torch.compile(model) if arguments.compile else model
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, eps=1e-7)
    images = torch.rand(arguments.batch, 1, 28, 28).to(memory_format=torch.channels_last)
    labels = torch.randint(0, 10, (arguments.batch,))
    loss_function = nn.CrossEntropyLoss()

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss = loss_function(step_model(images), labels)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

    for _ in range(5):
        step()
    print("ready", torch.__version__, flush=True)
    for line in sys.stdin:
        count = int(line.split()[1])
        start = time.perf_counter()
        for _ in range(count):
            step()
        print((time.perf_counter() - start) / count, flush=True)


if __name__ == "__main__":
    main()
