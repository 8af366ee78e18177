#include "runtime/data/load.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <numeric>
#include <unordered_set>

#include "runtime/data/arguments.h"
#include "runtime/data/class_weights.h"
#include "runtime/data/fingerprint.h"
#include "runtime/data/normalise.h"
#include "runtime/data/sample_columns.h"
#include "runtime/data/section_splits.h"

namespace netc::runtime {
namespace {

using nlohmann::json;

enum class Part { train, validation, test };
constexpr const char *part_names[] = {"train", "validation", "test"};

// The keys `stream` and `buffer`: the bytes of the buffer, 0 without a stream.
Result<int64_t> stream_buffer(const json &section) {
  const json stream = section.value("stream", json()), buffer = section.value("buffer", json());
  if (!stream.is_null() && !stream.is_boolean()) return fail("stream is true or false, found " + stream.dump());
  bool streams = stream.is_boolean() && stream.get<bool>();
  if (buffer.is_null()) return streams ? default_stream_buffer : 0;
  if (!streams) return fail("buffer is the memory of a stream, and this data is not streamed", "write stream = true");
  std::string unit = buffer.is_object() ? text_of(buffer.value("unit", json())).value_or("") : "";
  double size = buffer.is_object() && buffer.contains("value") ? buffer["value"].get<double>() : 0;
  size *= unit == "MB" ? 1048576.0 : unit == "GB" ? 1073741824.0 : 0.0;
  if (!(size >= 65536 && size <= 0x1p44))
    return fail("buffer is a size from 0.0625 MB to 16384 GB, found " + buffer.dump(), "for example buffer = 256 MB");
  return static_cast<int64_t>(size);
}

// Reads the sources a `data` section names and makes the datasets, in the order of the functions of run().
class Loader {
 public:
  Loader(const json &metadata, const Modules &modules, const LoadOptions &options)
      : metadata_(metadata), section_(metadata.value("data", json::object())), modules_(modules), options_(options) {}

  Result<DataSets> run() {
    auto interface = network_interface(metadata_);
    if (!interface) return tl::unexpected(interface.error());
    interface_ = std::move(*interface);
    auto choice = normalisation_choice(section_);
    if (!choice) return tl::unexpected(choice.error());
    choice_ = *choice;
    auto buffer = stream_buffer(section_);
    if (!buffer) return tl::unexpected(buffer.error());
    stream_buffer_ = *buffer;
    auto augmentation = read_augmentation(section_.value("augment", json()), modules_);
    if (!augmentation) return tl::unexpected(augmentation.error());
    if (auto fits = check_augmentation(*augmentation, interface_.inputs); !fits) return tl::unexpected(fits.error());
    result_.augmentation = std::move(*augmentation);
    if (options_.preparation) result_.preparation = *options_.preparation;
    for (auto step : {&Loader::read_sources, &Loader::make_splits, &Loader::vectorise_texts, &Loader::fill_missing,
                      &Loader::make_samples, &Loader::fit_normalisations, &Loader::find_ranges, &Loader::weigh_classes})
      if (auto done = (this->*step)(); !done) return tl::unexpected(done.error());
    if (options_.train) look_for_duplicates();
    return std::move(result_);
  }

 private:
  // One file or set of files, and the parts of the data it feeds.
  struct Source {
    Part part;
    RawData raw;
    std::vector<int64_t> raw_shape;
    std::shared_ptr<Samples> samples;
  };

