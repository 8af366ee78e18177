#!/usr/bin/env python3
"""Checks what netc says about wrong files: each NAME.net here has beside it NAME.expected, the exact text.

    test/errors/run.py [--netc build/tools/netc] [--update] [NAME ...]

Fails when a text differs, when a wrong file is accepted, or when an expected text has no file. --update writes the texts
anew; read the difference before committing: every text was judged clear, well placed, and to say how to mend.
"""
import argparse
import difflib
import os
import pathlib
import shlex
import subprocess
import sys

FOLDER = pathlib.Path(__file__).resolve().parent
ROOT = FOLDER.parent.parent


def diagnostics(netc, path):
    """What netc prints for one file, and whether it was refused in an orderly way."""
    run = subprocess.run([*netc, "--emit=graph", path.name], cwd=FOLDER, capture_output=True, timeout=60, env={**os.environ, "NO_COLOR": "1"})
    return run.stderr.decode("utf-8", "replace"), run.returncode


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--netc", default=str(ROOT / "build" / "tools" / "netc"), help="the compiler")
    options.add_argument("--update", action="store_true", help="write the expected texts")
    options.add_argument("names", nargs="*", help="only these")
    options = options.parse_args()

    program = shlex.split(options.netc)
    program[0] = str(pathlib.Path(program[0]).resolve())
    chosen = {pathlib.Path(name).stem for name in options.names}
    files = sorted(path for path in FOLDER.glob("*.net") if not chosen or path.stem in chosen)
    failures = [f"{path.name}: there is no {path.stem}.net" for path in sorted(FOLDER.glob("*.expected"))
                if not path.with_suffix(".net").exists()]
    if not files:
        failures.append("no files")
    for path in files:
        text, code = diagnostics(program, path)
        if code <= 0 or "error: " not in text:
            failures.append(f"{path.name}: expected errors, got exit code {code}\n{text}")
            continue
        expected = path.with_suffix(".expected")
        if options.update:
            expected.write_text(text, encoding="utf-8")
            continue
        before = expected.read_text(encoding="utf-8") if expected.exists() else ""
        if before != text:
            difference = difflib.unified_diff(before.splitlines(True), text.splitlines(True), expected.name, "netc")
            failures.append("".join(difference))
    for failure in failures:
        print(failure)
    if failures:
        print(f"{len(failures)} of {len(files)} differ; after reading them: {sys.argv[0]} --update")
        return 1
    print(f"{len(files)} wrong files, {'written' if options.update else 'all as expected'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
