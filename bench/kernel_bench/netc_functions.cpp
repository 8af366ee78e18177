#include <fmt/format.h>

#include <stdexcept>

#include "bench/kernel_bench/contestant.h"
#include "bench/kernel_bench/memory.h"
#include "codegen/codegen.h"
#include "ir/text.h"
#include "passes/passes.h"
#include "runtime/abi.h"
#include "test/unit/codegen/loaded_object.h"

namespace netc::kernel_bench {
namespace {

// What a layer of frontend/std becomes, without the moving averages.
constexpr std::string_view kBatchNormRelu = R"(
  func @f(%x: {image}, %gamma: {channels}, %beta: {channels}) -> (%y as "y") mode training {{
    %corner: f32[B, 1, 1, {c}] = slice(%x) {{begin = [0, 0, 0, 0], end = [1, 1, 1, {c}], strides = [1, 1, 1, 1]}}
    %first: i32[1] = constant() {{dtype = "i32", shape = [1], values = [0]}}
    %one: f32[1, 1, 1, {c}] = gather(%corner, %first)
    %pivot: {channels} = reshape(%one) {{shape = [{c}]}}
    %shifted: {image} = subtract(%x, %pivot)
    %offset: {channels} = reduce_mean(%shifted) {{axes = [0, 1, 2], keep_dims = false}}
    %mean: {channels} = add(%pivot, %offset)
    %squares: {image} = square(%shifted)
    %second: {channels} = reduce_mean(%squares) {{axes = [0, 1, 2], keep_dims = false}}
    %square: {channels} = square(%offset)
    %difference: {channels} = subtract(%second, %square)
    %zero: f32[] = constant() {{dtype = "f32", shape = [], values = [0]}}
    %variance: {channels} = maximum(%difference, %zero)
    %normal: {image} = batch_norm(%x, %gamma, %beta, %mean, %variance) {{epsilon = 0.001}}
    %y: {image} = relu(%normal)
  }})";

constexpr std::string_view kMaxPool = R"(
  func @f(%x: {image}) -> (%y as "y") mode training {{
    %y: {half} = max_pool2d(%x) {{padding = [0, 0, 0, 0], pool_size = [2, 2], strides = [2, 2]}}
  }})";

constexpr std::string_view kAddRelu = R"(
  func @f(%a: {image}, %b: {image}) -> (%y as "y") mode training {{
    %sum: {image} = add(%a, %b)
    %y: {image} = relu(%sum)
  }})";

// The update of frontend/std's adam; the rate holds the corrections of the bias.
constexpr std::string_view kAdam = R"(
  weight @w: {flat} trainable
  weight @m: {flat} fixed
  weight @v: {flat} fixed
  func @f(%g: {flat}, %rate: f32[1]) -> () mode training {{
    %w: {flat} = read() {{weight = "w"}}
    %m: {flat} = read() {{weight = "m"}}
    %v: {flat} = read() {{weight = "v"}}
    %a: f32[] = constant() {{dtype = "f32", shape = [], values = [0.1]}}
    %b: f32[] = constant() {{dtype = "f32", shape = [], values = [0.001]}}
    %e: f32[] = constant() {{dtype = "f32", shape = [], values = [1e-07]}}
    %0: {flat} = subtract(%g, %m)
    %1: {flat} = multiply(%0, %a)
    %2: {flat} = add(%m, %1)
    %3: {flat} = square(%g)
    %4: {flat} = subtract(%3, %v)
    %5: {flat} = multiply(%4, %b)
    %6: {flat} = add(%v, %5)
    %7: {flat} = multiply(%2, %rate)
    %8: {flat} = sqrt(%6)
    %9: {flat} = add(%8, %e)
    %10: {flat} = divide(%7, %9)
    %11: {flat} = subtract(%w, %10)
    write(%11) {{weight = "w"}}
    write(%2) {{weight = "m"}}
    write(%6) {{weight = "v"}}
  }})";

std::string text_of(const Sweep &sweep) {
  std::string_view function = sweep.kind == SweepKind::batch_norm_relu ? kBatchNormRelu
                              : sweep.kind == SweepKind::max_pool      ? kMaxPool
                              : sweep.kind == SweepKind::add_relu      ? kAddRelu
                                                                       : kAdam;
  auto image = [&](int64_t size) { return fmt::format("f32[B, {}, {}, {}]", size, size, sweep.channels); };
  return "module \"sweep\" {" +
         fmt::format(fmt::runtime(function), fmt::arg("image", image(sweep.size)),
                     fmt::arg("half", image(sweep.size / 2)), fmt::arg("c", sweep.channels),
                     fmt::arg("channels", fmt::format("f32[{}]", sweep.channels)),
                     fmt::arg("flat", fmt::format("f32[{}]", sweep.elements()))) +
         "\n}\n";
}

Module planned(const std::string &text) {
  SourceMap sources;
  Diagnostics diagnostics;
  auto module = parse_module(sources, sources.add("function", text), diagnostics);
  if (!module) throw std::runtime_error(render_text(diagnostics, sources, false));
  if (auto done = run_pipeline(*module, {}); !done) throw std::runtime_error(done.error().message);
  return std::move(*module);
}

// A function of a planned module with memory for its one call.
class Call {
 public:
  Call(const Module &module, const TargetOptions &options, int64_t batch) {
    Metadata metadata;
    metadata.json = "{}";
    auto object = generate(module, metadata, options, Emit::object);
    if (!object) throw std::runtime_error(object.error().message);
    object_ = test::load_object(*object, options);
    const auto &program = *reinterpret_cast<const nc_program_t *>(object_->address("nc_program"));
    const Function &function = module.functions.front();
    function_ = program.functions[0].function;
    context_.weights = bytes(program.weight_bytes);
    context_.fixed = bytes(program.functions[0].fixed_bytes);
    context_.batch_space = bytes(program.functions[0].batch_bytes * batch);
    for (ValueId argument : function.arguments) inputs_.push_back(value(function, argument, batch));
    for (ValueId result : function.results) outputs_.push_back(value(function, result, batch));
    context_.inputs = inputs_.data();
    context_.outputs = outputs_.data();
    context_.batch = batch;
    context_.runtime = this;  // chunks in order
  }
  Call(const Call &) = delete;
  Call &operator=(const Call &) = delete;

  void run() { function_(&context_); }

 private:
  char *bytes(int64_t count) {
    memory_.push_back(filled(static_cast<size_t>(count) / sizeof(float) + 1));
    return reinterpret_cast<char *>(memory_.back().get());
  }
  char *value(const Function &function, ValueId value, int64_t batch) {
    const Type &type = function.type(value);
    return bytes(element_count(type.shape)->at(batch) * static_cast<int64_t>(byte_size(type.dtype)));
  }

  std::unique_ptr<test::LoadedObject> object_;
  std::vector<std::shared_ptr<float>> memory_;
  std::vector<const void *> inputs_;
  std::vector<void *> outputs_;
  nc_function function_ = nullptr;
  nc_context context_{};
};

}  // namespace

Run netc_sweep(const Sweep &sweep, const TargetOptions &options) {
  auto call = std::make_shared<Call>(planned(text_of(sweep)), options, sweep.images);
  return [call] { call->run(); };
}

}  // namespace netc::kernel_bench
