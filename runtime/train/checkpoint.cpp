#include "runtime/train/checkpoint.h"

#include <cstring>
#include <set>

#include "runtime/data/array.h"
#include "runtime/io/json.h"

namespace netc::runtime {

using nlohmann::json;

Result<void> save_weights(const Program &program, const char *block, const std::string &path, bool with_optimizer,
                          const Strings &strings) {
  std::vector<TensorToWrite> tensors;
  for (const Weight &weight : program.weights()) {
    if (weight.role == Role::optimizer && !with_optimizer) continue;
    tensors.push_back({weight.name,
                       safetensors_dtype(weight.dtype),
                       weight.shape,
                       {block + weight.offset, static_cast<size_t>(weight.bytes)}});
  }
  return write_safetensors(path, tensors, strings);
}

Result<Loaded> load_weights(Program &program, const Safetensors &file, const std::string &path, bool with_optimizer) {
  Loaded loaded;
  std::set<std::string> used;
  std::vector<std::pair<const Weight *, std::string_view>> copies;
  for (const Weight &weight : program.weights()) {
    if (weight.role == Role::optimizer && !with_optimizer) {
      used.insert(weight.name);
      continue;
    }
    auto found = file.tensors.find(weight.name);
    if (found == file.tensors.end()) {
      loaded.missing.push_back(weight.name);
      continue;
    }
    const TensorEntry &tensor = found->second;
    if (tensor.shape != weight.shape || tensor.dtype != safetensors_dtype(weight.dtype)) {
      return fail(path + ": " + weight.name + " is " + shape_text(tensor.dtype, tensor.shape) + ", this program has " +
                      shape_text(safetensors_dtype(weight.dtype), weight.shape),
                  "the weights are those of another network, or of other values of its parameters");
    }
    copies.emplace_back(&weight, tensor.bytes);
    used.insert(weight.name);
  }
  for (const auto &[weight, bytes] : copies) program.set_weight(*weight, bytes);
  for (const auto &[name, tensor] : file.tensors) {
    if (!used.contains(name)) loaded.unused.push_back(name);
  }
  loaded.weights = static_cast<int64_t>(copies.size());
  return loaded;
}

Result<void> load_all_weights(Program &program, const Safetensors &file, const std::string &path, bool with_optimizer) {
  auto loaded = load_weights(program, file, path, with_optimizer);
  if (!loaded) return tl::unexpected(loaded.error());
  if (loaded->missing.empty()) return {};
  return fail(
      path + " has no " + loaded->missing.front() +
          (loaded->missing.size() > 1 ? " and " + std::to_string(loaded->missing.size() - 1) + " more weights" : ""),
      "the weights are those of another network");
}

Result<std::optional<json>> stored_json(const Safetensors &file, const std::string &key) {
  auto found = file.metadata.find(key);
  if (found == file.metadata.end()) return std::nullopt;
  json value = parse_json(found->second);
  if (!value.is_object()) return fail("the checkpoint's " + key + " is damaged");
  return std::optional(std::move(value));
}

Result<std::optional<Preparation>> stored_preparation(const Safetensors &file) {
  auto value = stored_json(file, "netc.preparation");
  if (!value) return tl::unexpected(value.error());
  if (!*value) return std::nullopt;
  auto preparation = preparation_from_json(**value);
  if (!preparation) return tl::unexpected(preparation.error());
  return std::optional(std::move(*preparation));
}

}  // namespace netc::runtime
