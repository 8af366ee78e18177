// A sample as a person can look at it: a picture, named features, or a series of numbers.
#pragma once

#include <vector>

#include "runtime/data/dataset.h"
#include "runtime/io/json_text.h"

namespace netc::runtime {

// Puts the raw values of an input in place of the normalised ones that a batch holds.
void undo(const Normalisation &normalisation, std::vector<double> &values);

// The member "image" (a data URI), "features" (name, value, ...) or "series" of one input with these raw values.
// Pictures are scaled from low .. high to black .. white.
void write_sample(JsonText &out, const Field &input, const Schema &schema, const std::vector<double> &values,
                  double low, double high);

}  // namespace netc::runtime
