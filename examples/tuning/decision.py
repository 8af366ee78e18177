#!/usr/bin/env python3
"""Draws what networks of activations.net say of each point of the plane, with the data on top: an SVG picture.

    ./decision.py PICTURE.svg PROGRAM RUN [PROGRAM RUN]...

Asks each `PROGRAM predict --run RUN` for a grid of points; the pictures stand side by side. Python's standard library only.
"""

import csv
import itertools
import json
import pathlib
import subprocess
import sys
import tempfile

CELLS = 52     # of the grid, along each side
REACH = 2.6    # a picture shows -REACH .. REACH
SIZE = 2 * REACH / CELLS
COLOURS = {"first": ("#d98a3d", "#9c4f00"), "second": ("#6a9fd4", "#134f8a")}  # of the ground, of the points


def answers(program, run):
    """The answers of the grid's points, row by row from the top."""
    places = [REACH * ((2 * i + 1) / CELLS - 1) for i in range(CELLS)]
    with tempfile.TemporaryDirectory() as folder:
        grid = pathlib.Path(folder) / "grid.csv"
        grid.write_text("x,y\n" + "".join(f"{x:.4f},{y:.4f}\n" for y in reversed(places) for x in places))
        done = subprocess.run([str(pathlib.Path(program).resolve()), "predict", str(grid), "--json", "--run", str(run)],
                              stdout=subprocess.PIPE, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def shade(best):
    """The colour of the likeliest class and how strong it is, in steps: 0 where both are as likely."""
    return COLOURS[best["class"]][0], round(4 * (2 * best["probability"] - 1)) / 4


def ground(program, run):
    """Neighbours in a row that look the same are one rectangle."""
    said = [shade(answer["output"][0]) for answer in answers(program, run)]
    for row in range(CELLS):
        column = 0
        for (colour, strength), cells in itertools.groupby(said[row * CELLS:(row + 1) * CELLS]):
            width = len(list(cells))
            if strength:
                yield (f'<rect x="{column * SIZE - REACH:.1f}" y="{row * SIZE - REACH:.1f}" width="{width * SIZE:.1f}" '
                       f'height="{SIZE:.1f}" fill="{colour}" fill-opacity="{strength}"/>')
            column += width


def points():
    """A path of dots for each class."""
    with open(pathlib.Path(__file__).parent / "../data/spirals/spirals.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    for arm, (_, colour) in COLOURS.items():
        dots = "".join(f'M{float(row["x"]):.2f} {-float(row["y"]):.2f}h0' for row in rows if row["arm"] == arm)
        yield f'<path d="{dots}" stroke="{colour}" stroke-width="0.09" stroke-linecap="round"/>'


def main():
    if len(sys.argv) < 4 or len(sys.argv) % 2:
        sys.exit(__doc__)
    networks = list(zip(sys.argv[2::2], sys.argv[3::2]))
    width = 2 * REACH * len(networks)
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{-REACH} {-REACH} {width:.1f} {2 * REACH}" '
             f'width="{240 * len(networks)}" height="240">',
             f'<rect x="{-REACH}" y="{-REACH}" width="{width:.1f}" height="{2 * REACH}" fill="#fff"/>']
    for i, (program, run) in enumerate(networks):
        lines += [f'<g transform="translate({2 * REACH * i:.1f})"><g shape-rendering="crispEdges">', *ground(program, run), "</g>",
                  *points(), "</g>"]
    pathlib.Path(sys.argv[1]).write_text("\n".join([*lines, "</svg>"]) + "\n")


if __name__ == "__main__":
    main()
