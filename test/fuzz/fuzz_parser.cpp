// Any bytes: the parser, the dumps and the rendering of diagnostics come back, without a crash, a leak or a hang.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "frontend/frontend.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  netc::SourceMap sources;
  netc::FileId file = sources.add("fuzz.net", std::string(reinterpret_cast<const char *>(data), size));
  netc::Diagnostics diagnostics;
  std::optional<netc::ast::File> tree = netc::parse_file(sources, file, diagnostics);
  // A tree if and only if there is no error; a file that is refused says why.
  if (tree.has_value() == diagnostics.has_errors()) std::abort();
  if (tree) netc::dump_ast(*tree);
  netc::dump_tokens(sources, file);
  netc::render_text(diagnostics, sources, true);
  netc::render_json(diagnostics, sources);
  return 0;
}
