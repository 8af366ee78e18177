"""What the layer Normalization makes of a table: for test/program/keras_test.py, whose program predicts the sum of each row."""

import keras
import numpy as np

from rules.support import numbers

START, BATCHES = {}, []
CENTRES, WIDTHS = [0, 1000, -3, 0.5], [1, 40, 0.125, 8]


def cases():
    rows, new = (numbers((count, 4), count) * WIDTHS + CENTRES for count in (30, 10))
    layer = keras.layers.Normalization()
    layer.adapt(rows)
    sums = keras.ops.sum(layer(keras.ops.convert_to_tensor(new, keras.config.floatx())), axis=-1)
    return [{"name": "standardize", "rows": rows, "new": new, "sums": np.asarray(sums), "runs": []}]
