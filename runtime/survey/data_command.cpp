// data: what the training data is like, in the terminal, as JSON, and as a page with pictures.
#include <cstdio>

#include "runtime/cli/session.h"
#include "runtime/data/batches.h"
#include "runtime/io/file.h"
#include "runtime/page/page.h"
#include "runtime/report/sample_view.h"
#include "runtime/survey/survey.h"
#include "runtime/train/predict.h"

namespace netc::runtime {

extern const PageTemplate survey_page;

namespace {

using nlohmann::json;

constexpr size_t kSamplesOfClass = 4, kMostShown = 60, kSamplesWithoutClass = 24;
constexpr size_t kAugmentedSamples = 6;
constexpr uint32_t kEpochs = 8;

class SurveyMaker {
 public:
  SurveyMaker(const Settings &settings, const Interface &interface, const DataSets &data)
      : settings_(settings), interface_(interface), data_(data) {}

  Result<json> run() {
    survey_ = {{"program", settings_.metadata["name"]}, {"seed", settings_.seed.value}, {"parts", json::array()}};
    const Field &output = interface_.outputs[0];
    bool sorts = interface_.outputs.size() == 1 && output.is_class;
    if (sorts)
      for (int64_t i = 0; i < output.classes; ++i)
        survey_["classes"].push_back(class_name(data_.preparation.schema, i));
    for (const SurveyPart &part : survey_parts(data_)) {
      json one = {{"name", part.name}, {"samples", part.dataset->size()}};
      if (sorts) one["classes"] = class_counts(*part.dataset);
      survey_["parts"].push_back(std::move(one));
    }
    auto features = feature_statistics(data_, interface_.inputs);
    if (!features) return features;
    survey_["features"] = std::move(*features);
    auto copies = find_copies(data_, interface_.inputs);
    if (!copies) return copies;
    survey_["copies"] = std::move(*copies);
    survey_["advice"] = advice_on(survey_, settings_.metadata["data"]);
    return std::move(survey_);
  }

  // What only the page shows: samples, and how the augmentation changes them.
  Result<void> add_pictures(json &survey) {
    low_ = 0, high_ = 255;
    if (!survey["features"].empty() && survey["features"][0].contains("min")) {
      low_ = high_ = survey["features"][0]["min"].get<double>();
      for (const json &feature : survey["features"]) {
        low_ = std::min(low_, feature.value("min", low_));
        high_ = std::max(high_, feature.value("max", high_));
      }
    }
    Dataset few = data_.train;
    few.rows = chosen();
    auto samples = views(few, {}, 1);
    if (!samples) return tl::unexpected(samples.error());
    survey["samples"] = std::move((*samples)[0]);
    const auto *labels = survey.contains("classes")
                             ? std::get_if<std::vector<int32_t>>(&data_.train.samples->targets[0].values)
                             : nullptr;
    for (size_t i = 0; i < few.rows.size(); ++i) {
      json &sample = survey["samples"][i];
      sample["row"] = few.rows[i];
      if (labels) sample["class"] = survey["classes"][static_cast<size_t>((*labels)[static_cast<size_t>(few.rows[i])])];
    }
    survey["augmented"] = json::array();
    if (data_.augmentation.empty()) return {};
    few.rows.resize(std::min(few.rows.size(), kAugmentedSamples));
    auto plain = views(few, {}, 1), augmented = views(few, data_.augmentation, kEpochs);
    if (!plain) return tl::unexpected(plain.error());
    if (!augmented) return tl::unexpected(augmented.error());
    for (size_t i = 0; i < few.rows.size(); ++i) {
      json line = json::array({(*plain)[0][i]});
      for (const json &epoch : *augmented) line.push_back(epoch[i]);
      survey["augmented"].push_back(std::move(line));
    }
    return {};
  }

 private:
  json class_counts(const Dataset &dataset) const {
    std::vector<int64_t> counts(static_cast<size_t>(interface_.outputs[0].classes));
    const auto &labels = std::get<std::vector<int32_t>>(dataset.samples->targets[0].values);
    for (int64_t row : dataset.rows) ++counts[static_cast<size_t>(labels[static_cast<size_t>(row)])];
    return counts;
  }

