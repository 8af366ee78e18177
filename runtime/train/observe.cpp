#include "runtime/train/observe.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>

namespace netc::runtime {
namespace {

using nlohmann::json;

Observed from_json(const Program &program, const json &place) {
  Observed value;
  value.gradient = place.contains("gradient");
  value.name = place[value.gradient ? "gradient" : "step"];
  value.op = place["op"];
  value.offset = place["offset"];
  const std::string space = place["space"];
  if (space == "batch") value.space = Observed::Space::batch;
  if (space == "output") value.space = Observed::Space::output;
  value.dtype = place.value("dtype", "f32");
  if (place.contains("halo")) value.halo = place["halo"];
  if (place.contains("shape")) value.shape = place["shape"].get<std::vector<int64_t>>();
  for (const Weight &weight : program.weights())
    if (value.gradient && weight.name == value.name) value.shape = weight.shape;
  return value;
}

const char *address(const Observed &value, const nc_context &context, std::span<void *const> outputs) {
  if (value.space == Observed::Space::fixed) return context.fixed + value.offset;
  if (value.space == Observed::Space::batch) return context.batch_space + value.offset * context.batch;
  return static_cast<const char *>(outputs[static_cast<size_t>(value.offset)]);
}

float number_at(const char *data, int64_t index, std::string_view dtype) {
  if (dtype == "bf16") {
    uint16_t bits;
    std::memcpy(&bits, data + 2 * index, sizeof bits);
    return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
  }
  if (dtype == "i32") return static_cast<float>(reinterpret_cast<const int32_t *>(data)[index]);
  return reinterpret_cast<const float *>(data)[index];
}

// The numbers without the halo.
std::vector<float> numbers_of(const Observed &value, const nc_context &context, std::span<void *const> outputs) {
  const char *data = address(value, context, outputs);
  bool image = value.shape.size() == 4;
  int64_t outer = value.gradient ? 1 : context.batch, height = 1, width = 1, row = 1;
  for (size_t axis = 0; axis < value.shape.size(); ++axis)
    (axis == 0 ? outer : image && axis == 1 ? height : image && axis == 2 ? width : row) *= value.shape[axis];
  const auto [top, bottom, left, right] = value.halo;
  int64_t stored_width = width + left + right, stored_height = height + top + bottom;
  std::vector<float> numbers;
  numbers.reserve(static_cast<size_t>(outer * height * width * row));
  for (int64_t n = 0; n < outer; ++n) {
    for (int64_t y = 0; y < height; ++y) {
      int64_t first = ((n * stored_height + y + top) * stored_width + left) * row;
      for (int64_t i = 0; i < width * row; ++i) numbers.push_back(number_at(data, first + i, value.dtype));
    }
  }
  return numbers;
}

}  // namespace

std::vector<Observed> observed_values(const Program &program, const Function &function) {
  const json &entry = program.metadata()["functions"][function.name];
  std::vector<Observed> values;
  if (!entry.contains("observed")) return values;
  for (const json &place : entry["observed"]) values.push_back(from_json(program, place));
  return values;
}

Result<void> observe(Program &program, const Function &function, std::span<const Observed> values,
                     std::span<const void *const> inputs, std::span<void *const> outputs, int64_t batch,
                     Buffer *weights, const Look &look) {
  size_t next = 0;
  auto show = [&](const nc_context &context, int64_t before) {
    for (; next < values.size() && values[next].op < before; ++next)
      look(values[next], numbers_of(values[next], context, outputs));
  };
  std::optional<nc_context> seen;  // of the last kernel: the workspace outlives the call
  ThreadPool::Watch watch = [&](const nc_context &context, const nc_kernel_entry &kernel) {
    if (function.name != kernel.function) return;  // `prepare`, run first
    seen = context;
    show(context, kernel.op);
  };
  std::optional<ThreadPool> alone;
  ThreadPool *own = program.pool();
  if (own == nullptr) program.set_pool(&alone.emplace(1));
  program.pool()->watch(&watch);
  auto done = weights ? program.call_on(*weights, function, inputs, outputs, batch)
                      : program.call(function, inputs, outputs, batch);
  program.pool()->watch(nullptr);
  program.set_pool(own);
  if (done && seen) show(*seen, INT64_MAX);
  return done;
}

}  // namespace netc::runtime
