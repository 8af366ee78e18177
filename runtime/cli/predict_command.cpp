// predict: raw inputs from files in, class names with probabilities or values out.
#include <cstdio>

#include "runtime/cli/commands.h"
#include "runtime/cli/session.h"
#include "runtime/io/json_text.h"
#include "runtime/train/predict.h"

namespace netc::runtime {
namespace {

using nlohmann::json;

std::string prediction_text(const Prediction &output, const Schema &schema, int64_t top) {
  std::string text;
  if (output.field->is_class) {
    for (int64_t number : top_classes(output.values, top)) {
      text += (text.empty() ? "" : ", ") + class_name(schema, number) + format(" %.2f %%", 100 * output.values[number]);
    }
    return text;
  }
  for (double value : output.values) text += (text.empty() ? "" : " ") + format("%.7g", value);
  return text;
}

json prediction_json(const Prediction &output, const Schema &schema, int64_t top) {
  if (!output.field->is_class) return output.values;
  json classes = json::array();
  for (int64_t number : top_classes(output.values, top)) {
    classes.push_back({{"class", class_name(schema, number)}, {"probability", output.values[number]}});
  }
  return classes;
}

OrFailure<int> predict(Session &session, const Arguments &arguments) {
  auto top = arguments.integer("--top", 1);
  if (!top) return failure(top.error(), kUsage);
  if (arguments.positional.empty())
    return failure({"predict needs a file", "as in: " + session.call + " predict new.csv"}, kUsage);
  bool as_json = arguments.has("--json");
  auto model = load_model(session, arguments);
  if (!model) return tl::unexpected(model.error());
  auto interface = network_interface(model->settings.metadata);
  if (!interface) return failure(interface.error(), kFailed);
  auto samples = load_for_predict(model->settings.metadata, session.modules, model->preparation, arguments.positional);
  if (!samples) return failure(samples.error(), kBadData);
  std::fprintf(as_json ? stderr : stdout, "weights: %s\n", model->path.c_str());
  const Schema &schema = model->preparation.schema;
  int64_t number_in_file = 0;
  const std::string *file = nullptr;
  auto print = [&](int64_t sample, const std::vector<Prediction> &outputs) {
    const std::string &path = samples->path_of_sample[static_cast<size_t>(sample)];
    number_in_file = file && *file == path ? number_in_file + 1 : 0;
    file = &path;
    if (as_json) {
      JsonText line;
      auto text_of = [](const json &value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); };
      line.open('{');
      line.raw_member("file", text_of(path));
      line.raw_member("sample", std::to_string(number_in_file));
      for (const Prediction &output : outputs) {
        int64_t all = static_cast<int64_t>(output.values.size());
        line.raw_member(output.field->name.c_str(), text_of(prediction_json(output, schema, top->value_or(all))));
      }
      line.close('}');
      std::printf("%s\n", line.text().c_str());
      return;
    }
    const std::vector<std::string> &paths = samples->path_of_sample;
    auto next = static_cast<size_t>(sample) + 1;
    bool alone = number_in_file == 0 && (next == paths.size() || paths[next] != path);
    std::printf("%s:", path.c_str());
    if (!alone) std::printf("%lld:", static_cast<long long>(number_in_file));
    for (const Prediction &output : outputs) {
      std::printf(" %s%s", outputs.size() > 1 ? (output.field->name + " = ").c_str() : "",
                  prediction_text(output, schema, top->value_or(1)).c_str());
    }
    std::printf("\n");
  };
  auto done = predict_all(session.program, *interface, samples->dataset, model->settings.batch_size.value, print);
  if (!done) return failure(done.error(), kFailed);
  return kDone;
}

}  // namespace

int predict_command(const nc_program_t &program, const std::string &call, const Arguments &arguments) {
  auto session = open_session(program, call, arguments);
  if (!session) return report_error(call, session.error().error, session.error().code);
  auto code = predict(*session, arguments);
  return code ? *code : report_error(call, code.error().error, code.error().code);
}

}  // namespace netc::runtime
