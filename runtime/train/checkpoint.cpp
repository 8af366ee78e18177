#include "runtime/train/checkpoint.h"

#include <cstring>
#include <set>

#include "runtime/data/array.h"
#include "runtime/io/json.h"
#include "runtime/train/settings.h"

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

namespace {

// "adam.m.dense.kernel" beside "dense.kernel".
bool is_optimizer_state(const Safetensors &file, const std::string &name) {
  for (size_t dot = name.find('.'); dot != std::string::npos; dot = name.find('.', dot + 1)) {
    if (file.tensors.contains(name.substr(dot + 1))) return true;
  }
  return false;
}

}  // namespace

Loaded load_weights(Program &program, const Safetensors &file, bool with_optimizer) {
  Loaded loaded;
  std::set<std::string> known;
  for (const Weight &weight : program.weights()) {
    known.insert(weight.name);
    if (weight.role == Role::optimizer && !with_optimizer) continue;
    auto found = file.tensors.find(weight.name);
    if (found == file.tensors.end()) {
      loaded.missing.push_back(weight.name);
      continue;
    }
    const TensorEntry &tensor = found->second;
    std::string dtype = safetensors_dtype(weight.dtype);
    if (tensor.shape != weight.shape || tensor.dtype != dtype) {
      loaded.different.push_back(weight.name + " is " + shape_text(tensor.dtype, tensor.shape) + " there, " +
                                 shape_text(dtype, weight.shape) + " here");
      continue;
    }
    program.set_weight(weight, tensor.bytes);
    ++loaded.weights;
  }
  for (const auto &[name, tensor] : file.tensors) {
    if (!known.contains(name) && !is_optimizer_state(file, name)) loaded.unused.push_back(name);
  }
  return loaded;
}

Result<void> load_all_weights(Program &program, const Safetensors &file, const std::string &path, bool with_optimizer) {
  Loaded loaded = load_weights(program, file, with_optimizer);
  if (!loaded.different.empty()) {
    return fail(path + ": " + loaded.different.front(),
                "the weights are those of another network, or of other values of its parameters");
  }
  if (loaded.missing.empty()) return {};
  return fail(
      path + " has no " + loaded.missing.front() +
          (loaded.missing.size() > 1 ? " and " + std::to_string(loaded.missing.size() - 1) + " more weights" : ""),
      "the weights are those of another network");
}

namespace {

// A JSON entry of the table of strings; none when it is not there.
Result<std::optional<json>> stored_json(const Safetensors &file, const std::string &key) {
  auto found = file.metadata.find(key);
  if (found == file.metadata.end()) return std::nullopt;
  json value = parse_json(found->second);
  if (!value.is_object()) return fail(key + " is no JSON object", "the file is damaged: use another checkpoint");
  return std::optional(std::move(value));
}

Result<std::optional<Stored>> read_stored(const Safetensors &file, const Program &program) {
  auto config = stored_json(file, "netc.config");
  if (!config) return tl::unexpected(config.error());
  auto preparation = stored_json(file, "netc.preparation");
  if (!preparation) return tl::unexpected(preparation.error());
  auto state = stored_json(file, "netc.state");
  if (!state) return tl::unexpected(state.error());
  if (!*config || !*preparation) return std::nullopt;
  if (auto sound = check_stored_configuration(**config, program); !sound) return tl::unexpected(sound.error());
  auto parsed = preparation_from_json(**preparation);
  if (!parsed) return tl::unexpected(parsed.error());
  return std::optional(Stored{std::move(**config), std::move(*parsed), std::move(*state)});
}

}  // namespace

Result<Stored> stored_in(const Safetensors &file, const std::string &path, const Program &program) {
  auto stored = read_stored(file, program);
  if (!stored) return fail(path + ": " + stored.error().message, stored.error().help);
  if (!*stored)
    return fail(path + " is no checkpoint of a netc program", "its weights alone can be taken: train --from " + path);
  return std::move(**stored);
}

}  // namespace netc::runtime
