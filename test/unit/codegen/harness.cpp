#include "test/unit/codegen/harness.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <stdexcept>

#include "ir/philox.h"
#include "runtime/abi.h"

namespace netc::test {

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

// 64-byte aligned memory full of NaN.
struct Buffer {
  explicit Buffer(int64_t size) : bytes(static_cast<size_t>(size) + 192, 0xFF) {}
  char *data() { return reinterpret_cast<char *>((reinterpret_cast<uintptr_t>(bytes.data()) + 63) / 64 * 64); }
  // With 64 bytes of slack behind what was asked for.
  size_t size() const { return bytes.size() - 128; }
  std::vector<unsigned char> bytes;
};

// As it lies in memory.
struct Bf16 {
  uint16_t bits = 0;

  Bf16() = default;
  explicit Bf16(double number) : bits(bf16_bits(number)) {}
  explicit operator double() const { return std::bit_cast<float>(uint32_t{bits} << 16); }
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
    case DType::bf16:
      return f(Bf16{});
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

CompiledModule::CompiledModule(const Module &module, const TargetOptions &target) : module_(module) {
  Metadata metadata;
  metadata.json = "{}";
  metadata.scalars = scalars_ = collect_runtime_values(module);
  Result<std::string> object = generate(module_, metadata, target, Emit::object);
  if (!object) throw std::runtime_error(object.error().message);
  object_ = load_object(*object, target);
}

std::vector<Tensor> CompiledModule::run(const std::string &name, const std::vector<Tensor> &inputs,
                                        Environment &environment) {
  const Function &function = *module_.find_function(name);
  nc_program_t program;
  object_->read(object_->address("nc_program"), &program, sizeof program);
  nc_function_entry entry;  // functions stand in the order of the module
  auto number = static_cast<uint64_t>(&function - module_.functions.data());
  object_->read(reinterpret_cast<uint64_t>(program.functions) + number * sizeof entry, &entry, sizeof entry);

  auto lend = [&](Buffer &buffer, size_t offset = 0) {
    return reinterpret_cast<char *>(object_->lend(buffer.data() + offset, buffer.size() - offset));
  };
  // Behind the weights lies what `prepare` has made of them.
  Buffer weights(program.weight_bytes), fixed(entry.fixed_bytes), space(entry.batch_bytes * environment.batch);
  for (const Weight &weight : module_.weights)
    if (auto found = environment.weights.find(weight.name); found != environment.weights.end())
      pack(found->second, weights.data() + weight.offset);
  prepared_.resize(static_cast<size_t>(program.weight_bytes - module_.weight_bytes));
  std::ranges::copy(prepared_, weights.data() + module_.weight_bytes);
  std::vector<Buffer> in, out;
  for (const Tensor &input : inputs) {
    in.emplace_back(input.count() * 8);
    pack(input, in.back().data() + 4);
  }
  for (ValueId result : function.results)
    out.emplace_back(element_count(function.type(result).shape)->at(environment.batch) * 8);
  std::vector<const void *> in_pointers;
  std::vector<void *> out_pointers;
  for (Buffer &buffer : in) in_pointers.push_back(lend(buffer, 4));  // inputs need not be aligned
  for (Buffer &buffer : out) out_pointers.push_back(lend(buffer));
  std::vector<double> scalars;
  for (const std::string &scalar : scalars_) scalars.push_back(environment.runtime_values.find(scalar)->second);
  auto lend_all = [&]<typename T>(std::vector<T> &items) {
    return reinterpret_cast<T *>(object_->lend(items.data(), items.size() * sizeof(T)));
  };
  nc_context context{
      lend(weights),     lend(fixed),       lend(space),      lend_all(in_pointers), lend_all(out_pointers),
      environment.batch, lend_all(scalars), environment.seed, environment.step,      nullptr};
  object_->call(reinterpret_cast<uint64_t>(entry.function), object_->lend(&context, sizeof context));
  object_->take_back();

  std::copy_n(weights.data() + module_.weight_bytes, prepared_.size(), prepared_.begin());
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

Build fused(std::string kind, Build body) {
  return [=](Builder &b, const std::vector<ValueId> &x) {
    Builder inner(nullptr, "body", Mode::training);
    std::vector<ValueId> arguments;
    for (ValueId operand : x)
      arguments.push_back(inner.argument("a" + std::to_string(arguments.size()), b.type(operand)));
    std::vector<ValueId> results = body(inner, arguments);
    std::vector<std::string> names;
    for (size_t n = 0; n < results.size(); ++n) names.push_back("r" + std::to_string(n));
    return b.fused(kind, x, inner.finish(results, names));
  };
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
  for (const TargetOptions &target : test.targets) {
    CompiledModule compiled(module, target);
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
              << target.triple << " " << target.cpu << target.features << ", batch " << batch << ", result " << n
              << ", element " << i << ": " << a << " instead of " << b;
        }
      }
    }
  }
}

}  // namespace netc::test
