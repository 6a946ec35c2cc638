# SPDX-License-Identifier: Apache-2.0
"""Throughput of PyTorch on the CPU, for a comparison with mpq (make bench-peers).

usage: peers.py train|infer MODEL.json BATCH THREADS IMAGES

Builds the network of a model file, with random weights and random images, and prints images a second: the best of some
rounds, and the better of the two memory layouts. A training step is forward, cross-entropy, backward and Adam.
"""
import json
import sys
import time

import torch
from torch import nn

ROUNDS = 3


def window(layer, channels):
    kernel = layer["kernel"]
    padding = "same" if layer.get("padding") == "same" else 0
    groups = channels if layer["op"] == "depthwise" else layer.get("groups", 1)
    return kernel, dict(stride=layer.get("stride", 1), padding=padding, groups=groups)


def build(model):
    """The model file's network; shapes as PyTorch finds them by running it on one image."""
    shape = model["input"] if isinstance(model["input"], list) else model["input"]["shape"]
    height, width, channels = shape
    values = torch.zeros(1, channels, height, width)
    layers = []
    for layer in model["layers"]:
        op, channels = layer["op"], values.shape[1]
        if op in ("conv", "depthwise"):
            kernel, options = window(layer, channels)
            made = [nn.Conv2d(channels, layer.get("channels", channels), kernel, **options)]
        elif op == "fc":
            made = [nn.Flatten(), nn.Linear(values.numel(), layer["outputs"])]
        elif op in ("maxpool", "avgpool"):
            made = [(nn.MaxPool2d if op == "maxpool" else nn.AvgPool2d)(layer["kernel"], layer.get("stride"))]
        elif op == "batchnorm":
            made = [nn.BatchNorm2d(channels)]
        elif op == "dropout":
            made = [nn.Dropout(layer["rate"])]
        elif op in ("relu", "flatten"):
            made = [nn.ReLU() if op == "relu" else nn.Flatten()]
        else:
            sys.exit(f"peers.py: {op}: no such layer here")
        for module in made:
            values = module(values)
        layers += made
    return nn.Sequential(*layers), shape


def seconds_of_training(network, images, labels, batch):
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    loss = nn.CrossEntropyLoss()
    order = torch.randperm(len(images))
    start = time.perf_counter()
    for first in range(0, len(images) - batch + 1, batch):
        chosen = order[first:first + batch]
        optimizer.zero_grad()
        loss(network(images[chosen]), labels[chosen]).backward()
        optimizer.step()
    return time.perf_counter() - start


def seconds_of_inference(network, images, batch):
    start = time.perf_counter()
    with torch.inference_mode():
        for first in range(0, len(images) - batch + 1, batch):
            network(images[first:first + batch])
    return time.perf_counter() - start


def main():
    what, path, batch, threads, count = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:6])
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    with open(path) as file:
        model = json.load(file)
    count -= count % batch
    best = float("inf")
    for layout in (torch.contiguous_format, torch.channels_last):
        network, (height, width, channels) = build(model)
        network = network.to(memory_format=layout).train(what == "train")
        images = torch.rand(count, channels, height, width).to(memory_format=layout)
        labels = torch.randint(model["classes"], (count,))
        for _ in range(ROUNDS):
            seconds = (seconds_of_training(network, images, labels, batch) if what == "train"
                       else seconds_of_inference(network, images, batch))
            best = min(best, seconds)
    print(f"{count / best:.0f}")


main()
