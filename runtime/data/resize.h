// Pictures to another size, as tf.image.resize(method = "bilinear") and image_dataset_from_directory of Keras do it.
#pragma once

#include "runtime/data/array.h"

namespace netc::runtime {

// Bilinear: the value at (y + 1/2) * height / new_height - 1/2, edges repeated, rounded to the nearest byte. `picture`
// holds one picture u8 [height, width, channels].
Array resized(const Array &picture, int64_t height, int64_t width);

}  // namespace netc::runtime
