// The first two bytes choose type, order, offset and shape, the rest is the file of features and of targets.
#include "test/fuzz/reader_fuzzing.h"

using namespace netc::runtime;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 2) return 0;
  MemoryFile file({reinterpret_cast<const char *>(data + 2), size - 2});
  const char *types[] = {"u8", "i8", "i16", "u32", "i64", "u64", "f16", "bf16", "f32", "f64"};
  nlohmann::json named = {{"dtype", types[data[0] % 10]},
                          {"target_dtype", types[data[0] / 10 % 10]},
                          {"byte_order", data[0] / 100 % 2 ? "big" : "little"},
                          {"offset", data[1] & 15},
                          {"shape", {1 + (data[1] >> 4 & 3), 1}}};
  if (data[1] & 64) named["missing"] = data[1] & 128 ? "mean" : "drop";
  read_both_ways(nc_module_raw, {{"call", "raw"}, {"args", {file.path(), file.path()}}, {"named", named}}, 2);
  return 0;
}