  // The first samples of each class, class by class in turn; rows ascend, as streamed sets need them.
  std::vector<int64_t> chosen() const {
    std::vector<int64_t> rows;
    const auto *labels =
        survey_classes() ? std::get_if<std::vector<int32_t>>(&data_.train.samples->targets[0].values) : nullptr;
    std::map<int32_t, size_t> taken;
    for (int64_t row : data_.train.rows) {
      if (rows.size() == (labels ? kMostShown : kSamplesWithoutClass)) break;
      if (!labels || taken[(*labels)[static_cast<size_t>(row)]]++ < kSamplesOfClass) rows.push_back(row);
    }
    return rows;
  }
  bool survey_classes() const { return interface_.outputs.size() == 1 && interface_.outputs[0].is_class; }

  // The samples as they are seen in each of the epochs.
  Result<json> views(const Dataset &dataset, const Augmentation &augmentation, uint32_t epochs) const {
    json all = json::array();
    Batches batches(dataset,
                    {.batch_size = dataset.size(), .seed = settings_.seed.value, .augmentation = augmentation});
    const Field &input = interface_.inputs[0];
    size_t width = 1;
    for (int64_t size : input.shape) width *= static_cast<size_t>(size);
    for (uint32_t epoch = 0; epoch < epochs; ++epoch) {
      batches.start(epoch);
      auto batch = batches.next();
      if (!batch) return tl::unexpected(batch.error());
      json list = json::array();
      for (int64_t i = 0; i < (*batch)->size; ++i) {
        std::vector<double> values(width);
        if (input.dtype == "f32") {
          const auto *from = static_cast<const float *>((*batch)->arguments[0]) + static_cast<size_t>(i) * width;
          values.assign(from, from + width);
          undo(dataset.samples->normalisations[0], values);
        } else {
          const auto *from = static_cast<const int32_t *>((*batch)->arguments[0]) + static_cast<size_t>(i) * width;
          values.assign(from, from + width);
        }
        JsonText text;
        text.open('{');
        write_sample(text, input, data_.preparation.schema, values, low_, high_);
        text.close('}');
        list.push_back(json::parse(text.text()));
      }
      all.push_back(std::move(list));
    }
    return all;
  }