  Result<RawData> read(Part part) {
    const json call = section_.value(part_names[static_cast<size_t>(part)], json());
    std::string name = call_name(call);
    const nc_reader_module *reader = name.empty() ? nullptr : modules_.reader(name);
    if (!reader) {
      std::string key = part_names[static_cast<size_t>(part)];
      if (name.empty())
        return fail("the data section needs " + key + " = a reader",
                    "for example " + key + " = csv(\"file.csv\", target = \"name\")");
      return fail("the data section: no reader " + in_quotes(name) + " in this program",
                  "the readers are csv, tsv, idx, npy, npz, safetensors, raw, images, text, cifar10 and cifar100");
    }
    const nc_stream_module *streamer = stream_buffer_ > 0 ? modules_.stream(name) : nullptr;
    if (stream_buffer_ > 0 && !streamer)
      return fail(name + " cannot be streamed", "write stream = false, and the data is read into memory");
    ReadRequest request;
    request.root = options_.root;
    if (streamer) request.block_bytes = block_bytes_for(stream_buffer_);
    describe(interface_, request);
    request.call = &call;
    request.modules = &modules_;
    request.schema = result_.preparation.schema;
    auto raw = streamer ? streamer->open(request) : reader->read(request);
    if (raw && streamer) select_ = streamer->select;
    if (raw && raw->features.count == 0) return fail(raw->source + ": no samples in it");
    return raw;
  }

  bool is_reader(Part part) const {
    const json call = section_.value(part_names[static_cast<size_t>(part)], json());
    return !call.is_null() && !is_split(call);
  }

  // The training source comes first: the others follow its schema. It is left out where nothing is fitted to it or
  // split from it.
  Result<void> read_sources() {
    bool has_own_files = is_reader(Part::test) || is_reader(Part::validation);
    bool has_splits = is_split(section_.value("test", json())) || is_split(section_.value("validation", json()));
    bool needs_train = options_.train || !options_.preparation || has_splits || !has_own_files;
    for (Part part : {Part::train, Part::validation, Part::test}) {
      if (part != Part::train && !is_reader(part)) continue;
      if (part == Part::train && !needs_train) continue;
      auto raw = read(part);
      if (!raw) return tl::unexpected(raw.error());
      if (!options_.preparation && part == Part::train) result_.preparation.schema = raw->schema;
      if (part == Part::train)
        if (auto done = read_sample_columns(section_, modules_, options_.root, *raw); !done) return done;
      Source &source = sources_.emplace_back(Source{part, std::move(*raw), {}, nullptr});
      source.raw_shape = source.raw.features.shape;
      Dataset &dataset = dataset_of(part);
      dataset.rows.resize(static_cast<size_t>(source.raw.features.count));
      std::iota(dataset.rows.begin(), dataset.rows.end(), int64_t{0});
    }
    return {};
  }

  Dataset &dataset_of(Part part) {
    return part == Part::train ? result_.train : part == Part::test ? result_.test : result_.validation;
  }

  // Test first, then validation, both from the training source; the shares are of what is there at that moment. Last
  // the sample of the training data.
  Result<void> make_splits() {
    if (sources_.empty() || sources_[0].part != Part::train) return {};
    const RawData &data = sources_[0].raw;
    std::vector<int64_t> &rows = result_.train.rows;
    for (Part part : {Part::test, Part::validation}) {
      if (!is_split(section_.value(part_names[static_cast<size_t>(part)], json()))) continue;
      auto divided = part == Part::test ? split_for_test(rows, section_, options_.seed, data)
                                        : split_for_validation(rows, section_, modules_, options_.seed, data);
      if (!divided) return tl::unexpected(divided.error());
      rows = std::move(divided->kept);
      dataset_of(part).rows = std::move(divided->taken);
    }
    if (options_.sample == 1) return {};
    auto sample = sample_of_rows(rows, options_.sample, options_.seed, data);
    if (!sample) return tl::unexpected(sample.error());
    rows = std::move(*sample);
    return {};
  }

  Result<void> vectorise_texts() {
    for (Source &source : sources_) {
      if (!source.raw.vectorise) continue;
      source.raw.vectorise(source.raw, result_.train.rows, result_.preparation.schema);
      source.raw.vectorise = nullptr;  // the texts are not needed any more
    }
    return {};
  }

  Result<void> fill_missing() {
    if (!options_.fill) return {};
    for (Source &source : sources_) {
      if (!source.raw.has_missing) continue;
      std::vector<float> &fill = result_.preparation.fill;
      if (!options_.preparation && fill.empty()) {
        if (sources_[0].raw.features.values.index() != 0)
          return fail(source.raw.source + ": missing values, but the training data has none");
        auto fitted = fitted_fill(source.raw.missing);
        if (!fitted) return tl::unexpected(fitted.error());
        fill = std::move(*fitted);
      }
      if (static_cast<int64_t>(fill.size()) != source.raw.features.elements())
        return fail(source.raw.source + ": missing values, but the model was trained without any");
      apply_fill(fill, source.raw.features);
    }
    return {};
  }

