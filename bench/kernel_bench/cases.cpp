#include <fmt/format.h>

#include <array>
#include <utility>

#include "bench/kernel_bench/case.h"

namespace netc::kernel_bench {
namespace {

constexpr std::pair<Direction, std::string_view> kDirections[] = {{Direction::forward, "forward"},
                                                                  {Direction::backward_data, "backward data"},
                                                                  {Direction::backward_weights, "backward weights"}};

void add_dense(std::vector<Case> &all, Dense dense) {
  double amount = 2.0 * static_cast<double>(dense.batch * dense.inputs * dense.outputs);
  std::string shape = fmt::format("{}x{} to {}", dense.batch, dense.inputs, dense.outputs);
  if (dense.batch == 1) {
    all.push_back({"dense batch 1", "dense forward " + shape, dense, Direction::forward, amount});
    return;
  }
  for (auto [direction, text] : kDirections)
    all.push_back({fmt::format("{} {}", dense.bf16 ? "bf16 dense" : "dense", text),
                   fmt::format("{} {} {}", dense.bf16 ? "bf16 dense" : "dense", text, shape), dense, direction,
                   amount});
}

void add_convolution(std::vector<Case> &all, std::string_view kind, Convolution convolution) {
  int64_t result = convolution.result_size();
  int64_t taps = convolution.kernel * convolution.kernel * convolution.channels / convolution.groups;
  double amount = 2.0 * static_cast<double>(convolution.images * result * result * convolution.filters * taps);
  std::string shape =
      fmt::format("{} of {}x{}x{}", convolution.images, convolution.size, convolution.size, convolution.channels);
  if (convolution.channels != convolution.filters) shape += fmt::format(" to {}", convolution.filters);
  if (convolution.groups > 1 && convolution.groups < convolution.channels)
    shape += fmt::format(" in {} groups", convolution.groups);
  if (convolution.stride > 1) shape += fmt::format(" stride {}", convolution.stride);
  for (auto [direction, text] : kDirections) {
    all.push_back(
        {fmt::format("{} {}", kind, text), fmt::format("{} {} {}", kind, text, shape), convolution, direction, amount});
  }
}

// `passes`: how often a value of the whole size is read or written.
void add_sweep(std::vector<Case> &all, std::string name, SweepKind kind, double passes) {
  Sweep sweep{kind, 64, 28, 32};
  double amount = passes * static_cast<double>(sweep.elements()) * sizeof(float);
  all.push_back({name, name, sweep, Direction::forward, amount});
}

}  // namespace

std::vector<Case> all_cases() {
  std::vector<Case> all;
  all.push_back({"gemm", "gemm 512x512x512", Dense{512, 512, 512, false}, Direction::forward, 2.0 * 512 * 512 * 512});
  for (Dense dense :
       {Dense{64, 784, 128}, Dense{128, 784, 512}, Dense{64, 3136, 128}, Dense{64, 512, 256}, Dense{32, 784, 128},
        Dense{8, 784, 128}, Dense{64, 128, 10}, Dense{1, 784, 128}, Dense{1, 3136, 128}})
    add_dense(all, dense);
  for (bool winograd : {false, true})
    for (Convolution convolution :
         {Convolution{64, 28, 32, 32}, Convolution{64, 14, 64, 64}, Convolution{64, 8, 256, 256}}) {
      convolution.winograd = winograd;
      add_convolution(all, winograd ? "Winograd" : "convolution 3x3", convolution);
    }
  for (Convolution convolution : {Convolution{64, 28, 1, 32}, Convolution{64, 32, 3, 64}, Convolution{64, 14, 32, 64},
                                  Convolution{64, 28, 32, 64, 3, 2}, Convolution{1, 28, 32, 32}})
    add_convolution(all, "other convolution 3x3", convolution);
  for (Convolution convolution : {Convolution{64, 14, 64, 128, 1}, Convolution{64, 8, 256, 256, 1}})
    add_convolution(all, "convolution 1x1", convolution);
  for (int64_t images : {2, 64})  // in a core's cache, and beyond it
    add_convolution(all, "depthwise 3x3", {.images = images, .size = 28, .channels = 64, .filters = 64, .groups = 64});
  for (auto [images, size, channels, filters, groups] : std::vector<std::array<int64_t, 5>>{
           {8, 14, 128, 128, 32}, {8, 28, 64, 64, 8}, {8, 14, 512, 512, 32}, {2, 28, 32, 64, 32}})
    add_convolution(all, "grouped 3x3", {images, size, channels, filters, 3, 1, groups});
  for (Dense dense : {Dense{512, 512, 512}, Dense{64, 784, 128}, Dense{128, 784, 512}}) {
    dense.bf16 = true;
    add_dense(all, dense);
  }
  for (Convolution convolution : {Convolution{64, 28, 32, 32}, Convolution{64, 14, 64, 64}}) {
    convolution.bf16 = true;
    add_convolution(all, "bf16 convolution 3x3", convolution);
  }
  add_sweep(all, "batch norm and relu", SweepKind::batch_norm_relu, 3);
  add_sweep(all, "max pool 2x2", SweepKind::max_pool, 1.25);
  add_sweep(all, "add and relu", SweepKind::add_relu, 3);
  add_sweep(all, "adam", SweepKind::adam, 7);
  return all;
}

}  // namespace netc::kernel_bench
