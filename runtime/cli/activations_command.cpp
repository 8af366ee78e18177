// activations: what one sample makes of the layers, and the filters of convolutions, as pictures.
#include <sys/stat.h>

#include <cstdio>

#include "runtime/cli/commands.h"
#include "runtime/cli/session.h"
#include "runtime/io/file.h"
#include "runtime/io/json_text.h"
#include "runtime/io/nearest.h"
#include "runtime/io/picture_grid.h"
#include "runtime/train/observe.h"
#include "runtime/train/predict.h"

namespace netc::runtime {
namespace {

using nlohmann::json;

// Writes the pictures of a folder, and which they are.
class Gallery {
 public:
  explicit Gallery(std::string folder) : folder_(std::move(folder)) { index_.open('['); }

  Result<void> add(const std::string &layer, const char *kind, const std::vector<int64_t> &shape, const Maps &maps) {
    std::string file = layer + "-" + kind + ".png";
    auto written = write_file_atomically(folder_ + "/" + file, grid_png(maps));
    if (!written) return written;
    index_.open('{');
    index_.member("layer", layer);
    index_.member("kind", kind);
    index_.member("file", file);
    index_.key("shape");
    index_.open('[');
    for (int64_t size : shape) index_.number(static_cast<double>(size));
    index_.close(']');
    index_.close('}');
    ++pictures_;
    return {};
  }
  // What is listed is there already.
  Result<int64_t> finish() {
    index_.close(']');
    auto written = write_file_atomically(folder_ + "/index.json", index_.text() + "\n");
    if (!written) return tl::unexpected(written.error());
    return pictures_;
  }

