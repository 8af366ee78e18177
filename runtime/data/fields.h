// From what a reader gives to what the network declares: inputs and targets of the right types and shapes.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "runtime/data/dataset.h"

namespace netc::runtime {

// The declared inputs and outputs.
struct Interface {
  std::vector<Field> inputs, outputs;
};
Result<Interface> network_interface(const nlohmann::json &metadata);

// Tells a reader what the network has.
void describe(const Interface &interface, ReadRequest &request);

// The features as the inputs of the network. One input takes all of them, in its own shape when the number of elements
// is right (28 x 28 bytes fit f32[28, 28, 1] and f32[784]); several inputs take the columns of a table in turn.
Result<std::vector<Array>> input_arrays(const Interface &interface, RawData &data);
// The targets as arguments of the generated functions: i32 for a class, else f32 of the output's shape.
Result<std::vector<Array>> target_arrays(const Interface &interface, RawData &data);

// Fails when stored normalisations are not those of these inputs.
Result<void> check_normalisations(const std::vector<Normalisation> &list, const Interface &interface);
// How many statistics an input has: channels of pictures, features of a table, the last axis of anything else.
int64_t normalisation_groups(const RawData &data, const std::vector<int64_t> &raw_shape, const Array &input);
// The features of a table that stand for categories, in the order of the elements; empty when there are none.
std::vector<bool> category_elements(const Schema &schema);

}  // namespace netc::runtime
