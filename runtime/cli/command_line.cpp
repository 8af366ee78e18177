#include <csignal>
#include <cstdio>
#include <exception>
#include <new>

#include "runtime/cli/commands.h"
#include "runtime/cli/processor.h"
#include "runtime/cli/text.h"
#include "runtime/data/module.h"

namespace netc::runtime {
namespace {

const OptionSpec kThreads = {"--threads", "N", "threads (default: all cores); changes nothing but the time"};
const OptionSpec kData = {"--data", "DIR", "the folder that paths of data start from"};
const OptionSpec kWeights = {"--weights", "FILE", "a checkpoint (default: the best of the newest run in ./runs)"};
const OptionSpec kRunOf = {"--run", "DIR", "the best checkpoint of this run"};
const OptionSpec kFrom = {"--from", "FILE", "start with the weights of a checkpoint or of a run's best one, by name"};
const OptionSpec kSkipMismatch = {"--skip-mismatch", "",
                                  "weights that the checkpoint has not, or in another shape, start anew"};
const OptionSpec kSet = {"--set", "NAME=VALUE", "give a parameter another value"};
const OptionSpec kSeed = {"--seed", "N", "the seed of all random numbers"};

using Command = int (*)(const nc_program_t &, const std::string &, const Arguments &);

struct Entry {
  CommandSpec spec;
  Command run;
};

std::vector<Entry> all_commands() {
  return {
      {{"train",
        "",
        "trains the network",
        {{"--epochs", "N", "number of epochs"},
         kSet,
         {"--resume", "DIR", "continue the run in this folder where it stopped"},
         kFrom,
         kSkipMismatch,
         {"--run", "DIR", "folder of the new run (default: runs/NAME-001, -002, ...)"},
         {"--sample", "SHARE", "train on this share of the training data, as in 20%"},
         {"--fold", "N", "of k_fold: train this fold alone (default: all, one after another)"},
         {"--pause-after", "EPOCH", "stop after this epoch; --resume goes on"},
         {"--checkpoint-every", "INTERVAL", "as in '500 steps' or '10 min' (default: 60 s, and each epoch)"},
         kData,
         kSeed,
         kThreads}},
       train_command},
      {{"evaluate",
        "",
        "measures loss and metrics of trained weights",
        {kWeights, kRunOf, {"--split", "NAME", "test, validation or train"}, kData, kThreads}},
       evaluate_command},
      {{"predict",
        "FILE...",
        "predicts from files with raw inputs: CSV rows, NPY, PNG",
        {kWeights,
         kRunOf,
         {"--json", "", "one JSON object a sample"},
         {"--top", "K", "the K likeliest classes (default: 1)"},
         kThreads}},
       predict_command},
      {{"summary",
        "",
        "shows layers, parameters, work and memory",
        {{"--config", "", "every value and where it comes from"}, kSet}},
       summary_command},
      {{"gradcheck",
        "",
        "compares the gradients with numeric differences, in f64, on real data",
        {{"--samples", "N", "samples of the data (default: 4)"},
         {"--entries", "N", "entries of each weight (default: 12)"},
         {"--tolerance", "X", "greatest relative error (default: that of `check`, or 1e-5)"},
         kData,
         kSet,
         kSeed,
         kThreads}},
       gradcheck_command},
      {{"inspect",
        "",
        "shows weights, gradients and activations layer by layer: norms, histograms, dead units",
        {kWeights,
         kRunOf,
         {"--initial", "", "the weights before training"},
         {"--json", "", "one JSON object"},
         kData,
         kThreads}},
       inspect_command},
      {{"activations",
        "",
        "draws what a sample makes of the layers, and their filters, as PNG pictures",
        {{"--input", "FILE", "a picture, or a file with raw inputs: CSV, NPY"},
         {"--sample", "N", "sample number N, from 0: of --input, or else of --split"},
         {"--split", "NAME", "test, validation or train"},
         {"--layer", "NAME", "this step of the network alone"},
         {"--output", "DIR", "the folder of the pictures (default: activations in the run directory)"},
         kWeights,
         kRunOf,
         kData,
         kThreads}},
       activations_command},
      {{"find-lr",
        "",
        "finds a learning rate to begin with: raises it from step to step and watches the loss",
        {{"--least", "X", "the first learning rate (default: 1e-6)"},
         {"--greatest", "X", "the last one (default: 10)"},
         {"--steps", "N", "training steps (default: 100)"},
         kFrom,
         kSkipMismatch,
         {"--run", "DIR", "where find-lr.json goes (default: here)"},
         kData,
         kSet,
         kSeed,
         kThreads}},
       find_lr_command},
      {{"check",
        "",
        "runs the checks of the section `check`: gradients, initial_loss, overfit",
        {kData, kSet, kSeed, kThreads}},
       check_command},
      {{"overfit",
        "",
        "trains on a few samples: can the network memorise them?",
        {{"--samples", "N", "how many (default: that of `check`, or 64)"},
         {"--within", "N", "in how many steps (default: that of `check`, or 300)"},
         {"--accuracy", "X", "to be reached (default: that of `check`, or 0.99)"},
         {"--loss", "X", "to be reached, rather than an accuracy"},
         kData,
         kSet,
         kSeed,
         kThreads}},
       overfit_command},
      {{"bench",
        "",
        "measures a function on made-up data: time of each kernel, share of the machine's peak",
        {{"--function", "NAME", "train_step (default), predict or evaluate"},
         {"--batch", "N", "samples of a call (default: batch_size)"},
         {"--steps", "N", "calls to take the median of (default: 20)"},
         {"--kernels", "", "a line for each kernel rather than for each step of the network"},
         {"--trace", "FILE", "write when every kernel ran on which thread, for Perfetto or Chrome"},
         {"--record", "FILE",
          "measure nothing: write weights, inputs and results of two calls, to compare with others"},
         {"--serve", "", "answer each line 'go N' of standard input with the seconds of one call, averaged over N"},
         kThreads}},
       bench_command},
      {{"info", "", "tells what this program was made from", {{"--source", "", "print the .net file"}}}, info_command},
  };
}

}  // namespace

int run_command_line(const nc_program_t &program, const std::string &call, const std::vector<std::string> &words) try {
  std::signal(SIGPIPE, SIG_DFL);
  std::signal(SIGXFSZ, SIG_IGN);  // a file that may not grow is an error of the write
  if (auto fits = check_processor(program); !fits) return report_error(call, fits.error(), kFailed);
  std::vector<Entry> entries = all_commands();
  Modules modules({program.modules, static_cast<size_t>(program.module_count)});
  if (const nc_command_module *data = modules.command("data")) entries.push_back({data->spec(), data->run});
  std::vector<CommandSpec> specs;
  for (const Entry &entry : entries) specs.push_back(entry.spec);
  auto arguments = parse_arguments(specs, words);
  if (!arguments) return report_error(call, arguments.error(), kUsage);
  if (arguments->version) return info_command(program, call, *arguments);
  for (const Entry &entry : entries) {
    if (arguments->command != entry.spec.name) continue;
    if (!arguments->help) return entry.run(program, call, *arguments);
    std::fputs(help_text(call, entry.spec).c_str(), stdout);
    return kDone;
  }
  std::fputs(help_text(call, specs).c_str(), stdout);
  return kDone;
} catch (const std::bad_alloc &) {
  return report_error(call, {"not enough memory", "a smaller batch_size, or data with stream = true, needs less"},
                      kFailed);
} catch (const std::exception &error) {  // of the libraries: our own errors travel as values
  return report_error(call, {std::string("internal error: ") + error.what(), ""}, kFailed);
}

}  // namespace netc::runtime
