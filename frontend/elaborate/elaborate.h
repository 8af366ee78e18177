// Syntax trees -> Program: names, compile-time evaluation, checks, the graph and the metadata.
//
//   declarations  what the files declare: params, blocks, the network, sections (declarations.h)
//   interpreter   evaluates bodies, appending ops (interpreter.h)
//   functions     init, predict, evaluate, train_step, metrics, gradcheck (functions.h)
//   sections      data, train, tune, check as JSON (sections.h)
#pragma once

#include <memory>
#include <vector>

#include "frontend/frontend.h"

namespace netc::elaborate {

// `files` in the order of their imports, the file given to netc last. Returns nothing when there was an error.
std::optional<Program> elaborate(const std::vector<std::unique_ptr<ast::File>> &files, const FrontendOptions &options,
                                 SourceMap &sources, Diagnostics &diagnostics);

}  // namespace netc::elaborate