  // To the training split.
  Result<std::vector<float>> fitted_fill(const MissingPolicy &policy) {
    RawData &raw = sources_[0].raw;
    if (raw.stream && (policy.kind == Missing::median || policy.kind == Missing::most_frequent))
      return fail(raw.source + ": the median and the most frequent value need all samples in memory",
                  "missing = mean is fitted while streaming");
    FillFit fit(policy, raw.features.elements());
    Samples features;
    features.inputs = {std::move(raw.features)};
    features.stream = raw.stream;
    auto done =
        for_each_part(features, result_.train.rows,
                      [&](std::span<const Array> part, const std::vector<int64_t> &rows) { fit.add(part[0], rows); });
    raw.features = std::move(features.inputs[0]);
    if (!done) return tl::unexpected(done.error());
    return fit.result(raw);
  }

  // The inputs of a streamed source: every block is filled and shaped as a whole set would be.
  Result<std::vector<Array>> streamed_inputs(const Source &source, Samples &samples) {
    auto stream = std::make_shared<Stream>(*source.raw.stream);
    RawData head;
    head.schema = source.raw.schema;
    head.source = source.raw.source;
    bool fills = source.raw.has_missing && options_.fill;
    stream->select = select_;
    stream->read = [read = source.raw.stream->read, head, interface = interface_, fills,
                    fill = result_.preparation.fill](int64_t block) -> Result<std::vector<Array>> {
      auto features = read(block);
      if (!features) return features;
      RawData part = head;
      part.features = std::move((*features)[0]);
      if (fills) apply_fill(fill, part.features);
      return input_arrays(interface, part);
    };
    auto inputs = stream->read(0);
    if (!inputs) return inputs;
    for (Array &input : *inputs) {
      input.count = source.raw.features.count;
      std::visit([](auto &values) { values = {}; }, input.values);
    }
    samples.stream = std::move(stream);
    samples.stream_buffer = stream_buffer_;
    return inputs;
  }

  Result<void> make_samples() {
    for (Source &source : sources_) {
      source.samples = std::make_shared<Samples>();
      auto inputs = source.raw.stream ? streamed_inputs(source, *source.samples) : input_arrays(interface_, source.raw);
      if (!inputs) return tl::unexpected(inputs.error());
      auto targets = target_arrays(interface_, source.raw);
      if (!targets) return tl::unexpected(targets.error());
      source.samples->inputs = std::move(*inputs);
      source.samples->targets = std::move(*targets);
      source.samples->weights = std::move(source.raw.weights);
      source.samples->groups = std::move(source.raw.groups);
      dataset_of(source.part).samples = source.samples;
    }
    for (Dataset *split : {&result_.validation, &result_.test})
      if (!split->empty() && !split->samples) split->samples = sources_[0].samples;
    return {};
  }

  Result<void> fit_normalisations() {
    std::vector<Normalisation> &list = result_.preparation.normalisations;
    const Samples &samples = *sources_[0].samples;
    if (!options_.preparation) {
      std::vector<bool> categories = category_elements(result_.preparation.schema);
      size_t element = 0;
      std::vector<NormalisationFit> fits;
      int passes = 0;
      for (size_t i = 0; i < samples.inputs.size(); ++i) {
        const Array &input = samples.inputs[i];
        size_t width = static_cast<size_t>(input.elements());
        std::vector<bool> own;
        for (size_t e = element; e < element + width && e < categories.size(); ++e) own.push_back(categories[e]);
        element += width;
        bool whole = interface_.inputs[i].is_class || interface_.inputs[i].dtype != "f32";
        fits.emplace_back(whole ? NormalisationChoice{} : choice_,
                          normalisation_groups(sources_[0].raw, sources_[0].raw_shape, input), own);
        passes = std::max(passes, fits.back().passes(input));
      }
      for (int pass = 0; pass < passes; ++pass) {
        auto done = for_each_part(samples, result_.train.rows,
                                  [&](std::span<const Array> inputs, const std::vector<int64_t> &rows) {
                                    for (size_t i = 0; i < fits.size(); ++i)
                                      if (pass < fits[i].passes(inputs[i])) fits[i].add(pass, inputs[i], rows);
                                  });
        if (!done) return done;
      }
      for (const NormalisationFit &fit : fits) list.push_back(fit.result());
    }
    if (auto fits = check_normalisations(list, interface_); !fits) return fits;
    for (Source &source : sources_) source.samples->normalisations = list;
    if (!options_.train) result_.train = {};
    return {};
  }

