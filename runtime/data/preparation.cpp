// The JSON of a Preparation, as it is kept in the checkpoint. Floats pass through JSON unchanged.
#include <cmath>
#include <nlohmann/json.hpp>

#include "runtime/data/dataset.h"

namespace netc::runtime {
namespace {

using nlohmann::json;

Result<std::vector<float>> reals(const json &object, const char *key) {
  std::vector<float> values;
  auto found = object.find(key);
  if (found == object.end() || !found->is_array()) return fail(std::string("the stored preparation lacks ") + key);
  for (const json &item : *found) {
    float value = item.is_number() ? item.get<float>() : NAN;
    if (!std::isfinite(value))
      return fail(std::string("the stored preparation: ") + key + " holds " + item.dump() + ", expected numbers");
    values.push_back(value);
  }
  return values;
}

Result<std::vector<std::string>> texts(const json &list, const char *key) {
  std::vector<std::string> values;
  if (!list.is_array()) return fail(std::string("the stored preparation: ") + key + " is no list");
  for (const json &item : list) {
    if (!item.is_string())
      return fail(std::string("the stored preparation: ") + key + " holds " + item.dump() + ", expected texts");
    values.push_back(item.get<std::string>());
  }
  return values;
}

}  // namespace

json to_json(const Preparation &preparation) {
  json normalisations = json::array();
  for (const Normalisation &n : preparation.normalisations)
    normalisations.push_back({{"offset", n.offset}, {"scale", n.scale}});
  return {{"features", preparation.schema.features},
          {"classes", preparation.schema.classes},
          {"categories", preparation.schema.categories},
          {"indexed", preparation.schema.indexed},
          {"indicated", preparation.schema.indicated},
          {"vocabulary", preparation.schema.vocabulary},
          {"text_files", preparation.schema.text_files},
          {"fill", preparation.fill},
          {"normalisations", normalisations}};
}

Result<Preparation> preparation_from_json(const json &object) {
  Preparation preparation;
  if (!object.is_object()) return fail("the stored preparation is no JSON object");
  Schema &schema = preparation.schema;
  for (auto [key, into] : {std::pair{"features", &schema.features}, std::pair{"classes", &schema.classes},
                           std::pair{"indexed", &schema.indexed}, std::pair{"indicated", &schema.indicated},
                           std::pair{"vocabulary", &schema.vocabulary}}) {
    auto values = texts(object.value(key, json::array()), key);
    if (!values) return tl::unexpected(values.error());
    *into = std::move(*values);
  }
  schema.text_files = object.value("text_files", json()) == true;
  for (const json &list : object.value("categories", json::array())) {
    auto values = texts(list, "categories");
    if (!values) return tl::unexpected(values.error());
    preparation.schema.categories.push_back(std::move(*values));
  }
  auto fill = reals(object, "fill");
  if (!fill) return tl::unexpected(fill.error());
  preparation.fill = std::move(*fill);
  auto list = object.find("normalisations");
  if (list == object.end() || !list->is_array()) return fail("the stored preparation lacks normalisations");
  for (const json &item : *list) {
    if (!item.is_object()) return fail("the stored preparation: a normalisation is no JSON object");
    auto offset = reals(item, "offset");
    auto scale = reals(item, "scale");
    if (!offset) return tl::unexpected(offset.error());
    if (!scale) return tl::unexpected(scale.error());
    if (offset->size() != scale->size())
      return fail("the stored preparation: a normalisation has as many offsets as scales");
    preparation.normalisations.push_back({std::move(*offset), std::move(*scale)});
  }
  return preparation;
}

}  // namespace netc::runtime
