// From the text of a `.net` file to a checked graph and the description of the program around it.
//
//   parse_file      text -> syntax tree        (grammar/, frontend/parser)
//   elaborate       syntax trees -> Program    (frontend/elaborate): names, types, compile-time evaluation, checks,
//   graph
//
// Both report every problem into Diagnostics and return nothing when there was an error.
#pragma once

#include <filesystem>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "frontend/ast.h"
#include "ir/graph.h"
#include "support/diagnostics.h"

namespace netc {

struct FrontendOptions {
  std::map<std::string, std::string> defines;  // -D name=value: the value of a `param`, as text
};

// What one `.net` file says. `metadata` is the JSON embedded in the program (docs/metadata.md).
struct Program {
  Module module;  // functions init, predict, evaluate, train_step, metrics, gradcheck
  std::shared_ptr<nlohmann::json> metadata;
};

// Never fails on any bytes but by diagnostics. Bounds: 16 MiB of text, nesting of 200.
std::optional<ast::File> parse_file(const SourceMap &sources, FileId file, Diagnostics &diagnostics);
// The tokens or the tree as text, for --emit=tokens and --emit=ast.
std::string dump_tokens(const SourceMap &sources, FileId file);
std::string dump_ast(const ast::File &file);

// The reference of the standard library in Markdown, made from the `##` comments of its blocks.
std::string layer_reference();

// Reads `path` and everything it imports into `sources`, for who needs no more than the text. False: not all could be
// read or parsed.
bool read_sources(const std::filesystem::path &path, SourceMap &sources, Diagnostics &diagnostics);

// Reads `path` and everything it imports into `sources`, then parses and elaborates. `sources` must outlive the
// diagnostics.
std::optional<Program> compile_file(const std::filesystem::path &path, const FrontendOptions &options,
                                    SourceMap &sources, Diagnostics &diagnostics);

}  // namespace netc
