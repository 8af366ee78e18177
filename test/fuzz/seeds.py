"""Writes what the fuzzers start from: seeds.py FOLDER gives FOLDER/<fuzzer>/*.

Networks come from examples, test/errors and test/fuzz/seeds; graphs from test/fuzz/seeds_ir; what models have learnt
from test/fuzz/seeds_preparation; the files a reader is given from test/errors_data, the corpus of wrong data, whose form
test/unit/runtime/data_errors_test.cpp describes.
"""
import gzip
import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
# The fuzzers that take their options from a first byte: the bytes that make sense of most seeds.
OPTIONS = {"csv": [0x00, 0x09, 0x40], "csv_stream": [0x00, 0x2E, 0x51, 0xC0], "cifar": [0x00, 0x04, 0x09],
           "text": [0x20, 0x31, 0x2E]}


FUZZERS = ("csv", "csv_stream", "idx", "npy", "npz", "raw", "cifar", "gzip", "png", "jpeg", "safetensors", "tensors", "text")


def content_of(file):
    if isinstance(file, str):
        return file.encode()
    if "hex" in file:
        return bytes.fromhex(file["hex"]) + bytes(file.get("zeros", 0))
    return gzip.compress(file["gzip"].encode())[: file.get("keep")]


def reader_of(name, data):
    """The fuzzer that reads such a file whatever the reader of the test, if one does."""
    if data[:2] == b"\x1f\x8b":
        return "gzip"
    if name.endswith(".png"):
        return "png"
    if data[:2] == b"\xff\xd8":
        return "jpeg"
    if data[:2] == b"PK":
        return "npz"
    return "safetensors" if name.endswith(".safetensors") else None


def main(folder):
    def write(fuzzer, name, data):
        path = folder / f"fuzz_{fuzzer}"
        path.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)

    for source in ("examples", "test/errors", "test/fuzz/seeds"):
        for path in sorted((ROOT / source).glob("*.net")):
            write("parser", path.name, path.read_bytes())
    for fuzzer, folder_of_seeds in (("ir_text", "seeds_ir"), ("preparation", "seeds_preparation")):
        for path in sorted((ROOT / "test/fuzz" / folder_of_seeds).iterdir()):
            write(fuzzer, path.name, path.read_bytes())
    for path in sorted((ROOT / "test/errors_data").glob("*.json")):
        test = json.loads(path.read_text())
        for name, file in test.get("files", {}).items():
            data = content_of(file)
            kind = path.stem.split("_")[0]
            fuzzer = kind if kind == "tensors" else reader_of(name, data) or kind
            if fuzzer == "raw":
                data = bytes([8, 0]) + data
            for one in (fuzzer, "csv_stream") if fuzzer == "csv" else (fuzzer,):
                if one not in FUZZERS:
                    continue
                for option in OPTIONS.get(one, [None]):
                    prefix = b"" if option is None else bytes([option])
                    write(one, f"{path.stem}_{name}_{option or 0}".replace("/", "_"), prefix + data)


main(pathlib.Path(sys.argv[1]))
