// Program: the generated code behind typed calls by name. It owns what the functions work on: the weight block, the
// workspaces and the runtime values.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "runtime/abi.h"
#include "runtime/pool/pool.h"
#include "runtime/train/buffer.h"
#include "support/result.h"

namespace netc::runtime {

enum class Role { weight, state, optimizer };

struct Weight {
  std::string name;
  std::string dtype;
  std::vector<int64_t> shape;
  bool trainable = false;
  Role role = Role::weight;
  int64_t offset = 0;  // in the weight block, bytes
  int64_t elements = 1;
  int64_t bytes = 0;
};

// An argument or result of a function. The size of a batch axis is `batch_factor` * B.
struct Port {
  std::string name;
  std::string dtype;
  std::vector<int64_t> shape;  // the factor of B on a batch axis
  bool has_batch = false;
  int64_t elements = 1;  // of all static axes and factors
  int64_t bytes(int64_t batch) const;
};
Port port_from_json(const nlohmann::json &value);

struct Function {
  std::string name;
  const nc_function_entry *entry = nullptr;
  std::vector<Port> inputs, outputs;
  bool changes_weights = false;
};

class Program {
 public:
  // Checks that the object and its metadata fit each other. `source` outlives the program; no pool: one thread.
  static Result<Program> open(const nc_program_t &source);

  const std::string &name() const { return name_; }
  const nlohmann::json &metadata() const { return metadata_; }
  const nc_program_t &source() const { return *source_; }
  const std::vector<Weight> &weights() const { return weights_; }
  const std::vector<Function> &functions() const { return functions_; }
  const Function *function(std::string_view name) const;  // null: the program has none of that name

  // Takes the memory of the weights, all zero. Needed before the first call.
  Result<void> allocate_weights();
  std::span<const char> weight_block() const { return {block_.data(), static_cast<size_t>(source_->weight_bytes)}; }
  const char *weight_data(const Weight &weight) const { return block_.data() + weight.offset; }
  void set_weight(const Weight &weight, std::string_view bytes);
  // Whether the optimizer keeps moving averages of weights (use_ema).
  bool has_averages() const { return !averages_.empty(); }
  // Puts each average in its weight's place and the weight in that of the average; called again, back.
  void swap_averages();

  // Runtime values; one that the program does not use is ignored. Returns whether it does.
  bool set_scalar(std::string_view name, double value);
  void set_seed(uint64_t seed) { seed_ = seed; }
  void set_step(int64_t step);
  void set_pool(ThreadPool *pool) { pool_ = pool; }
  int threads() const { return pool_ ? pool_->threads() : 1; }

  // Calls a function; `prepare` before it, if there is one and weights have changed since. Takes as much memory as the
  // batch needs (workspace_bytes), so the first call with a size may fail for memory. Where samples do not depend on
  // each other, blocks of them, cut by the batch alone, go through the whole function one after the other, and where
  // there are enough of them threads take a share of the blocks each.
  Result<void> call(const Function &function, std::span<const void *const> inputs, std::span<void *const> outputs,
                    int64_t batch);
  // Of a call of the function, besides the weights.
  int64_t workspace_bytes(const Function &function, int64_t batch) const;
  // Calls a function that changes weights on a copy of the weight block: the program's own stay as they are.
  Result<void> call_on(Buffer &weights, const Function &function, std::span<const void *const> inputs,
                       std::span<void *const> outputs, int64_t batch);
  ThreadPool *pool() { return pool_; }

 private:
  Result<void> run(char *weights, const Function &function, std::span<const void *const> inputs,
                   std::span<void *const> outputs, int64_t batch);

  const nc_program_t *source_ = nullptr;
  std::string name_;
  nlohmann::json metadata_;
  std::vector<Weight> weights_;
  std::vector<Function> functions_;
  std::vector<std::pair<size_t, size_t>> averages_;  // weights and the averages of them
  std::map<std::string, size_t, std::less<>> scalar_index_;
  std::vector<double> scalars_;
  Buffer block_, workspace_;
  ThreadPool *pool_ = nullptr;
  uint64_t seed_ = 0;
  uint64_t step_ = 0;
  bool prepared_ = false;
};

// The averages in the place of the weights, from the beginning of its life until `end` or its end.
class AveragedWeights {
 public:
  // Does nothing unless `wanted`.
  AveragedWeights(Program &program, bool wanted) : program_(program), swapped_(wanted) {
    if (swapped_) program_.swap_averages();
  }
  ~AveragedWeights() { end(); }
  AveragedWeights(const AveragedWeights &) = delete;
  AveragedWeights &operator=(const AveragedWeights &) = delete;
  void end() {
    if (swapped_) program_.swap_averages();
    swapped_ = false;
  }

 private:
  Program &program_;
  bool swapped_;
};

// Results of a function as f32 or f64 arrays: memory for them, and pointers in order.
class Results {
 public:
  Results(const Function &function, int64_t batch);
  std::span<void *const> pointers() const { return pointers_; }
  // Element `index` of result `port`, whatever its floating type.
  double value(size_t port, int64_t index = 0) const;
  int64_t elements(size_t port) const { return elements_[port]; }
  const char *data(size_t port) const { return static_cast<const char *>(pointers_[port]); }

 private:
  const Function *function_;
  std::vector<std::vector<double>> storage_;  // of doubles for their alignment
  std::vector<void *> pointers_;
  std::vector<int64_t> elements_;
};

int64_t dtype_bytes(std::string_view dtype);  // of "f32", "i32", "bool", ...; 0: unknown

}  // namespace netc::runtime
