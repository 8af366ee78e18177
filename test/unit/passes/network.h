// A small convolutional network as the frontend would write it, for tests of whole training steps.
#pragma once

#include "ir/graph.h"

namespace netc {

// Twice (convolution, batch norm, relu, max pooling), dropout, dense, cross-entropy; @train_step with Adam, @predict.
Module convolutional_network();

}  // namespace netc
