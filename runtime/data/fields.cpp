#include "runtime/data/fields.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "runtime/data/arguments.h"
#include "runtime/data/binary.h"

namespace netc::runtime {
namespace {

using nlohmann::json;

Result<Field> field_from_json(const json &object) {
  Field field;
  const auto wrong = [&] { return fail("the metadata of this program is broken: a field is " + object.dump()); };
  if (!object.is_object() || !object.contains("name") || !object["name"].is_string()) return wrong();
  field.name = object["name"].get<std::string>();
  field.is_class = text_of(object.value("kind", json())).value_or("") == "class";
  field.dtype = text_of(object.value("dtype", json())).value_or(field.is_class ? "i32" : "f32");
  for (const json &size : object.value("shape", json::array())) {
    if (!size.is_number_integer() || size.get<int64_t>() < 1) return wrong();
    field.shape.push_back(size.get<int64_t>());
  }
  if (field.is_class) {
    if (!object.contains("classes") || !object["classes"].is_number_integer()) return wrong();
    field.classes = object["classes"].get<int64_t>();
    // The metadata describes what the network gives, a number for each class; a sample's target is the number of its
    // class.
    field.dtype = "i32";
    field.shape.clear();
  }
  return field;
}

int64_t product(const std::vector<int64_t> &shape) {
  int64_t elements = 1;
  for (int64_t size : shape) elements *= size;
  return elements;
}

// Elements begin .. begin+width of each sample.
Array columns(const Array &array, int64_t begin, int64_t width) {
  Array part;
  part.count = array.count;
  part.shape = {width};
  std::visit(
      [&](const auto &values) {
        std::decay_t<decltype(values)> taken;
        taken.reserve(static_cast<size_t>(array.count * width));
        int64_t stride = array.elements();
        for (int64_t row = 0; row < array.count; ++row)
          taken.insert(taken.end(), values.begin() + row * stride + begin,
                       values.begin() + row * stride + begin + width);
        part.values = std::move(taken);
      },
      array.values);
  return part;
}

Result<Array> whole_numbers(const std::string &what, Array array) {
  if (std::holds_alternative<std::vector<int32_t>>(array.values)) return array;
  std::vector<int32_t> whole;
  if (const auto *bytes = std::get_if<std::vector<uint8_t>>(&array.values)) {
    whole.assign(bytes->begin(), bytes->end());
  } else {
    const auto &reals = std::get<std::vector<float>>(array.values);
    int64_t width = array.elements();
    for (size_t i = 0; i < reals.size(); ++i) {
      float value = reals[i];
      if (!(std::fabs(value) <= 16777216.0f) || value != std::floor(value))
        return fail(what + ": sample " + std::to_string(static_cast<int64_t>(i) / width) + ": " +
                    std::to_string(value) + " is not a whole number");
      whole.push_back(static_cast<int32_t>(value));
    }
  }
  array.values = std::move(whole);
  return array;
}

// `what` names file and field.
Result<Array> as_field(const std::string &what, Array array, const Field &field) {
  if (field.is_class) return as_classes(what, std::move(array), field.classes);
  array.shape = field.shape;
  if (field.dtype == "i32") return whole_numbers(what, std::move(array));
  if (field.dtype != "f32") return fail(what + ": data for " + field.dtype + " is not supported, expected f32 or i32");
  if (std::holds_alternative<std::vector<int32_t>>(array.values)) return as_reals(std::move(array));
  return array;
}

std::string declared(const Field &field) {
  return field.is_class ? "class[" + std::to_string(field.classes) + "]" : shape_text(field.dtype, field.shape);
}

// One array for each field: all of `array` for a single field, columns in turn for several.
Result<std::vector<Array>> dealt(const RawData &data, Array array, const std::vector<Field> &fields, const char *role) {
  std::vector<Array> result;
  int64_t needed = 0;
  for (const Field &field : fields) needed += product(field.shape);
  bool table = array.shape.size() <= 1;
  if (needed != array.elements() || (fields.size() > 1 && !table)) {
    std::string all;
    for (const Field &field : fields) all += (all.empty() ? "" : ", ") + field.name + ": " + declared(field);
    std::string samples = element_type(array) == "f32" && !data.schema.features.empty() && table
                              ? std::to_string(array.elements()) + (array.elements() == 1 ? " column" : " columns")
                              : shape_text(element_type(array), array.shape);
    std::string help;
    if (fields.size() == 1 && array.shape.size() == 1)
      help = "write " + fields[0].name + ": f32[" + std::to_string(array.elements()) + "]";
    if (fields.size() == 1 && array.shape.size() == 2)
      help = "write " + fields[0].name + ": " + shape_text("f32", {array.shape[0], array.shape[1], 1});
    if (fields.size() == 1 && array.shape.size() > 2)
      help = "write " + fields[0].name + ": " + shape_text("f32", array.shape);
    return fail(data.source + ": the " + role + " of a sample are " + samples + ", the network has " + all, help);
  }
  int64_t begin = 0;
  for (const Field &field : fields) {
    int64_t width = product(field.shape);
    auto converted = as_field(data.source + ": " + field.name,
                              fields.size() == 1 ? std::move(array) : columns(array, begin, width), field);
    if (!converted) return tl::unexpected(converted.error());
    result.push_back(std::move(*converted));
    begin += width;
  }
  return result;
}

}  // namespace

Result<Interface> network_interface(const json &metadata) {
  Interface interface;
  const json network = metadata.is_object() ? metadata.value("network", json::object()) : json::object();
  for (auto [key, into] : {std::pair{"inputs", &interface.inputs}, std::pair{"outputs", &interface.outputs}})
    for (const json &object : network.value(key, json::array())) {
      auto field = field_from_json(object);
      if (!field) return tl::unexpected(field.error());
      into->push_back(std::move(*field));
    }
  if (interface.inputs.empty() || interface.outputs.empty())
    return fail("the metadata of this program is broken: it has no network");
  return interface;
}

void describe(const Interface &interface, ReadRequest &request) {
  request.targets_are_classes = interface.outputs.size() == 1 && interface.outputs[0].is_class;
  request.class_count = request.targets_are_classes ? interface.outputs[0].classes : 0;
  request.inputs = interface.inputs;
  request.outputs = interface.outputs;
}

Result<std::vector<Array>> input_arrays(const Interface &interface, RawData &data) {
  return dealt(data, std::move(data.features), interface.inputs, "features");
}

Result<std::vector<Array>> target_arrays(const Interface &interface, RawData &data) {
  auto arrays = dealt(data, std::move(data.targets), interface.outputs, "targets");
  if (!arrays) return arrays;
  for (size_t i = 0; i < arrays->size(); ++i)
    if (!interface.outputs[i].is_class && interface.outputs[i].dtype != "i32")
      (*arrays)[i] = as_reals(std::move((*arrays)[i]));
  return arrays;
}

Result<void> check_normalisations(const std::vector<Normalisation> &list, const Interface &interface) {
  bool fits = list.size() == interface.inputs.size();
  for (size_t i = 0; fits && i < list.size(); ++i) {
    int64_t elements = 1;
    for (int64_t size : interface.inputs[i].shape) elements *= size;
    int64_t groups = static_cast<int64_t>(list[i].offset.size());
    fits = list[i].offset.size() == list[i].scale.size() && (groups == 0 || elements % groups == 0);
  }
  if (!fits)
    return fail("the stored normalisation does not fit the inputs of this network",
                "the checkpoint is of another network");
  return {};
}

int64_t normalisation_groups(const RawData &data, const std::vector<int64_t> &raw_shape, const Array &input) {
  if (data.is_image) return raw_shape.size() == 3 ? raw_shape[2] : 1;
  if (!category_elements(data.schema).empty()) return input.elements();
  return input.shape.empty() ? 1 : input.shape.back();
}

std::vector<bool> category_elements(const Schema &schema) {
  std::vector<bool> marks;
  const auto has = [](const std::vector<std::string> &names, const std::string &name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  for (size_t i = 0; i < schema.features.size(); ++i) {
    size_t categories = i < schema.categories.size() ? schema.categories[i].size() : 0;
    bool indexed = has(schema.indexed, schema.features[i]);
    marks.insert(marks.end(), indexed ? 1 : std::max<size_t>(categories, 1), indexed || categories > 0);
    if (has(schema.indicated, schema.features[i])) marks.push_back(true);
  }
  return std::find(marks.begin(), marks.end(), true) != marks.end() ? marks : std::vector<bool>{};
}

}  // namespace netc::runtime
