// evaluate: loss and metrics of trained weights on a split of the data.
#include <cstdio>

#include "runtime/cli/commands.h"
#include "runtime/cli/session.h"
#include "runtime/train/measure.h"
#include "runtime/train/progress.h"

namespace netc::runtime {
namespace {

OrFailure<int> evaluate(Session &session, const Arguments &arguments) {
  std::string split = arguments.text("--split");
  if (!split.empty() && split != "test" && split != "validation" && split != "train") {
    return failure({"--split takes test, validation or train, got '" + split + "'", ""}, kUsage);
  }
  auto model = load_model(session, arguments);
  if (!model) return tl::unexpected(model.error());
  auto data = load_model_data(session, *model, split == "train" || split.empty());
  if (!data) return tl::unexpected(data.error());
  if (split.empty()) split = !data->test.empty() ? "test" : !data->validation.empty() ? "validation" : "train";
  const Dataset &dataset = split == "test" ? data->test : split == "validation" ? data->validation : data->train;
  if (dataset.empty()) return failure({"the data has no " + split + " split", ""}, kBadData);
  std::printf("weights: %s\n", model->path.c_str());
  Batches batches(dataset, {.batch_size = model->settings.batch_size.value});
  auto values = evaluate_all(session.program, batches);
  if (!values) return failure(values.error(), kFailed);
  std::printf("%s (%s samples): %s\n", split.c_str(), count_text(dataset.size()).c_str(),
              measured_text(measured_names(session.program), **values).c_str());
  return kDone;
}

}  // namespace

int evaluate_command(const nc_program_t &program, const std::string &call, const Arguments &arguments) {
  auto session = open_session(program, call, arguments);
  if (!session) return report_error(call, session.error().error, session.error().code);
  auto code = evaluate(*session, arguments);
  return code ? *code : report_error(call, code.error().error, code.error().code);
}

}  // namespace netc::runtime
