// Convolutions with so few filters that vectors along these would be all but empty: the last layer of an autoencoder or
// of a segmentation, with one channel or three.
#pragma once

#include <optional>

#include "codegen/contraction/convolution.h"

namespace netc::contraction {

// Nothing where vectors along the filters do as well, or the channels of the input do not fill vectors either.
std::optional<ContractionLowering> plan_few_filters(const Convolution &convolution, const ValueLayout &input,
                                                    const Target &target, bool constant_kernel);

}  // namespace netc::contraction
