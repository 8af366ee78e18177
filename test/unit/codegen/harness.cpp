#include "test/unit/codegen/harness.h"

#include <gtest/gtest.h>
#include <llvm/ADT/StringMap.h>
#include <llvm/ExecutionEngine/Orc/ExecutionUtils.h>
#include <llvm/ExecutionEngine/Orc/LLJIT.h>
#include <llvm/Support/MemoryBuffer.h>
#include <llvm/Support/TargetSelect.h>
#include <llvm/TargetParser/Host.h>

#include <cmath>
#include <cstring>
#include <stdexcept>

#include "codegen/codegen.h"
#include "ir/philox.h"

// Chunks in reverse order: a kernel whose chunks depend on each other fails.
extern "C" void nc_parallel_for(const nc_context *context, nc_kernel kernel, int64_t count, int64_t) {
  for (int64_t chunk = count; chunk-- > 0;) kernel(context, chunk);
}

namespace netc::test {

std::vector<std::string> runnable_cpus() {
#ifdef __x86_64__
  llvm::StringMap<bool> features = llvm::sys::getHostCPUFeatures();
  std::vector<std::string> cpus = {"x86-64-v2"};
  if (features["avx2"] && features["fma"] && features["bmi2"]) cpus.push_back("x86-64-v3");
  if (features["avx512f"] && features["avx512vl"] && features["avx512bw"] && features["avx512dq"])
    cpus.push_back("x86-64-v4");
  return cpus;
#else
  return {"generic"};
#endif
}

void place_everything(Module &module) {
  int64_t weights = 0;
  for (Weight &weight : module.weights) {
    weight.offset = weights;
    weights +=
        (element_count(weight.type.shape)->size * static_cast<int64_t>(byte_size(weight.type.dtype)) + 63) / 64 * 64;
  }
  module.weight_bytes = weights;
  for (Function &function : module.functions) {
    for (size_t n = 0; n < function.arguments.size(); ++n)
      function.values[function.arguments[n]].placement = {Space::input, static_cast<int64_t>(n)};
    for (size_t n = 0; n < function.results.size(); ++n)
      function.values[function.results[n]].placement = {Space::output, static_cast<int64_t>(n)};
    for (const Op &op : function.ops) {
      if (op.def->op_class == OpClass::state || op.def->op_class == OpClass::view) continue;
      for (ValueId result : op.results) {
        Value &value = function.values[result];
        if (value.placement.space != Space::none) continue;
        Dim count{static_cast<int64_t>(byte_size(value.type.dtype)), false};
        for (size_t axis = 0; axis < value.type.rank(); ++axis) {
          Dim dim = value.type.shape[axis];
          if (axis == 1 && !value.halo.empty()) dim.size += value.halo.top + value.halo.bottom;
          if (axis == 2 && !value.halo.empty()) dim.size += value.halo.left + value.halo.right;
          count = {count.size * dim.size, count.batch || dim.batch};
        }
        int64_t &end = count.batch ? function.batch_bytes : function.fixed_bytes;
        value.placement = {count.batch ? Space::batch : Space::fixed, end};
        end += (count.size + 63) / 64 * 64;
      }
    }
  }
}

namespace {

template <typename T>
T check(llvm::Expected<T> expected) {
  if (!expected) throw std::runtime_error(llvm::toString(expected.takeError()));
  return std::move(*expected);
}
void check(llvm::Error error) {
  if (error) throw std::runtime_error(llvm::toString(std::move(error)));
}

// 64-byte aligned memory full of NaN.
struct Buffer {
  explicit Buffer(int64_t size) : bytes(static_cast<size_t>(size) + 256, 0xFF) {}
  char *data() { return reinterpret_cast<char *>((reinterpret_cast<uintptr_t>(bytes.data()) + 63) / 64 * 64); }
  std::vector<unsigned char> bytes;
};

template <typename F>
void with_type(DType dtype, F f) {
  switch (dtype) {
    case DType::f64:
      return f(double{});
    case DType::i32:
      return f(int32_t{});
    case DType::i64:
      return f(int64_t{});
    case DType::boolean:
      return f(uint8_t{});
    default:
      return f(float{});
  }
}
void pack(const Tensor &tensor, char *to) {
  with_type(tensor.dtype, [&]<typename T>(T) {
    for (size_t i = 0; i < tensor.data.size(); ++i) {
      T number = static_cast<T>(tensor.data[i]);
      std::memcpy(to + i * sizeof(T), &number, sizeof(T));
    }
  });
}
Tensor unpack(const Type &type, int64_t batch, const char *from) {
  Tensor tensor = Tensor::zeros(type.dtype, sizes_at(type.shape, batch));
  with_type(type.dtype, [&]<typename T>(T) {
    for (size_t i = 0; i < tensor.data.size(); ++i) {
      T number;
      std::memcpy(&number, from + i * sizeof(T), sizeof(T));
      tensor.data[i] = static_cast<double>(number);
    }
  });
  return tensor;
}

}  // namespace

CompiledModule::CompiledModule(const Module &module, const std::string &cpu) : module_(module) {
  Metadata metadata;
  metadata.json = "{}";
  metadata.scalars = scalars_ = collect_runtime_values(module);
  TargetOptions options;
  options.cpu = cpu;
  Result<std::string> object = generate(module_, metadata, options, Emit::object);
  if (!object) throw std::runtime_error(object.error().message);
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
  jit_ = check(llvm::orc::LLJITBuilder().create());
  llvm::orc::JITDylib &library = jit_->getMainJITDylib();
  library.addGenerator(
      check(llvm::orc::DynamicLibrarySearchGenerator::GetForCurrentProcess(jit_->getDataLayout().getGlobalPrefix())));
  llvm::orc::SymbolMap symbols;
  symbols[jit_->mangleAndIntern("nc_parallel_for")] = {llvm::orc::ExecutorAddr::fromPtr(&nc_parallel_for),
                                                       llvm::JITSymbolFlags::Exported};
  check(library.define(llvm::orc::absoluteSymbols(symbols)));
  check(jit_->addObjectFile(llvm::MemoryBuffer::getMemBufferCopy(*object)));
  program_ = check(jit_->lookup("nc_program")).toPtr<const nc_program_t *>();
}

CompiledModule::~CompiledModule() = default;

std::vector<Tensor> CompiledModule::run(const std::string &name, const std::vector<Tensor> &inputs,
                                        Environment &environment) {
  const Function &function = *module_.find_function(name);
  const nc_function_entry *entry = nullptr;
  for (uint32_t n = 0; n < program_->function_count; ++n)
    if (name == program_->functions[n].name) entry = &program_->functions[n];
  Buffer weights(module_.weight_bytes), fixed(entry->fixed_bytes), space(entry->batch_bytes * environment.batch);
  for (const Weight &weight : module_.weights)
    if (auto found = environment.weights.find(weight.name); found != environment.weights.end())
      pack(found->second, weights.data() + weight.offset);
  std::vector<Buffer> in, out;
  std::vector<const void *> in_pointers;
  std::vector<void *> out_pointers;
  for (const Tensor &input : inputs) {
    in.emplace_back(input.count() * 8);
    pack(input, in.back().data() + 4);  // inputs need not be aligned
  }
  for (Buffer &buffer : in) in_pointers.push_back(buffer.data() + 4);
  for (ValueId result : function.results)
    out.emplace_back(element_count(function.type(result).shape)->at(environment.batch) * 8);
  for (Buffer &buffer : out) out_pointers.push_back(buffer.data());
  std::vector<double> scalars;
  for (const std::string &scalar : scalars_) scalars.push_back(environment.runtime_values.find(scalar)->second);
  nc_context context{weights.data(),    fixed.data(),   space.data(),     in_pointers.data(), out_pointers.data(),
                     environment.batch, scalars.data(), environment.seed, environment.step,   nullptr};
  entry->function(&context);
  std::vector<Tensor> results;
  for (size_t n = 0; n < function.results.size(); ++n)
    results.push_back(unpack(function.type(function.results[n]), environment.batch, out[n].data()));
  for (const Weight &weight : module_.weights)
    environment.weights[weight.name] = unpack(weight.type, environment.batch, weights.data() + weight.offset);
  return results;
}

Tensor random_tensor(const Type &type, int64_t batch, uint64_t seed) {
  Tensor tensor = Tensor::zeros(type.dtype, sizes_at(type.shape, batch));
  for (size_t i = 0; i < tensor.data.size(); ++i) {
    double u = philox_uniform(seed, 7, 0, i);
    if (type.dtype == DType::boolean)
      tensor.data[i] = u < 0.5;
    else if (is_integer(type.dtype))
      tensor.data[i] = std::floor(u * 7);
    else
      tensor.data[i] = static_cast<float>(4 * u - 2);
  }
  return tensor;
}

void expect_same_as_evaluator(const Case &test) {
  Module module;
  module.name = "test";
  Builder builder(&module, "f", Mode::training);
  std::vector<ValueId> arguments;
  for (size_t n = 0; n < test.inputs.size(); ++n)
    arguments.push_back(builder.argument("x" + std::to_string(n), test.inputs[n]));
  std::vector<ValueId> results = test.build(builder, arguments);
  std::vector<std::string> names;
  for (size_t n = 0; n < results.size(); ++n) names.push_back("r" + std::to_string(n));
  Function function = builder.finish(results, names);
  if (test.adjust) test.adjust(function);
  module.functions.push_back(function);
  place_everything(module);
  for (const std::string &cpu : runnable_cpus()) {
    CompiledModule compiled(module, cpu);
    for (int64_t batch : test.batches) {
      std::vector<Tensor> inputs;
      for (size_t n = 0; n < test.inputs.size(); ++n) inputs.push_back(random_tensor(test.inputs[n], batch, 100 + n));
      if (test.prepare) test.prepare(inputs);
      Environment environment;
      environment.batch = batch;
      environment.seed = 0x123456789ABCDEF;
      environment.step = 5;
      auto expected = evaluate(module, module.functions[0], inputs, environment);
      ASSERT_TRUE(expected) << expected.error().message;
      std::vector<Tensor> actual = compiled.run("f", inputs, environment);
      for (size_t n = 0; n < actual.size(); ++n) {
        const Tensor &want = (*expected)[n];
        ASSERT_EQ(actual[n].sizes, want.sizes);
        for (size_t i = 0; i < want.data.size(); ++i) {
          double a = actual[n].data[i], b = want.data[i];
          if ((std::isnan(a) && std::isnan(b)) || a == b) continue;
          double difference = std::abs(a - b);
          ASSERT_LE(difference, test.tolerance * std::max(1.0, std::abs(b)))
              << cpu << ", batch " << batch << ", result " << n << ", element " << i << ": " << a << " instead of "
              << b;
        }
      }
    }
  }
}

}  // namespace netc::test
