// Runs the body of the network in a function being built.
#pragma once

#include "frontend/elaborate/functions.h"

namespace netc::elaborate {

// A frame for what the compiler itself calls (losses, optimizers, initialisers), as if written at `span`.
Frame internal_frame(std::string path, Span span, Role role = Role::weight);

// The declared outputs; reports what is wrong with them.
std::vector<OutputInfo> declared_outputs(Interpreter &interpreter, const ast::NetworkDecl &network);
// The types of the inputs, with the batch in front.
std::vector<Type> declared_inputs(Interpreter &interpreter, const ast::NetworkDecl &network);

// Adds the inputs as arguments and evaluates the body; the outputs in order, each a tensor. Fills the types of
// `outputs`.
std::optional<std::vector<TensorValue>> run_network(Interpreter &interpreter, const ast::NetworkDecl &network,
                                                    const std::vector<Type> &inputs, std::vector<OutputInfo> &outputs);

}  // namespace netc::elaborate
