// What the files of a program declare, collected before anything is evaluated.
#pragma once

#include <memory>
#include <vector>

#include "frontend/elaborate/interpreter.h"

namespace netc::elaborate {

struct Declarations {
  const ast::NetworkDecl *network = nullptr;
  const ast::Section *train = nullptr;  // null: a network to predict with only
  const ast::Section *data = nullptr;
  const ast::Section *tune = nullptr;
  const ast::Section *check = nullptr;
  Span network_span;
};

// Fills the names of the session (params with the values of `options.defines`, blocks, defaults) and finds the network
// and its sections. Reports duplicates, missing parts and unknown names.
Declarations declare(const std::vector<std::unique_ptr<ast::File>> &files, const FrontendOptions &options,
                     Session &session);

}  // namespace netc::elaborate
