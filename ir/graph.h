// The graph IR: a module of weights and functions; a function is a list of ops in SSA form, in execution order.
//
// Everything is a plain value and can be copied. Passes build a new function from the old one (ir/builder.h) rather
// than editing in place. The text form (ir/text.h) is complete: print, parse, print is the identity.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ir/attribute.h"
#include "ir/type.h"

namespace netc {

struct OpDef;     // ir/op.h
struct Function;  // below

// Where an op comes from: the place in the user's `.net` file, down to the debug information of the generated code, and
// the step of the network, for measurements.
struct Location {
  std::shared_ptr<const std::string> file;  // null: no place known, and nothing of the below
  uint32_t line = 0;                        // from 1
  uint32_t column = 0;                      // from 1
  std::shared_ptr<const std::string> step;  // its path: "conv_bn_1.conv2d", "optimizer"; null: none
  bool backward = false;                    // computes a gradient
};

using ValueId = uint32_t;

// Zeros around the two spatial axes (1 and 2) of an image value [B, H, W, C] as stored: a convolution reads them
// instead of testing for the edge. All zero for every other value.
struct Halo {
  int64_t top = 0, bottom = 0, left = 0, right = 0;
  bool empty() const { return top == 0 && bottom == 0 && left == 0 && right == 0; }
  friend bool operator==(const Halo &, const Halo &) = default;
};

// Where a value lives once the memory plan has run. Offsets are bytes, multiples of 64.
enum class Space : uint8_t {
  none,     // not placed: before the plan, or a value that never exists in memory (inside a fused op, an alias)
  fixed,    // workspace part independent of the batch: address = fixed_base + offset
  batch,    // workspace part that grows with it:       address = batch_base + offset * B
  weights,  // the weight block:                        address = weights + offset
  input,    // argument number `offset` of the function
  output,   // result number `offset` of the function
};
struct Placement {
  Space space = Space::none;
  int64_t offset = 0;
  friend bool operator==(const Placement &, const Placement &) = default;
};

struct Value {
  Type type;
  std::string name;  // unique in its function: printed as %name; a number when nobody named it
  Halo halo;
  Placement placement;
};

struct Op {
  const OpDef *def = nullptr;
  std::vector<ValueId> operands;
  std::vector<ValueId> results;
  Attributes attributes;                 // every attribute of the definition is present, defaults filled in
  std::shared_ptr<const Function> body;  // `fused` only: its arguments are the operands, its results the results
  Location location;

  template <typename T>
  const T &get(std::string_view name) const {
    return std::get<T>(attributes.find(name)->second);
  }
};

enum class Mode : uint8_t { training, inference };

struct Function {
  std::string name;
  Mode mode = Mode::inference;
  std::vector<Value> values;  // indexed by ValueId
  std::vector<ValueId> arguments;
  std::vector<Op> ops;
  std::vector<ValueId> results;
  std::vector<std::string> result_names;  // one for each result: "loss", "accuracy", "probabilities"
  // Bytes of workspace after the memory plan: fixed_bytes + batch_bytes * B.
  int64_t fixed_bytes = 0;
  int64_t batch_bytes = 0;

  const Value &value(ValueId id) const { return values[id]; }
  const Type &type(ValueId id) const { return values[id].type; }
};

// Names of values the runtime may look at while a function runs (docs/metadata.md, "observed"): the output of a step of
// the network, the gradient of a weight, and where that has no place of its own, what comes of the data's loss alone.
inline constexpr const char *kStepName = "step.";
inline constexpr const char *kGradientName = "gradient.";
inline constexpr const char *kDataGradientName = "data_gradient.";

// A tensor that outlives a call: kernel, bias, moving mean, optimizer state.
struct Weight {
  std::string name;  // "conv2d.kernel", "adam.m.conv2d.kernel"
  Type type;         // static shape
  bool trainable = true;
  int64_t offset = 0;  // bytes in the weight block, a multiple of 64; set by the memory plan
  Location location;
};

// What activations are stored and contractions are computed in. bf16: f32 weights, sums and statistics all the same.
enum class Precision : uint8_t { f32, bf16 };

struct Module {
  std::string name;
  Precision precision = Precision::f32;
  std::vector<Weight> weights;
  std::vector<Function> functions;
  int64_t weight_bytes = 0;  // set by the memory plan

  const Weight *find_weight(std::string_view name) const;
  const Function *find_function(std::string_view name) const;
  Function *find_function(std::string_view name);
};

}  // namespace netc
