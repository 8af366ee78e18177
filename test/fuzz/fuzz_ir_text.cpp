// The parser, the verifier and the printer of the graph's text form, on any bytes: never a crash, and what parses
// prints to a text that parses to the same.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "ir/text.h"
#include "ir/verifier.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  using namespace netc;
  auto parse = [](std::string text) {
    SourceMap sources;
    Diagnostics diagnostics;
    return parse_module(sources, sources.add("fuzz", std::move(text)), diagnostics);
  };
  auto module = parse(std::string(reinterpret_cast<const char *>(data), size));
  if (!module) return 0;
  verify(*module);
  std::string printed = print(*module);
  auto again = parse(printed);
  if (!again || print(*again) != printed) std::abort();
  return 0;
}
