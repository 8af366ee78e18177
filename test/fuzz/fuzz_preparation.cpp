// What was learnt from training data, as a checkpoint stores it, and a table to predict from: a line of JSON, then the
// file. Both are refused in an orderly way, or every sample is put into a batch.
#include "runtime/data/batches.h"
#include "runtime/data/load.h"
#include "runtime/io/json.h"
#include "test/fuzz/reader_fuzzing.h"

using namespace netc::runtime;
using nlohmann::json;

namespace {

json field(const char *name, const char *kind, const json &shape) {
  return {{"name", name},
          {"kind", kind},
          {"dtype", kind == std::string_view("class") ? "i32" : "f32"},
          {"shape", shape},
          {"classes", 3}};
}

json metadata_of(const json &inputs) {
  return {{"network", {{"inputs", inputs}, {"outputs", json::array({field("y", "class", json::array())})}}},
          {"data", {{"train", {{"call", "csv"}, {"args", {"t.csv"}}, {"named", {{"target", "t"}}}}}}}};
}

void read_all(const json &metadata, const Preparation &preparation, const std::string &path) {
  static const void *const records[] = {&nc_module_csv};
  static const Modules modules(records);
  auto samples = load_for_predict(metadata, modules, preparation, {path});
  if (!samples) {
    if (samples.error().message.empty()) std::abort();
    return;
  }
  Batches batches(samples->dataset, {.batch_size = 3});
  batches.start(0);
  for (;;) {
    auto batch = batches.next();
    if (!batch) std::abort();
    if (!*batch) return;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const std::string path = "/dev/shm/netc-fuzz-" + std::to_string(getpid()) + ".csv";
  std::string_view text(reinterpret_cast<const char *>(data), size);
  size_t end = std::min(text.find('\n'), text.size());
  auto preparation = preparation_from_json(parse_json(text.substr(0, end)));
  if (!preparation) {
    if (preparation.error().message.empty()) std::abort();
    return 0;
  }
  FILE *file = std::fopen(path.c_str(), "wb");
  if (!file) std::abort();
  std::string_view table = text.substr(std::min(end + 1, text.size()));
  std::fwrite(table.data(), 1, table.size(), file);
  std::fclose(file);
  static const json two = metadata_of(json::array({field("x", "tensor", {2})}));
  static const json apart = metadata_of(json::array({field("a", "tensor", {1}), field("b", "class", json::array())}));
  for (const json *metadata : {&two, &apart}) read_all(*metadata, *preparation, path);
  return 0;
}
