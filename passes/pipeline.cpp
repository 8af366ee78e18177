#include <fmt/format.h>
#include <fmt/ostream.h>

#include <chrono>

#include "ir/text.h"
#include "ir/verifier.h"
#include "passes/passes.h"
#include "passes/transforms.h"

namespace netc {

const std::vector<Pass> &pipeline() {
  static const std::vector<Pass> passes = {
      // What the network means.
      {"absorb-padding", "A convolution pads for itself, and so do its gradients: no padded copy of the image.",
       absorb_padding},
      {"autodiff", "Training needs gradients: the backward ops are written out, so that every later pass sees them.",
       expand_gradients, true},
      {"remove-dropout", "Dropout does nothing at inference.", remove_dropout},
      {"fold-batch-norm",
       "At inference the statistics are known: they move into the kernel and bias before them. Must see `batch_norm` "
       "whole.",
       fold_batch_norm},
      {"choose-pivots",
       "The sums of a batch norm are taken where their values are made if they wait for none of these. Must see "
       "`batch_norm` whole.",
       choose_pivots},
      {"decompose", "From here on no op is a composition of others: codegen has kernels for the rest.",
       decompose_composites, true},
      {"widen", "The gradient check runs in f64 with the weights as arguments.", widen_gradcheck, true},

      // The same meaning with less work.
      {"slice-strided",
       "A 1x1 convolution with strides is a product of matrices once the pixels that it sees are cut out.",
       slice_strided},
      {"simplify",
       "Autodiff and decomposition leave multiplications by one, chains of reshapes and needless broadcasts.",
       simplify},
      {"fold-constants", "What depends on constants alone is computed now.", fold_constants},
      {"simplify", "Folding shows new identities.", simplify},
      {"share-common", "Forward and backward ask for the same values: compute them once.", share_common_ops},
      {"mixed-precision",
       "With `precision = bf16` contractions multiply bf16 numbers. All gradients are there, and casts of weights are "
       "still to be prepared.",
       mix_precision, true},
      {"prepare-weights",
       "At inference what depends on weights alone, a folded kernel say, is computed when they change, not in every "
       "call.",
       prepare_weights},
      {"remove-dead", "Nothing is computed that no result and no weight needs.", remove_dead_ops, true},

      // From values to kernels and memory.
      {"fuse", "A value that stays in registers costs no memory traffic, and a kernel less costs no launch.", fuse,
       true},
      {"narrow-values",
       "With `precision = bf16` activations are rounded where they go to memory: what that is, fusion has decided.",
       narrow_values},
      {"halos", "Convolutions read zeros around their image instead of testing for the edge; copies become explicit.",
       place_halos, true},
      {"order", "Values should die early: a weight is updated as soon as its gradient is there.", order_ops, true},
      {"memory-plan", "Every value gets its place now, so the program never allocates.", plan_memory, true},
  };
  return passes;
}

const Pass *find_pass(std::string_view name) {
  for (const Pass &pass : pipeline())
    if (pass.name == name) return &pass;
  return nullptr;
}

Result<void> run_pass(const Pass &pass, Module &module, const PassOptions &options) {
  auto start = std::chrono::steady_clock::now();
  pass.run(module);
  std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - start;
  if (options.output != nullptr) {
    if (options.time_passes) fmt::print(*options.output, "{:<16} {:9.3f} ms\n", pass.name, time.count());
    if (options.print_after.contains(pass.name) || options.print_after.contains("all"))
      fmt::print(*options.output, "// after {}\n{}", pass.name, print(module));
  }
  if (!options.verify_each) return {};
  std::vector<std::string> problems = verify(module);
  if (problems.empty() && pass.run == plan_memory) problems = check_memory_plan(module);
  if (problems.empty()) return {};
  std::string message = fmt::format("internal error: the pass {} broke the graph", pass.name);
  for (const std::string &problem : problems) message += "\n  " + problem;
  return fail(message);
}

Result<void> run_pipeline(Module &module, const PassOptions &options) {
  for (const Pass &pass : pipeline()) {
    if (pass.name == options.stop_before) break;
    if (!pass.required && options.disabled.contains(pass.name)) continue;
    if (Result<void> done = run_pass(pass, module, options); !done) return done;
  }
  return {};
}

}  // namespace netc
