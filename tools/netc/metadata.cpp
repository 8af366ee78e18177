#include "tools/netc/metadata.h"

#include <algorithm>
#include <map>
#include <set>

#include "ir/op.h"
#include "tools/netc/observed.h"

namespace netc {
namespace {

using nlohmann::json;

json type_json(std::string_view name, const Type &type) {
  json shape = json::array();
  for (Dim dim : type.shape) {
    if (dim.batch)
      shape.push_back(to_string(dim));
    else
      shape.push_back(dim.size);
  }
  return {{"name", name}, {"dtype", netc::name(type.dtype)}, {"shape", shape}};
}

// Whether a text below `value` ends in .gz.
bool names_gzip(const json &value) {
  if (value.is_string()) return value.get_ref<const std::string &>().ends_with(".gz");
  return value.is_structured() && std::any_of(value.begin(), value.end(), names_gzip);
}

// Every {"call": NAME, ...} below `value`.
void collect_calls(const json &value, std::set<std::string> &names) {
  if (value.is_object() && value.contains("call")) names.insert(value["call"].get<std::string>());
  if (value.is_structured())
    for (const json &part : value) collect_calls(part, names);
}

// The names of what a list holds, or of one item: {"call": NAME, ...} or {"name": NAME}.
void collect_names(const json &value, std::set<std::string> &names) {
  if (value.is_array())
    for (const json &item : value) collect_names(item, names);
  if (value.is_object()) names.insert(value.value("call", value.value("name", "")));
}

// `prepare` writes weights of its own only.
bool changes_weights(const Function &function) {
  return function.name != "prepare" &&
         std::any_of(function.ops.begin(), function.ops.end(), [](const Op &op) { return op.def->name == "write"; });
}

}  // namespace

void complete_metadata(json &metadata, const Module &planned) {
  for (json &weight : metadata["weights"])
    if (const Weight *found = planned.find_weight(weight["name"].get<std::string>())) weight["offset"] = found->offset;
  json functions = json::object();
  for (const Function &function : planned.functions) {
    json inputs = json::array(), outputs = json::array();
    for (ValueId id : function.arguments) inputs.push_back(type_json(function.value(id).name, function.type(id)));
    for (size_t i = 0; i < function.results.size(); ++i)
      outputs.push_back(type_json(function.result_names[i], function.type(function.results[i])));
    functions[function.name] = {
        {"inputs", inputs}, {"outputs", outputs}, {"changes_weights", changes_weights(function)}};
  }
  // What can be seen in both functions is looked at in `predict`.
  std::set<std::string> known;
  for (const char *name : {"predict", "train_step"}) {
    const Function *function = planned.find_function(name);
    if (!function) continue;
    json &observed = functions[name]["observed"] = observed_values(*function, known);
    for (const json &value : observed)
      if (value.contains("step")) known.insert(value["step"].get<std::string>());
  }
  metadata["functions"] = functions;
}

std::vector<std::string> needed_runtime_modules(const json &metadata) {
  static const std::map<std::string, std::string> readers = {
      {"csv", "csv"},       {"tsv", "csv"},       {"idx", "idx"},
      {"npy", "npy"},       {"npz", "npz"},       {"raw", "raw"},
      {"images", "images"}, {"text", "text"},     {"safetensors", "safetensors"},
      {"cifar", "cifar"},   {"cifar10", "cifar"}, {"cifar100", "cifar"}};
  static const std::set<std::string> streamed = {"cifar", "csv", "idx", "npy", "npz", "safetensors", "raw", "images"};
  std::set<std::string> calls, needed;
  if (metadata.contains("data")) collect_calls(metadata["data"], calls);
  bool streams =
      metadata.contains("data") && metadata["data"].is_object() && metadata["data"].value("stream", json()) == true;
  for (const std::string &call : calls)
    if (auto reader = readers.find(call); reader != readers.end()) {
      needed.insert("nc_module_" + reader->second);
      if (streams && streamed.contains(reader->second)) needed.insert("nc_module_stream_" + reader->second);
    }
  if (calls.contains("k_fold")) needed.insert("nc_module_k_fold");
  // augment = [flip(horizontal), rotate(10 deg)]
  static const std::set<std::string> augmentations = {"flip",  "translate",  "crop",     "rotate",     "zoom",
                                                      "shear", "brightness", "contrast", "saturation", "hue",
                                                      "noise", "erase",      "mixup",    "cutmix"};
  if (metadata.contains("data") && metadata["data"].is_object()) {
    std::set<std::string> steps;
    collect_names(metadata["data"].value("augment", json()), steps);
    for (const std::string &step : steps)
      if (augmentations.contains(step)) needed.insert("nc_module_augment_" + step);
  }
  // The files of MNIST and its kin come packed, whatever the `.net` file calls them.
  if (needed.contains("nc_module_idx") || (metadata.contains("data") && names_gzip(metadata["data"])))
    needed.insert("nc_module_gzip");
  // `predict` takes arrays for any network, and pictures for one that learns from pictures, any other takes rows of a
  // table. (The numbers of a table have ranges of their own: a picture's 0 .. 255 would be read wrongly.)
  const json &inputs = metadata["network"]["inputs"];
  bool pictures = inputs.size() == 1 && inputs[0]["shape"].size() == 3 && !needed.contains("nc_module_csv");
  needed.insert(pictures ? "nc_module_png" : "nc_module_csv");
  needed.insert("nc_module_npy");
  if (needed.contains("nc_module_images")) needed.insert({"nc_module_png", "nc_module_jpeg"});
  return {needed.begin(), needed.end()};
}

}  // namespace netc
