#include <gtest/gtest.h>

#include "codegen/codegen.h"
#include "test/unit/codegen/harness.h"

namespace netc::test {

namespace {

// Definitions of kernels named like `name`.
int count_kernels(const std::string &ir, const std::string &name) {
  int count = 0;
  for (size_t at = ir.find("define"); at != std::string::npos; at = ir.find("define", at + 1))
    if (ir.substr(at, ir.find('(', at) - at).find(name) != std::string::npos) ++count;
  return count;
}

}  // namespace

TEST(EqualKernels, AreEmittedOnce) {
  Module module;
  Builder builder(&module, "f", Mode::training);
  ValueId x = builder.argument("x", {DType::f32, {{1, true}, {7}}});
  ValueId other = builder.argument("other", {DType::f32, {{1, true}, {8}}});
  ValueId y = builder.emit("exp", {builder.emit("exp", {builder.emit("exp", {x})})});
  ValueId wider = builder.emit("exp", {builder.emit("exp", {other})});
  module.functions.push_back(builder.finish({y, wider}, {"y", "wider"}));
  place_everything(module);
  Metadata metadata;
  metadata.json = "{}";
  auto ir = generate(module, metadata, {.triple = "x86_64-linux-gnu", .cpu = "x86-64-v3"}, Emit::llvm_ir);
  ASSERT_TRUE(ir);
  // Of each width: from an argument to the workspace, from there to a result; of the first also within the workspace.
  EXPECT_EQ(count_kernels(*ir, "f.exp"), 5) << *ir;

  module.functions.push_back(module.functions[0]);
  module.functions[1].name = "g";
  ir = generate(module, metadata, {.triple = "x86_64-linux-gnu", .cpu = "x86-64-v3"}, Emit::llvm_ir);
  ASSERT_TRUE(ir);
  EXPECT_EQ(count_kernels(*ir, "f.exp"), 5);
  EXPECT_EQ(count_kernels(*ir, "g.exp"), 0);
}

}  // namespace netc::test
