// The samples that `predict` is given as files.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>

#include "runtime/data/arguments.h"
#include "runtime/data/load.h"
#include "runtime/data/normalise.h"
#include "runtime/io/file.h"

namespace netc::runtime {
namespace {

using nlohmann::json;

// The reader for a file by the end of its name; "" when there is none.
std::string reader_for(std::string path, const std::string &training_reader) {
  if (path.ends_with(".gz")) path.resize(path.size() - 3);
  if (training_reader == "images" && (path.ends_with(".png") || path.ends_with(".jpg") || path.ends_with(".jpeg")))
    return "images";
  if (training_reader == "raw" && path.ends_with(".bin")) return "raw";
  if (training_reader == "text" && (path.ends_with(".txt") || path.ends_with(".csv") || path.ends_with(".tsv")))
    return "text";
  for (auto [ending, reader] : {std::pair{".csv", "csv"}, std::pair{".tsv", "tsv"}, std::pair{".npy", "npy"},
                                std::pair{".npz", "npz"}, std::pair{".safetensors", "safetensors"},
                                std::pair{".idx", "idx"}, std::pair{"ubyte", "idx"}, std::pair{".png", "png"}})
    if (path.ends_with(ending)) return reader;
  if (path.ends_with(".bin") && training_reader.starts_with("cifar")) return training_reader;
  return {};
}

// A call that reads `path` the way the training data was read, targets aside.
json call_for(const std::string &reader, const std::string &path, const json &training_call,
              const Preparation &preparation) {
  json named = json::object();
  if (call_name(training_call) == reader) named = training_call.value("named", json::object());
  if (reader == "csv" || reader == "tsv") {
    if (!preparation.fill.empty()) named["missing"] = {{"name", "mean"}};
    const Schema &schema = preparation.schema;
    json categorical = json::array();
    for (size_t i = 0; i < schema.categories.size() && i < schema.features.size(); ++i) {
      bool indexed =
          std::find(schema.indexed.begin(), schema.indexed.end(), schema.features[i]) != schema.indexed.end();
      if (!schema.categories[i].empty() && !indexed) categorical.push_back(schema.features[i]);
    }
    named["categorical"] = categorical;
    named["index"] = schema.indexed;
    named["indicator"] = schema.indicated;
    named.erase("inputs");  // the features are in the order of the inputs
    named.erase("features");
  }
  return {{"call", reader}, {"args", {path}}, {"named", named}};
}

Result<RawData> read_picture(const Modules &modules, const std::string &path, const Field &input) {
  if (!modules.picture("png"))
    return fail(path + ": this program was compiled without pictures",
                "they are read for one input f32[height, width, channels] that is trained on pictures, not on a table");
  auto bytes = read_file(path);
  if (!bytes) return tl::unexpected(bytes.error());
  auto picture = modules.picture("png")->decode(path, *bytes, input.shape.size() == 3 ? input.shape[2] : 1);
  if (!picture) return tl::unexpected(picture.error());
  int64_t height = picture->shape[0], width = picture->shape[1];
  if (input.shape.size() >= 2 && (height != input.shape[0] || width != input.shape[1]))
    return fail(path + ": a picture " + std::to_string(width) + " wide and " + std::to_string(height) +
                    " high, the network has " + input.name + ": " + shape_text(input.dtype, input.shape),
                "scale it to " + std::to_string(input.shape[1]) + " x " + std::to_string(input.shape[0]));
  RawData data;
  data.features = std::move(*picture);
  data.is_image = true;
  data.source = path;
  return data;
}

void append(Array &all, Array more) {
  if (all.values.index() != more.values.index()) {
    const auto to_reals = [](Array &array) {
      std::vector<float> reals;
      std::visit([&](const auto &values) { reals.assign(values.begin(), values.end()); }, array.values);
      array.values = std::move(reals);
    };
    to_reals(all);
    to_reals(more);
  }
  std::visit(
      [&](auto &values) {
        const auto &added = std::get<std::decay_t<decltype(values)>>(more.values);
        values.insert(values.end(), added.begin(), added.end());
      },
      all.values);
  all.count += more.count;
}

}  // namespace

Result<PredictSamples> load_for_predict(const json &metadata, const Modules &modules, const Preparation &preparation,
                                        const std::vector<std::string> &paths) {
  auto interface = network_interface(metadata);
  if (!interface) return tl::unexpected(interface.error());
  if (auto fits = check_normalisations(preparation.normalisations, *interface); !fits)
    return tl::unexpected(fits.error());
  const json section = metadata.value("data", json::object());
  const json training_call = section.is_object() ? section.value("train", json::object()) : json::object();
  if (paths.empty())
    return fail("predict needs files with samples", "for example predict picture.png, or predict new.csv");

  PredictSamples result;
  auto samples = std::make_shared<Samples>();
  samples->normalisations = preparation.normalisations;
  for (const std::string &path : paths) {
    std::string reader = reader_for(path, call_name(training_call));
    if (reader.empty())
      return fail(path + ": predict does not know this kind of file",
                  "it reads .csv, .tsv, .npy, .npz, .safetensors, .idx, -ubyte, each also .gz, .png and what the "
                  "training data is");
    Result<RawData> raw = fail("");
    if (reader == "png") {
      if (interface->inputs.size() != 1) return fail(path + ": pictures are for a network with one input");
      raw = read_picture(modules, path, interface->inputs[0]);
    } else {
      const nc_reader_module *module = modules.reader(reader);
      if (!module)
        return fail(path + ": this program was compiled without the reader " + reader,
                    "use the format of the training data");
      json call = call_for(reader, path, training_call, preparation);
      ReadRequest request;
      request.call = &call;
      request.modules = &modules;
      request.schema = preparation.schema;
      describe(*interface, request);
      request.needs_targets = false;
      raw = module->read(request);
    }
    if (!raw) return tl::unexpected(raw.error());
    if (raw->vectorise) {
      if (preparation.schema.vocabulary.empty()) return fail(path + ": the model was trained without a vocabulary");
      Schema schema = preparation.schema;
      raw->vectorise(*raw, {}, schema);
    }
    if (raw->has_missing) {
      if (static_cast<int64_t>(preparation.fill.size()) != raw->features.elements())
        return fail(path + ": missing values, but the model was trained without any");
      apply_fill(preparation.fill, raw->features);
    }
    auto inputs = input_arrays(*interface, *raw);
    if (!inputs) return tl::unexpected(inputs.error());
    result.path_of_sample.insert(result.path_of_sample.end(), static_cast<size_t>((*inputs)[0].count), path);
    if (samples->inputs.empty())
      samples->inputs = std::move(*inputs);
    else
      for (size_t i = 0; i < inputs->size(); ++i) append(samples->inputs[i], std::move((*inputs)[i]));
  }
  result.dataset.rows.resize(static_cast<size_t>(samples->inputs[0].count));
  std::iota(result.dataset.rows.begin(), result.dataset.rows.end(), int64_t{0});
  result.dataset.samples = std::move(samples);
  return result;
}

}  // namespace netc::runtime
