// The first byte chooses the options, the rest is the file. Column names of the seeds: review, stars.
#include "test/fuzz/reader_fuzzing.h"

using namespace netc::runtime;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0) return 0;
  unsigned options = data[0];
  MemoryFile file({reinterpret_cast<const char *>(data + 1), size - 1});
  const char *outputs[] = {"int", "multi_hot", "count", "int"};
  nlohmann::json named = {{"max_tokens", 8}, {"output_mode", outputs[options & 3]}};
  if (options & 4) named["split"] = "character";
  if (options & 8) named["standardize"] = "lower";
  if (options & 16) named.update({{"text", "review"}, {"target", "stars"}});
  nlohmann::json call = {{"call", "text"}, {"args", {file.path()}}, {"named", named}};
  ReadRequest request;
  request.call = &call;
  request.inputs = {{"x", false, (options & 3) % 3 == 0 ? "i32" : "f32", {8}, 0}};
  request.targets_are_classes = options & 32;
  request.class_count = options & 32 ? 2 : 0;
  for (bool needs_targets : {true, false}) {
    request.needs_targets = needs_targets;
    auto result = nc_module_text.read(request);
    if (result) {
      std::vector<int64_t> rows(static_cast<size_t>(result->features.count / 2));
      Schema schema;
      result->vectorise(*result, rows, schema);
    }
    check(result);
  }
  return 0;
}