  const Settings &settings_;
  const Interface &interface_;
  const DataSets &data_;
  json survey_;
  double low_ = 0, high_ = 255;
};

std::string row_of(const std::vector<std::string> &cells, const std::vector<int> &widths) {
  std::string text;
  for (size_t i = 0; i < cells.size(); ++i) text += format(i == 0 ? "%-*s" : "%*s", widths[i], cells[i].c_str());
  return text + "\n";
}

std::string survey_text(const json &survey) {
  std::string text = survey["program"].get<std::string>() + "\n\n";
  int64_t all = 0;
  for (const json &part : survey["parts"]) all += part["samples"].get<int64_t>();
  for (const json &part : survey["parts"])
    text += format("  %-11s %10s samples  %5.1f %%\n", part["name"].get<std::string>().c_str(),
                   count_text(part["samples"].get<int64_t>()).c_str(),
                   100 * part["samples"].get<double>() / static_cast<double>(all));
  if (survey.contains("classes")) {
    std::vector<std::string> head = {"  class"};
    std::vector<int> widths = {22};
    for (const json &part : survey["parts"]) {
      head.push_back(part["name"]);
      widths.push_back(13);
    }
    text += "\n" + row_of(head, widths);
    constexpr size_t kMostClasses = 40;
    for (size_t i = 0; i < std::min(survey["classes"].size(), kMostClasses); ++i) {
      std::vector<std::string> cells = {"  " + survey["classes"][i].get<std::string>().substr(0, 18)};
      for (const json &part : survey["parts"]) cells.push_back(count_text(part["classes"][i].get<int64_t>()));
      text += row_of(cells, widths);
    }
    if (survey["classes"].size() > kMostClasses)
      text += format("  and %zu more\n", survey["classes"].size() - kMostClasses);
  }
  const std::vector<int> widths = {22, 11, 11, 11, 11, 10, 10};
  text += "\n" + row_of({"  feature", "min", "max", "mean", "deviation", "missing", "outliers"}, widths);
  constexpr size_t kMostFeatures = 40;
  for (size_t i = 0; i < std::min(survey["features"].size(), kMostFeatures); ++i) {
    const json &feature = survey["features"][i];
    std::vector<std::string> cells = {"  " + feature["name"].get<std::string>().substr(0, 18)};
    for (const char *key : {"min", "max", "mean", "deviation"})
      cells.push_back(feature.contains(key) ? short_number(feature[key].get<double>()) : "-");
    for (const char *key : {"missing", "outliers"})
      cells.push_back(count_text(static_cast<int64_t>(feature[key].get<double>())));
    text += row_of(cells, widths);
  }
  if (survey["features"].size() > kMostFeatures)
    text += format("  and %zu more\n", survey["features"].size() - kMostFeatures);
  text += "\n";
  for (const json &advice : survey["advice"]) {
    text += "  " + advice["kind"].get<std::string>() + ": " + advice["text"].get<std::string>() + "\n";
    if (!advice["line"].get<std::string>().empty()) text += "    try: " + advice["line"].get<std::string>() + "\n";
  }
  return text;
}

OrFailure<int> survey_data(const nc_program_t &source, const std::string &call, const Arguments &arguments) {
  auto session = open_session(source, call, arguments);
  if (!session) return tl::unexpected(session.error());
  auto overrides = overrides_of(arguments);
  if (!overrides) return failure(overrides.error(), kUsage);
  auto settings = resolve_settings(session->program, *overrides);
  if (!settings) return failure(settings.error(), kUsage);
  LoadOptions options{settings->data_root.value, settings->seed.value, true, {}};
  options.fill = false;
  auto data = load_data(settings->metadata, session->modules, options);
  if (!data) return failure(data.error(), kBadData);
  auto interface = network_interface(settings->metadata);
  if (!interface) return failure(interface.error(), kFailed);
  SurveyMaker maker(*settings, *interface, *data);
  auto survey = maker.run();
  if (!survey) return failure(survey.error(), kBadData);
  const auto dumped = [](const json &value, int indent) {
    return value.dump(indent, ' ', false, json::error_handler_t::replace);
  };
  if (arguments.has("--json")) {
    std::printf("%s\n", dumped(*survey, 1).c_str());
    return kDone;
  }
  std::fputs(survey_text(*survey).c_str(), stdout);
  if (auto done = maker.add_pictures(*survey); !done) return failure(done.error(), kBadData);
  std::string path = arguments.has("--page") ? arguments.text("--page") : "data.html";
  std::string title = "data of " + session->program.name();
  auto written = write_file_atomically(path, page_of(survey_page, title, dumped(*survey, -1)));
  if (!written) return failure(written.error(), kFailed);
  std::printf("\npage: %s\n", path.c_str());
  return kDone;
}

CommandSpec data_spec() {
  return {"data",
          "",
          "shows what the data is like: statistics, balance, duplicates, leaks, samples",
          {{"--json", "", "as JSON, and no page"},
           {"--page", "FILE", "where the page goes (default: data.html)"},
           {"--data", "DIR", "the folder that paths of data start from"},
           {"--set", "NAME=VALUE", "give a parameter another value"},
           {"--seed", "N", "the seed of all random numbers"}}};
}

int data_command(const nc_program_t &program, const std::string &call, const Arguments &arguments) {
  auto code = survey_data(program, call, arguments);
  return code ? *code : report_error(call, code.error().error, code.error().code);
}

}  // namespace
}  // namespace netc::runtime

const nc_command_module nc_module_data_command = {
    {"command", "data"}, netc::runtime::data_spec, netc::runtime::data_command};
