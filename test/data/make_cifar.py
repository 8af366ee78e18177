#!/usr/bin/env python3
"""Writes a small synthetic data set in the binary format of CIFAR-10: FOLDER/train.bin and FOLDER/test.bin.

Each of the ten classes is a coloured rectangle, disc or stripe pattern on a noisy ground at a random place, so a small network
learns it within a few epochs. The same arguments give the same bytes.

    make_cifar.py FOLDER [--train N] [--test N] [--seed S]
"""
import argparse
import pathlib
import random

SIZE = 32
COLOURS = [(220, 40, 40), (40, 200, 60), (50, 80, 230), (230, 210, 40), (200, 60, 210)]


def is_inside(shape, y, x):
    """Shape 0: a disc of radius 8; shape 1: horizontal stripes in a square of side 18. Coordinates from the centre."""
    if shape == 0:
        return y * y + x * x <= 64
    return abs(y) <= 9 and abs(x) <= 9 and (y // 3) % 2 == 0


def picture(label, generator):
    """The 3072 bytes of one sample: the red, the green and the blue plane."""
    colour, shape = COLOURS[label % 5], label // 5
    centre_y, centre_x = generator.randint(10, 21), generator.randint(10, 21)
    planes = []
    for channel in range(3):
        for y in range(SIZE):
            for x in range(SIZE):
                value = colour[channel] if is_inside(shape, y - centre_y, x - centre_x) else 110
                planes.append(min(255, max(0, value + generator.randint(-30, 30))))
    return bytes(planes)


def write(path, count, seed):
    generator = random.Random(seed)
    with open(path, "wb") as file:
        for i in range(count):
            label = i % 10
            file.write(bytes([label]) + picture(label, generator))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--train", type=int, default=500)
    parser.add_argument("--test", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    write(arguments.folder / "train.bin", arguments.train, arguments.seed)
    write(arguments.folder / "test.bin", arguments.test, arguments.seed + 1)


if __name__ == "__main__":
    main()
