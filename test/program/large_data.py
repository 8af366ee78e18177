"""Generated pictures of any amount, and the network that learns them: for the tests of streaming.

`python3 large_data.py FOLDER MEGABYTES` writes them into an existing folder.
"""

import os
import pathlib
import sys

SIDE, CHANNELS, CLASSES = 64, 3, 10
PICTURE = SIDE * SIDE * CHANNELS

NETWORK = """
data pictures {
  train      = raw("pictures.bin", "labels.bin")
  validation = split(2%)
  normalize  = standardize
  stream     = true
  buffer     = BUFFER MB
}
network classifier(image: f32[64, 64, 3]) -> class[10] {
  image -> average_pool2d(8) -> flatten -> dense(32) -> relu -> dense(10)
}
train classifier on pictures {
  loss = sparse_categorical_crossentropy(from_logits = true)
  metrics = [accuracy]
  optimizer = adam(learning_rate = 3e-3)
  batch_size = 64
  epochs = EPOCHS
  seed = 5
}
"""


def write_network(path, buffer, epochs):
    path.write_text(NETWORK.replace("BUFFER", str(buffer)).replace("EPOCHS", str(epochs)))


def write_pictures(folder, megabytes):
    """Noise with a brighter band at the height of the class; sorted by class, as files often are. Every byte is written."""
    count = megabytes * 1_000_000 // PICTURE
    noise = os.urandom(1 << 24).translate(bytes(value // 2 for value in range(256)))
    band = bytes(value + 128 for value in noise[:6 * SIDE * CHANNELS])
    labels = bytearray()
    with open(folder / "pictures.bin", "wb", buffering=1 << 22) as file:
        for i in range(count):
            label = i * CLASSES // count
            begin = i * 7919 * 31 % (len(noise) - PICTURE)
            top = 6 * label * SIDE * CHANNELS
            file.write(noise[begin:begin + top])
            file.write(band)
            file.write(noise[begin + top + len(band):begin + PICTURE])
            labels.append(label)
    (folder / "labels.bin").write_bytes(labels)
    return count


if __name__ == "__main__":
    print(write_pictures(pathlib.Path(sys.argv[1]), int(sys.argv[2])), "pictures")
