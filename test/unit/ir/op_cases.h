// One list of ops at work, with shapes chosen to be awkward (odd channels, a batch of one, strides that do not divide,
// unequal padding): the tests of gradients, lowerings, decompositions and the text form all walk over it and know no op
// by name.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "ir/builder.h"
#include "ir/evaluator.h"

namespace netc::test {

struct CaseOperand {
  Type type;
  double low = -2, high = 2;   // the range of its numbers; integers for integer types
  bool differentiable = true;  // whether the gradient rule claims to serve it
};

struct OpCase {
  std::string op;
  std::vector<CaseOperand> operands;
  Attributes attributes;
  int64_t batch = 2;
};
std::ostream &operator<<(std::ostream &out, const OpCase &c);  // "conv2d(f64[B, 5, 5, 3], ...)"

std::vector<OpCase> op_cases();

// A function of one op: its operands are the arguments, its results the results.
Function function_of(const OpCase &c, Mode mode = Mode::training);
// Random numbers for the operands, the same ones at each call; no two numbers of a tensor are nearer than the step of
// finite differences, so that no maximum changes hands.
std::vector<Tensor> inputs_of(const OpCase &c);
Environment environment_of(const OpCase &c);

// The results of a function for given tensors; a failure fails the test.
std::vector<Tensor> run(const Function &function, const std::vector<Tensor> &inputs, Environment environment);

// A type from its text: type("f32[B, 3]").
Type type(std::string_view text);

}  // namespace netc::test
