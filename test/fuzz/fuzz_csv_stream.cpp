// A table streamed in small blocks is the same as read whole, or both are refused. The first byte chooses the options.
#include <algorithm>
#include <span>

#include "test/fuzz/reader_fuzzing.h"

using namespace netc::runtime;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0) return 0;
  unsigned options = data[0];
  MemoryFile file({reinterpret_cast<const char *>(data + 1), size - 1});
  nlohmann::json named = {{"target", options & 1 ? "c1" : "y"}};
  if (options & 1) named["header"] = false;
  if (options & 2) named["missing"] = options & 4 ? "mean" : "drop";
  if (options & 8) named["index"] = options & 1 ? "c0" : "x";
  if (options & 16) named["categorical"] = options & 1 ? "c0" : "x";
  if (options & 32) named["indicator"] = options & 1 ? "c0" : "x";
  nlohmann::json call = {{"call", "csv"}, {"args", {file.path()}}, {"named", named}};
  ReadRequest request;
  request.call = &call;
  request.targets_are_classes = options & 64;
  request.class_count = options & 64 ? 2 : 0;
  auto whole = nc_module_csv.read(request);
  check(whole);
  request.block_bytes = options & 128 ? 7 : 30;
  auto streamed = nc_module_stream_csv.open(request);
  if (whole.has_value() != streamed.has_value()) std::abort();
  if (!whole) return 0;
  if (whole->targets.values != streamed->targets.values || whole->has_missing != streamed->has_missing) std::abort();
  std::vector<float> values;
  for (int64_t block = 0; block < streamed->stream->blocks(); ++block) {
    auto part = streamed->stream->read(block);
    if (!part) std::abort();
    const auto &some = std::get<std::vector<float>>((*part)[0].values);
    values.insert(values.end(), some.begin(), some.end());
  }
  const auto &all = std::get<std::vector<float>>(whole->features.values);
  auto bytes_of = [](const std::vector<float> &list) { return std::as_bytes(std::span(list)); };
  if (!std::ranges::equal(bytes_of(all), bytes_of(values))) std::abort();
  return 0;
}
