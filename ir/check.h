// The checks every op goes through, whoever makes it: the builder, the text parser and the verifier use the same ones.
#pragma once

#include <span>
#include <vector>

#include "ir/graph.h"
#include "ir/op.h"

namespace netc {

// Puts in the defaults of absent attributes, then checks that exactly those of the definition are there, each of its
// kind and within its limits.
Result<void> complete_attributes(const OpDef &def, Attributes &attributes);

// Checks the number of operands and returns the types of the results. `attributes` must be complete; `body` is that of
// a `fused` op, else null. The error is a sentence for a user.
Result<std::vector<Type>> infer_types(const OpDef &def, std::span<const Type> operands, const Attributes &attributes,
                                      const Module *module, const Function *body);

}  // namespace netc
