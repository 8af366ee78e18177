// inspect: what the weights, gradients and activations of a network are like, layer by layer.
#include <cstdio>
#include <map>

#include "runtime/cli/commands.h"
#include "runtime/cli/fresh.h"
#include "runtime/cli/plot.h"
#include "runtime/io/json_text.h"
#include "runtime/report/facts.h"
#include "runtime/train/diagnose.h"
#include "runtime/train/reading.h"
#include "runtime/train/spread.h"

namespace netc::runtime {
namespace {

using nlohmann::json;
using Spreads = std::map<std::string, Spread>;  // by step or weight
using Rows = std::vector<std::vector<std::string>>;

struct Seen {
  std::vector<LayerDiagnosis> layers;
  Spreads weights, gradients, activations;
};

// As in the first step of a training: nothing but the weights decides what is seen.
Result<Seen> look_at(Program &program, const Dataset &training, int64_t batch_size) {
  Seen seen;
  Diagnosis diagnosis(program, training, batch_size);
  auto layers = diagnosis.run(0, [&](const Observed &value, std::span<const float> values) {
    (value.gradient ? seen.gradients : seen.activations)[value.name].add(values);
  });
  if (!layers) return tl::unexpected(layers.error());
  seen.layers = std::move(*layers);
  for (const Weight &weight : program.weights())
    if (weight.role == Role::weight && weight.dtype == "f32")
      seen.weights[weight.name].add(
          {reinterpret_cast<const float *>(program.weight_data(weight)), static_cast<size_t>(weight.elements)});
  return seen;
}

const Spread *find(const Spreads &spreads, const std::string &name) {
  auto found = spreads.find(name);
  return found == spreads.end() ? nullptr : &found->second;
}

std::string mean_text(const Spread &spread) {
  return short_number(spread.mean()) + " ± " + short_number(spread.deviation());
}

double largest(const Spread &spread) { return std::max(std::fabs(spread.least), std::fabs(spread.greatest)); }

std::string weights_table(const Program &program, const Seen &seen) {
  Rows rows = {{"weight", "shape", "norm", "mean ± deviation", "histogram", "|gradient|", "largest", "histogram"}};
  for (const Weight &weight : program.weights()) {
    const Spread *now = find(seen.weights, weight.name), *gradient = find(seen.gradients, weight.name);
    if (!now) continue;
    std::string shape;
    for (int64_t size : weight.shape) shape += (shape.empty() ? "" : " x ") + std::to_string(size);
    rows.push_back({weight.name, shape, short_number(now->norm()), mean_text(*now), histogram_text(now->bins)});
    if (gradient)
      rows.back().insert(rows.back().end(), {short_number(gradient->norm()), short_number(largest(*gradient)),
                                             histogram_text(gradient->bins)});
    else if (!weight.trainable)
      rows.back().push_back("frozen");
  }
  return table_text(rows, {false, false, true, true, false, true, true, false});
}

std::string activations_table(const Program &program, const Seen &seen) {
  Rows rows = {{"output of", "mean ± deviation", "from", "to", "zeros", "histogram", "dead units"}};
  for (const json &layer : program.metadata()["layers"]) {
    std::string name = layer["name"];
    const Spread *now = find(seen.activations, name);
    if (!now) continue;
    double share = 100 * static_cast<double>(now->zeros) / static_cast<double>(now->count);
    rows.push_back({name, mean_text(*now), short_number(now->least), short_number(now->greatest),
                    format("%.0f %%", share), histogram_text(now->bins)});
    for (const LayerDiagnosis &one : seen.layers)
      if (one.name == name && one.units > 0)
        rows.back().push_back(
            format("%lld of %lld", static_cast<long long>(one.dead), static_cast<long long>(one.units)));
  }
  return table_text(rows, {false, true, true, true, true, false, true});
}

void write(JsonText &out, const char *key, const Spreads &spreads) {
  out.key(key);
  out.open('{');
  for (const auto &[name, spread] : spreads) {
    out.key(name.c_str());
    out.open('{');
    out.member("norm", spread.norm());
    out.member("mean", spread.mean());
    out.member("deviation", spread.deviation());
    out.member("least", spread.least);
    out.member("greatest", spread.greatest);
    out.member("zeros", static_cast<double>(spread.zeros));
    out.member("not_finite", static_cast<double>(spread.not_finite));
    out.member("count", static_cast<double>(spread.count));
    out.key("histogram");
    out.open('{');
    out.member("from", spread.low);
    out.member("to", spread.high);
    out.key("counts");
    out.open('[');
    for (int64_t count : spread.bins) out.number(static_cast<double>(count));
    out.close(']');
    out.close('}');
    out.close('}');
  }
  out.close('}');
}

std::string as_json(const std::string &weights, const Seen &seen, const Findings &findings) {
  JsonText out;
  out.open('{');
  out.member("weights_of", weights);
  out.key("layers");
  write_layers(out, seen.layers);
  write(out, "weights", seen.weights);
  write(out, "gradients", seen.gradients);
  write(out, "activations", seen.activations);
  out.key("findings");
  out.open('[');
  for (const Finding &finding : findings.list()) {
    out.open('{');
    out.member("kind", finding.kind);
    out.member("text", finding.text);
    out.close('}');
  }
  out.close(']');
  out.close('}');
  return out.text();
}

void print(const Findings &findings) {
  for (const Finding &finding : findings.list()) {
    std::printf("\n%s: %s\n", level_name(finding.level), finding.text.c_str());
    for (const Advice &advice : finding.advice)
      std::printf("  try: %s%s%s\n", advice.text, advice.line.empty() ? "" : ":  ", advice.line.c_str());
  }
  if (findings.list().empty()) std::printf("\nnothing vanishes, nothing explodes, no layer is dead\n");
}

OrFailure<int> inspect(Session &session, const Arguments &arguments) {
  bool as_object = arguments.has("--json");
  std::string weights = "those before training";
  Settings settings;
  DataSets data;
  if (arguments.has("--initial")) {
    auto fresh = open_fresh(session, arguments);
    if (!fresh) return tl::unexpected(fresh.error());
    settings = std::move(fresh->settings);
    data = std::move(fresh->data);
  } else {
    auto model = load_model(session, arguments);
    if (!model) return tl::unexpected(model.error());
    auto loaded = load_model_data(session, *model, true);
    if (!loaded) return tl::unexpected(loaded.error());
    weights = model->path;
    settings = std::move(model->settings);
    data = std::move(*loaded);
  }
  if (data.train.empty() || !session.program.function("train_step"))
    return failure({"there is no training to look at", "inspect needs a section train and its data"}, kUsage);
  auto seen = look_at(session.program, data.train, settings.batch_size.value);
  if (!seen) return failure(seen.error(), kFailed);
  History history;
  Facts facts = facts_of(settings, data);
  EpochDiagnostics now;
  for (const LayerDiagnosis &layer : seen->layers)
    now.layers.push_back({layer.name, layer.gradient_norm.value_or(0), layer.weight_norm.value_or(0),
                          layer.update_ratio.value_or(0), layer.units, layer.dead});
  Findings findings;
  read_layers({history, facts, {std::move(now)}}, findings);
  if (as_object) {
    std::printf("%s\n", as_json(weights, *seen, findings).c_str());
    return kDone;
  }
  int64_t samples = std::min(data.train.size(), kDiagnosedSamples);
  std::printf("weights: %s\n\n%s\n%s", weights.c_str(), weights_table(session.program, *seen).c_str(),
              activations_table(session.program, *seen).c_str());
  std::printf(
      "gradients of a batch of %lld, activations of %lld training samples; a unit is dead that is 0 for all of them\n",
      static_cast<long long>(std::min(samples, settings.batch_size.value)), static_cast<long long>(samples));
  print(findings);
  return kDone;
}

}  // namespace

int inspect_command(const nc_program_t &program, const std::string &call, const Arguments &arguments) {
  auto session = open_session(program, call, arguments);
  if (!session) return report_error(call, session.error().error, session.error().code);
  auto code = inspect(*session, arguments);
  return code ? *code : report_error(call, code.error().error, code.error().code);
}

}  // namespace netc::runtime
