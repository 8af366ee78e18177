#!/usr/bin/env python3
"""Makes the data sets that are made up: spirals/spirals.csv and parts/parts.csv. The same bytes on every call.

    examples/data/make_data.py [FOLDER]

Made for this project and dedicated to the public domain (CC0 1.0). Python's standard library only.
"""

import math
import pathlib
import random
import sys


def spirals(chance):
    """Two arms of one turn and a half around each other; no straight line parts them. 240 points each."""
    for i in range(480):
        arm, along = i % 2, math.sqrt(chance.random())
        angle = 3 * math.pi * along + math.pi * arm
        x, y = (2.2 * along * f(angle) + 0.08 * chance.gauss(0, 1) for f in (math.cos, math.sin))
        yield f"{x:.3f}", f"{y:.3f}", ("first", "second")[arm]


def parts(chance):
    """2,000 parts off a machine, 4 % of them faulty: these vibrate more and run hotter, but not all of them and not only they."""
    for i in range(2000):
        faulty = i % 25 == 7
        vibration = chance.gauss(2.2, 0.7) if faulty else chance.gauss(1.0, 0.5)
        temperature = chance.gauss(66.0, 5.0) if faulty else chance.gauss(58.0, 4.0)
        yield f"{vibration:.3f}", f"{temperature:.2f}", ("good", "faulty")[faulty]


def write(path, header, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(",".join(row) for row in [header, *rows]) + "\n")


def main():
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).parent
    write(folder / "spirals/spirals.csv", ("x", "y", "arm"), spirals(random.Random(1)))
    write(folder / "parts/parts.csv", ("vibration", "temperature", "state"), parts(random.Random(2)))


if __name__ == "__main__":
    main()
