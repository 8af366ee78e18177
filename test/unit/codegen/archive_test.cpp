#include "codegen/archive.h"

#include <gtest/gtest.h>

#include "test/unit/codegen/harness.h"

namespace netc::test {

TEST(Archive, IsTheSameWithAnyNumberOfThreads) {
  Module module;
  for (const char *name : {"first", "second", "gradcheck"}) {
    Builder builder(&module, name, Mode::training);
    ValueId x = builder.argument("x", {DType::f32, {{1, true}, {7}}});
    ValueId y = builder.emit("exp", {x});
    module.functions.push_back(builder.finish({builder.emit("add", {y, x})}, {"y"}));
  }
  place_everything(module);
  TargetOptions options;
  options.cpu = "x86-64-v3";
  options.triple = "x86_64-linux-gnu";
  Metadata metadata;
  metadata.json = "{}";
  auto one = generate_archive(module, metadata, options, 1), many = generate_archive(module, metadata, options, 5);
  ASSERT_TRUE(one && many);
  EXPECT_TRUE(one->starts_with("!<arch>\n"));
  EXPECT_EQ(*one, *many);
}

}  // namespace netc::test
