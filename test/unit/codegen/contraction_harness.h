// Compiles one contraction by itself, with an epilogue that adds a number for each position along the last axis, and
// runs it: what tests and benchmarks of codegen/contraction stand on.
#pragma once

#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "codegen/kernel_emitter.h"
#include "test/unit/codegen/loaded_object.h"

namespace netc::contraction_test {

struct Contraction {
  std::string op;  // "matmul", "conv2d", "conv2d_backward_weights"
  std::vector<ValueLayout> operands;
  ValueLayout result;
  Attributes attributes;
  bool constant_kernel = false;
};
// `dtype` is that of the operands; products of bf16 are added up in f32.
Contraction matmul(Dim rows, Dim steps, Dim columns, bool transpose_a, bool transpose_b, DType dtype = DType::f32);

struct Window {
  int64_t kernel_height = 3, kernel_width = 3;
  std::vector<int64_t> strides{1, 1}, padding{0, 0, 0, 0}, dilation{1, 1}, input_dilation{1, 1};
  int64_t groups = 1;
};
// The halo of the input is given; the result has none unless set afterwards.
Contraction conv2d(Dim images, int64_t height, int64_t width, int64_t channels, int64_t filters, const Window &window,
                   Halo halo, DType dtype = DType::f32);
Contraction conv2d_backward_weights(Dim images, int64_t height, int64_t width, int64_t channels, int64_t filters,
                                    const Window &window, Halo halo, DType dtype = DType::f32);

// Elements of a value as stored, halo included, and the position of logical element 0.
int64_t stored_elements(const ValueLayout &layout, int64_t batch);
int64_t first_element(const ValueLayout &layout);
std::vector<int64_t> strides_of(const ValueLayout &layout);

class Compiled {
 public:
  Compiled(const Contraction &contraction, const Target &target);
  // Pointers to the first stored element. `bias` has one element for each position of the result's last axis;
  // `backwards` runs the chunks of every stage last to first. What a constant kernel is prepared as is made in each
  // run, unless `prepared` says that it is there from the run before.
  void run(const void *a, const void *b, const void *bias, void *result, int64_t batch, bool backwards = false,
           bool prepared = false);

  const ContractionLowering &lowering() const { return lowering_; }
  // The module as text: for a look at what was emitted.
  const std::string &ir() const { return ir_; }

 private:
  Contraction contraction_;
  ContractionLowering lowering_;
  std::unique_ptr<test::LoadedObject> object_;
  std::vector<uint64_t> kernels_;
  struct Free {
    void operator()(char *memory) const { std::free(memory); }
  };
  std::unique_ptr<char, Free> scratch_;  // in huge pages where there are any, as the workspace of a compiled program
  size_t scratch_size_ = 0;
  std::string ir_;
};

}  // namespace netc::contraction_test