 private:
  std::string folder_;
  JsonText index_;
  int64_t pictures_ = 0;
};

// The sample as a dataset of one.
OrFailure<Dataset> chosen_sample(const Session &session, const Model &model, const Arguments &arguments) {
  auto number = arguments.integer("--sample", 0);
  if (!number) return failure(number.error(), kUsage);
  std::string input = arguments.text("--input"), split = arguments.text("--split");
  Dataset dataset;
  if (!input.empty()) {
    auto samples = load_for_predict(model.settings.metadata, session.modules, model.preparation, {input});
    if (!samples) return failure(samples.error(), kBadData);
    dataset = std::move(samples->dataset);
  } else {
    if (!split.empty() && split != "test" && split != "validation" && split != "train")
      return failure({"--split takes test, validation or train, got '" + split + "'", ""}, kUsage);
    auto data = load_model_data(session, model, true);
    if (!data) return tl::unexpected(data.error());
    if (split.empty()) split = !data->test.empty() ? "test" : !data->validation.empty() ? "validation" : "train";
    dataset = split == "test" ? data->test : split == "validation" ? data->validation : data->train;
    input = "the " + split + " split";
  }
  int64_t wanted = number->value_or(0);
  if (wanted >= dataset.size())
    return failure({format("%s has %lld samples, there is no number %lld", input.c_str(),
                           static_cast<long long>(dataset.size()), static_cast<long long>(wanted)),
                    "the first is number 0"},
                   kUsage);
  dataset.rows = {dataset.rows[static_cast<size_t>(wanted)]};
  return dataset;
}

// An image [H, W, C] is C maps; a sequence [T, C] one map of T rows; anything else one row of cells.
Maps maps_of(const std::vector<int64_t> &shape, std::span<const float> values) {
  if (shape.size() == 3)
    return {.values = values,
            .maps = shape[2],
            .height = shape[0],
            .width = shape[1],
            .map_step = 1,
            .value_step = shape[2]};
  if (shape.size() == 2) return {.values = values, .height = shape[0], .width = shape[1]};
  return {.values = values, .maps = static_cast<int64_t>(values.size()), .one_scale = true};
}

// A kernel [height, width, inputs, filters]: each filter a picture where it sees a grey or a colour picture, else a
// picture for each filter and input.
Result<void> add_filters(Gallery &gallery, const Program &program, const std::string &layer) {
  for (const Weight &weight : program.weights()) {
    if (weight.shape.size() != 4 || weight.name != layer + ".kernel" || weight.dtype != "f32") continue;
    int64_t inputs = weight.shape[2], filters = weight.shape[3];
    Maps maps{{reinterpret_cast<const float *>(program.weight_data(weight)), static_cast<size_t>(weight.elements)},
              filters,
              weight.shape[0],
              weight.shape[1],
              inputs == 3 ? 3 : 1,
              1,
              filters};
    if (inputs != 3 && inputs != 1) {
      maps.maps = filters * inputs;  // in the order of the inputs
      maps.value_step = inputs * filters;
    }
    return gallery.add(layer, "filter", weight.shape, maps);
  }
  return {};
}

OrFailure<int> draw(Session &session, const Arguments &arguments) {
  auto model = load_model(session, arguments);
  if (!model) return tl::unexpected(model.error());
  auto sample = chosen_sample(session, *model, arguments);
  if (!sample) return tl::unexpected(sample.error());
  Program &program = session.program;
  const Function &predict = *program.function("predict");
  std::vector<Observed> seen = observed_values(program, predict);
  std::string only = arguments.text("--layer");
  std::vector<std::string> names;
  for (const Observed &value : seen) names.push_back(value.name);
  if (!only.empty()) std::erase_if(seen, [&](const Observed &value) { return value.name != only; });
  if (seen.empty()) {
    std::string list;
    for (const std::string &name : names) list += (list.empty() ? "" : ", ") + name;
    return failure({"there is no output of a step " + only + " to be seen: it is computed together with the next step",
                    "there are: " + list},
                   kUsage);
  }
  std::string folder = arguments.text("--output");
  if (folder.empty()) {
    size_t place = model->path.rfind("/checkpoints/");
    folder = (place == std::string::npos ? "" : model->path.substr(0, place + 1)) + "activations";
  }
  if (mkdir(folder.c_str(), 0777) != 0 && errno != EEXIST)
    return failure({"cannot make the folder " + folder, ""}, kFailed);

  Batches batches(*sample, {.batch_size = 1, .background = false});
  batches.start(0);
  auto batch = batches.next();
  if (!batch) return failure(batch.error(), kBadData);
  Gallery gallery(folder);
  Results results(predict, 1);
  Result<void> added;
  auto look = [&](const Observed &value, std::span<const float> values) {
    for (const json &layer : program.metadata()["layers"]) {
      if (layer["name"] != value.name || !added) continue;
      auto shape = layer["output_shape"].get<std::vector<int64_t>>();
      added = gallery.add(value.name, "activation", shape, maps_of(shape, values));
    }
  };
  std::span<const void *const> inputs((*batch)->arguments.data(), predict.inputs.size());
  auto done = observe(program, predict, seen, inputs, results.pointers(), 1, nullptr, look);
  if (!done) return failure(done.error(), kFailed);
  if (!added) return failure(added.error(), kFailed);
  for (const json &layer : program.metadata()["layers"]) {
    if (!only.empty() && layer["name"] != only) continue;
    if (auto drawn = add_filters(gallery, program, layer["name"]); !drawn) return failure(drawn.error(), kFailed);
  }
  auto pictures = gallery.finish();
  if (!pictures) return failure(pictures.error(), kFailed);
  std::printf("weights: %s\n%lld pictures in %s\n", model->path.c_str(), static_cast<long long>(*pictures),
              folder.c_str());
  return kDone;
}

}  // namespace

int activations_command(const nc_program_t &program, const std::string &call, const Arguments &arguments) {
  auto session = open_session(program, call, arguments);
  if (!session) return report_error(call, session.error().error, session.error().code);
  auto code = draw(*session, arguments);
  return code ? *code : report_error(call, code.error().error, code.error().code);
}

}  // namespace netc::runtime
