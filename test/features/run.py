#!/usr/bin/env python3
"""Holds docs/features.md to the tree: every row names its pages and its tests, and both exist and speak of it.

A row is | topic | what | documented in | shown by |. Fails when a row has no page or no test, when a linked file or
heading is missing, when a linked test is not among those that are run, or when a name in backticks of "what" is found
in none of the row's pages or in none of its tests.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "features.md"
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
NAME = re.compile(r"`([^`]+)`")
TEXTS = {".cpp", ".h", ".py", ".net", ".md", ".json", ".expected", ".nir", ".csv", ".txt", ""}


def slug(heading):
    """The anchor of a heading, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def anchors(path):
    return {slug(line.lstrip("#")) for line in path.read_text().splitlines() if line.startswith("#")}


def text_of(path):
    files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
    return "\n".join(p.read_text(errors="replace") for p in files if p.suffix in TEXTS)


def is_run(path):
    """Unit tests and the folders of cases are found by CMake itself; scripts have to be named in a list."""
    relative = path.relative_to(ROOT)
    if relative.suffix != ".py":
        return True
    lists = [ROOT / "test" / "CMakeLists.txt", path.parent / "CMakeLists.txt"]
    words = set(re.findall(r"\w+", " ".join(file.read_text() for file in lists if file.exists())))
    return bool({path.stem, path.stem.removesuffix("_test")} & words)


def rows(text):
    for number, line in enumerate(text.splitlines(), 1):
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if line.startswith("|") and len(cells) == 4 and not set(cells[0]) <= set("-: ") and cells[0] != "topic":
            yield number, cells


def problems_of_row(cells):
    topic, what, documented, shown = cells
    pages, tests = [], []
    for cell, found, kind in ((documented, pages, "page"), (shown, tests, "test")):
        for link in LINK.findall(cell):
            file, _, anchor = link.partition("#")
            path = (PAGE.parent / file).resolve()
            if not path.exists():
                yield f"there is no {file}"
                continue
            if anchor and anchor not in anchors(path):
                yield f"{file} has no heading #{anchor}"
            if kind == "test" and not is_run(path):
                yield f"{file} is in no list of tests that are run"
            found.append(text_of(path))
        if not found:
            yield f"no {kind} is linked"
    for name in NAME.findall(what):
        word = re.compile(r"(?<![\w-])" + re.escape(name) + r"(?![\w-])")
        for texts, kind in ((pages, "pages"), (tests, "tests")):
            if texts and not any(word.search(text) for text in texts):
                yield f"none of its {kind} speaks of `{name}`"


def main():
    text = PAGE.read_text()
    problems = [
        f"docs/features.md:{number}: {cells[0]}: {problem}"
        for number, cells in rows(text)
        for problem in problems_of_row(cells)
    ]
    count = sum(1 for _ in rows(text))
    if count == 0:
        problems.append("docs/features.md: no rows were found")
    print("\n".join(problems) if problems else f"{count} rows, each with its pages and tests")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