  // The ranges that augmentations keep values within.
  Result<void> find_ranges() {
    result_.train.in_pairs = !result_.augmentation.mixes.empty();
    if (result_.train.empty() || !result_.augmentation.needs_ranges()) return {};
    const Samples &samples = *result_.train.samples;
    std::vector<Amount> &ranges = result_.augmentation.ranges;
    for (const Array &input : samples.inputs)
      ranges.push_back(element_type(input) == "f32" ? Amount{INFINITY, -INFINITY} : Amount{0, 255});
    return for_each_part(samples, result_.train.rows,
                         [&](std::span<const Array> inputs, const std::vector<int64_t> &rows) {
                           for (size_t i = 0; i < inputs.size(); ++i) widen(ranges[i], inputs[i], rows);
                         });
  }

  static void widen(Amount &range, const Array &input, const std::vector<int64_t> &rows) {
    const auto *values = std::get_if<std::vector<float>>(&input.values);
    if (!values) return;
    for (int64_t row : rows)
      for (int64_t e = row * input.elements(); e < (row + 1) * input.elements(); ++e) {
        float value = (*values)[static_cast<size_t>(e)];
        range = {std::min(range.low, value), std::max(range.high, value)};
      }
  }

  Result<void> weigh_classes() {
    if (result_.train.empty()) return {};
    json key = section_.value("class_weight", json());
    if (key.is_null() && metadata_.contains("train") && metadata_["train"].is_object())
      key = metadata_["train"].value("class_weight", json());
    auto weights = class_weights(key, interface_, result_.train);
    if (!weights) return tl::unexpected(weights.error());
    result_.train.class_weights = std::move(*weights);
    return {};
  }

  // Samples of the training data that are in the other parts, too. Not of streamed sets, which would be read once more.
  void look_for_duplicates() {
    if (result_.train.empty() || result_.train.samples->stream) return;
    std::unordered_set<uint64_t> known;
    for (auto [part, name] : {std::pair{&result_.validation, "validation"}, std::pair{&result_.test, "test"}}) {
      if (part->empty() || part->samples->stream) continue;
      if (known.empty())
        for (int64_t row : result_.train.rows) known.insert(fingerprint(result_.train.samples->inputs, row));
      int64_t found = 0;
      for (int64_t row : part->rows) found += known.contains(fingerprint(part->samples->inputs, row));
      if (found > 0)
        result_.warnings.push_back(std::to_string(found) + " of " + std::to_string(part->size()) + " " + name +
                                   " samples " + (found == 1 ? "is" : "are") + " in the training data, too");
    }
  }

  const json &metadata_;
  const json section_;
  const Modules &modules_;
  const LoadOptions &options_;
  Interface interface_;
  NormalisationChoice choice_;
  int64_t stream_buffer_ = 0;  // 0: the data is read into memory
  Selector (*select_)(const Dataset &, const BatchOptions &) = nullptr;
  std::vector<Source> sources_;
  DataSets result_;
};

}  // namespace

Result<DataSets> load_data(const json &metadata, const Modules &modules, const LoadOptions &options) {
  if (!metadata.is_object() || !metadata.value("data", json()).is_object())
    return fail("the program has no data section");
  return Loader(metadata, modules, options).run();
}

}  // namespace netc::runtime
