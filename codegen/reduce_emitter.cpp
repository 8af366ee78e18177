#include <llvm/IR/Constants.h>

#include <algorithm>
#include <bit>

#include "codegen/reduce_plan.h"

namespace netc {
namespace {

constexpr int64_t kBlock = 128;        // steps of one accumulator before its total moves on
constexpr unsigned kAccumulators = 8;  // at most, of all kinds together

class ReduceEmitter {
 public:
  ReduceEmitter(const ReducePlan &plan, Kernel &kernel)
      : plan_(plan), task_(*plan.task), kernel_(kernel), ir_(kernel.ir) {
    for (const Storage &storage : task_.operands) operands_.push_back(kernel.operand(storage));
    for (const Storage &storage : task_.results) results_.push_back(kernel.address(storage));
    std::tie(first_, last_) = kernel.chunk_range(plan.units, plan.units_per_chunk);
    if (plan.split)
      partial_ =
          plan.units.batch ? kernel.batch_space(task_.scratch_batch_at) : kernel.fixed_space(task_.scratch_fixed_at);
  }

  void emit() {
    size_t axes = plan_.space.axes.size();
    outer(0, std::vector<LaneIndex>(axes), std::vector<bool>(axes, false),
          BodyEvaluator(task_.body, plan_.space, operands_));
  }

 private:
  using Values = Kernel::Values;
  using Point = std::vector<LaneIndex>;

  std::pair<llvm::Value *, llvm::Value *> range(size_t axis) {
    bool chunked = plan_.split ? *plan_.split == axis : !plan_.kept.empty() && plan_.kept[0] == axis;
    if (chunked) return {first_, last_};
    return {kernel_.i64(0), kernel_.size(plan_.space.axes[axis])};
  }

  // Loops over the kept axes.
  void outer(size_t depth, Point point, std::vector<bool> bound, BodyEvaluator evaluator) {
    LaneBuilder scalar(kernel_, 1);
    evaluator.hoist(scalar, point, bound);
    if (depth < plan_.kept.size()) {
      size_t axis = plan_.kept[depth];
      auto [begin, end] = range(axis);
      bound[axis] = true;
      kernel_.loop(begin, end, 1, [&](llvm::Value *i) {
        Point inside = point;
        inside[axis].base = i;
        outer(depth + 1, inside, bound, evaluator);
      });
    } else if (plan_.vector_axis && !plan_.vector_reduced) {
      across_kept(point, bound, evaluator);
    } else {
      across_reduced(point, bound, evaluator);
    }
  }

  // ---- the vector axis is kept: several vectors of it go through the reduced axes together

  struct Column {
    LaneBuilder builder;
    BodyEvaluator evaluator;
    Point point;
  };

  void across_kept(const Point &point, std::vector<bool> bound, const BodyEvaluator &evaluator) {
    size_t axis = *plan_.vector_axis;
    Dim dim = plan_.space.axes[axis];
    bound[axis] = true;
    auto columns = [&](unsigned lanes, llvm::Value *base, int64_t constant, size_t count, llvm::Value *last_mask) {
      std::vector<Column> group;
      for (size_t n = 0; n < count; ++n) {
        Column column{LaneBuilder(kernel_, lanes, n + 1 == count ? last_mask : nullptr), evaluator, point};
        column.point[axis] = {base, constant + static_cast<int64_t>(n * lanes), lanes > 1 ? 1 : 0, nullptr};
        column.evaluator.hoist(column.builder, column.point, bound);
        group.push_back(std::move(column));
      }
      sum_columns(group);
    };
    unsigned lanes = plan_.lanes;
    if (dim.batch) {
      for_lanes(
          kernel_, lanes, kernel_.i64(0), kernel_.size(dim), std::nullopt,
          [&](LaneBuilder &builder, LaneIndex i) { columns(builder.lanes, i.base, i.constant, 1, builder.mask); });
      return;
    }
    size_t widest = kernel_.target.small_code ? 1 : std::max<size_t>(1, kAccumulators / plan_.ends.size());
    int64_t step = static_cast<int64_t>(widest * lanes), full = dim.size / step * step;
    if (full > 0)
      kernel_.loop(kernel_.i64(0), kernel_.i64(full), step,
                   [&](llvm::Value *i) { columns(lanes, i, 0, widest, nullptr); });
    int64_t rest = dim.size - full, vectors = rest / lanes, tail = rest % lanes;
    unsigned width = std::bit_ceil(static_cast<unsigned>(tail));
    bool mask_tail = tail > 0 && kernel_.target.masked_memory;
    if (mask_tail && vectors > 0) {  // the tail goes along with the full vectors, masked
      columns(lanes, nullptr, full, static_cast<size_t>(vectors) + 1, first_lanes(kernel_, lanes, kernel_.i64(tail)));
      return;
    }
    if (vectors > 0) columns(lanes, nullptr, full, static_cast<size_t>(vectors), nullptr);
    full += vectors * lanes;
    if (mask_tail) {
      columns(width, nullptr, full, 1, width == tail ? nullptr : first_lanes(kernel_, width, kernel_.i64(tail)));
      return;
    }
    for (; tail > 0; tail -= width, full += width) {
      width = std::bit_floor(static_cast<unsigned>(tail));
      columns(width, nullptr, full, 1, nullptr);
    }
  }

  void sum_columns(std::vector<Column> &group) {
    // Few columns leave accumulators free: they take every second, third ... step. The places of a window are steps
    // that wait for nothing as it is.
    size_t together = group.size() * plan_.ends.size() * plan_.space.places();
    unsigned interleaved =
        plan_.reduced.empty() ? 1 : std::bit_floor(std::max(1u, kAccumulators / static_cast<unsigned>(together)));
    interleaved = kernel_.target.small_code ? 1 : std::min(interleaved, 4u);
    Values start;
    for (Column &column : group)
      for (const ReduceEnd &end : plan_.ends) start.push_back(column.builder.identity(end.kind, end.dtype));
    Values totals = reduced_loops(
        0, start, interleaved,
        [&](const std::vector<llvm::Value *> &index, Values sums) {
          size_t at = 0;
          for (Column &column : group) {
            Point point = column.point;
            for (size_t n = 0; n < plan_.reduced.size(); ++n) point[plan_.reduced[n]].base = index[n];
            add_point(column.builder, column.evaluator, point, sums, at);
            at += plan_.ends.size();
          }
          return sums;
        },
        group[0].builder);
    size_t at = 0;
    for (Column &column : group)
      for (const ReduceEnd &end : plan_.ends) store(column.builder, column.point, end, totals[at++]);
  }

  // sums[at + e] += the value of end e at the point; stores the elementwise results.
  void add_point(LaneBuilder &builder, BodyEvaluator evaluator, const Point &point, Values &sums, size_t at) {
    for (const ReduceEnd &end : plan_.ends) {
      sums[at] = builder.combine(end.kind, sums[at], whole_window(builder, evaluator, point, end));
      ++at;
    }
    for (size_t n : plan_.streamed) {
      const Stream &stream = plan_.space.results[n];
      for (size_t place = 0; place < plan_.space.places(stream); ++place) {
        llvm::Value *value = evaluator.at(builder, task_.body.results[n], point, place);
        builder.store_element(results_[n].base, results_[n].dtype, plan_.space.offset(builder, stream, point, place),
                              builder.make(value, results_[n].dtype));
      }
    }
  }

  // The places of a window by a tree of halves; without a window, the value at the point.
  llvm::Value *whole_window(LaneBuilder &builder, BodyEvaluator &evaluator, const Point &point, const ReduceEnd &end) {
    Values places;
    for (size_t place = 0; place < plan_.space.places(); ++place)
      places.push_back(builder.spread(evaluator.at(builder, end.value, point, place)));
    while (places.size() > 1) {
      size_t half = (places.size() + 1) / 2;
      for (size_t n = 0; n + half < places.size(); ++n)
        places[n] = builder.combine(end.kind, places[n], places[n + half]);
      places.resize(half);
    }
    return places[0];
  }

  using Step = std::function<Values(const std::vector<llvm::Value *> &, Values)>;

  Values combine_all(LaneBuilder &builder, const Values &a, const Values &b) {
    Values result;
    for (size_t n = 0; n < a.size(); ++n)
      result.push_back(builder.combine(plan_.ends[n % plan_.ends.size()].kind, a[n], b[n]));
    return result;
  }

  // The loops over the reduced axes but the vector axis; the innermost in blocks, interleaved over several
  // accumulators.
  Values reduced_loops(size_t depth, const Values &start, unsigned interleaved, const Step &step, LaneBuilder &builder,
                       std::vector<llvm::Value *> index = {}) {
    if (depth == plan_.reduced.size()) return step(index, start);
    auto [begin, end] = range(plan_.reduced[depth]);
    if (depth + 1 < plan_.reduced.size())
      return kernel_.loop(begin, end, 1, start, [&](llvm::Value *i, const Values &carried) {
        std::vector<llvm::Value *> inside = index;
        inside.push_back(i);
        return reduced_loops(depth + 1, carried, interleaved, step, builder, inside);
      });
    index.push_back(nullptr);
    return blocked(begin, end, interleaved, start, builder, [&](llvm::Value *i, Values sums) {
      index.back() = i;
      return step(index, std::move(sums));
    });
  }

  // Sums step(i) for i in [begin, end) into `start`: fresh accumulators for each block, step by step round them.
  Values blocked(llvm::Value *begin, llvm::Value *end, unsigned interleaved, const Values &start, LaneBuilder &builder,
                 const std::function<Values(llvm::Value *, Values)> &step) {
    size_t width = start.size();
    auto block = [&](llvm::Value *from, llvm::Value *to, const Values &total) {
      Values fresh;
      for (unsigned k = 0; k < interleaved; ++k)
        for (size_t n = 0; n < width; ++n) {
          const ReduceEnd &reduction = plan_.ends[n % plan_.ends.size()];
          fresh.push_back(builder.identity(reduction.kind, reduction.dtype));
        }
      auto part = [&](const Values &all, unsigned k) {
        return Values(all.begin() + static_cast<std::ptrdiff_t>(k * width),
                      all.begin() + static_cast<std::ptrdiff_t>((k + 1) * width));
      };
      llvm::Value *length = ir_.CreateNSWSub(to, from);
      llvm::Value *rest =
          interleaved == 1
              ? to
              : ir_.CreateNSWAdd(from, ir_.CreateAnd(length, kernel_.i64(-static_cast<int64_t>(interleaved))));
      Values sums = kernel_.loop(from, rest, interleaved, fresh, [&](llvm::Value *i, const Values &carried) {
        Values next;
        for (unsigned k = 0; k < interleaved; ++k) {
          Values own = step(k == 0 ? i : ir_.CreateNSWAdd(i, kernel_.i64(k)), part(carried, k));
          next.insert(next.end(), own.begin(), own.end());
        }
        return next;
      });
      if (interleaved > 1) {
        Values first = kernel_.loop(rest, to, 1, part(sums, 0),
                                    [&](llvm::Value *i, const Values &carried) { return step(i, carried); });
        std::copy(first.begin(), first.end(), sums.begin());
      }
      for (unsigned half = interleaved / 2; half > 0; half /= 2)
        for (unsigned k = 0; k < half; ++k) {
          Values sum = combine_all(builder, part(sums, k), part(sums, k + half));
          std::copy(sum.begin(), sum.end(), sums.begin() + static_cast<std::ptrdiff_t>(k * width));
        }
      return combine_all(builder, total, part(sums, 0));
    };
    int64_t block_steps = kBlock * interleaved;
    auto *b = llvm::dyn_cast<llvm::ConstantInt>(begin), *e = llvm::dyn_cast<llvm::ConstantInt>(end);
    if (b != nullptr && e != nullptr && e->getSExtValue() - b->getSExtValue() <= block_steps)
      return block(begin, end, start);
    return kernel_.loop(begin, end, block_steps, start, [&](llvm::Value *from, const Values &total) {
      llvm::Value *to = ir_.CreateNSWAdd(from, kernel_.i64(block_steps));
      return block(from, ir_.CreateSelect(ir_.CreateICmpSLT(to, end), to, end), total);
    });
  }

  // ---- the vector axis is reduced too

  void across_reduced(const Point &point, const std::vector<bool> &bound, const BodyEvaluator &evaluator) {
    unsigned lanes = plan_.vector_axis ? plan_.lanes : 1;
    LaneBuilder wide(kernel_, lanes);
    Values start;
    for (const ReduceEnd &end : plan_.ends) start.push_back(wide.identity(end.kind, end.dtype));
    Values totals;
    if (!plan_.vector_axis) {
      Values sums = start;
      add_point(wide, evaluator, point, sums, 0);
      totals = sums;
    } else {
      std::vector<bool> row_bound = bound;
      for (size_t axis : plan_.reduced) row_bound[axis] = true;
      totals = reduced_rows(0, point, row_bound, evaluator, start, wide);
    }
    LaneBuilder scalar(kernel_, 1);
    for (size_t e = 0; e < plan_.ends.size(); ++e)
      store(scalar, point, plan_.ends[e], wide.combine_lanes(plan_.ends[e].kind, totals[e]));
  }

  Values reduced_rows(size_t depth, const Point &point, const std::vector<bool> &row_bound,
                      const BodyEvaluator &evaluator, const Values &start, LaneBuilder &wide) {
    if (depth == plan_.reduced.size()) {
      BodyEvaluator row = evaluator;
      LaneBuilder scalar(kernel_, 1);
      row.hoist(scalar, point, row_bound);
      return reduce_row(point, row, start, wide);
    }
    size_t axis = plan_.reduced[depth];
    auto [begin, end] = range(axis);
    return kernel_.loop(begin, end, 1, start, [&](llvm::Value *i, const Values &carried) {
      Point inside = point;
      inside[axis].base = i;
      Values sum = carried;
      // The rows of an inner axis are a sum of their own, which keeps long sums short.
      if (depth + 1 == plan_.reduced.size()) return reduced_rows(depth + 1, inside, row_bound, evaluator, sum, wide);
      Values fresh;
      for (const ReduceEnd &end_of : plan_.ends) fresh.push_back(wide.identity(end_of.kind, end_of.dtype));
      return combine_all(wide, sum, reduced_rows(depth + 1, inside, row_bound, evaluator, fresh, wide));
    });
  }

  // One row along the vector axis into `start`.
  Values reduce_row(const Point &point, const BodyEvaluator &evaluator, const Values &start, LaneBuilder &wide) {
    size_t axis = *plan_.vector_axis;
    auto [begin, end] = range(axis);
    unsigned lanes = plan_.lanes;
    auto *b = llvm::dyn_cast<llvm::ConstantInt>(begin), *e = llvm::dyn_cast<llvm::ConstantInt>(end);
    std::optional<int64_t> count;
    if (b != nullptr && e != nullptr) count = e->getSExtValue() - b->getSExtValue();
    auto add = [&](LaneBuilder &builder, llvm::Value *base, Values sums) {
      Point inside = point;
      inside[axis] = {base, 0, builder.lanes > 1 ? 1 : 0, nullptr};
      if (builder.mask == nullptr) {
        add_point(builder, evaluator, inside, sums, 0);
        return sums;
      }
      Values added = sums;
      add_point(builder, evaluator, inside, added, 0);
      for (size_t n = 0; n < sums.size(); ++n) sums[n] = ir_.CreateSelect(builder.mask, added[n], sums[n]);
      return sums;
    };
    // Full vectors, several accumulators; positions are counted in vectors.
    llvm::Value *length = ir_.CreateNSWSub(end, begin);
    llvm::Value *vectors = ir_.CreateAShr(length, static_cast<uint64_t>(std::countr_zero(lanes)));
    bool long_row = !count || *count >= static_cast<int64_t>(lanes) * 4;
    unsigned interleaved =
        long_row ? std::bit_floor(std::max(1u, std::min(4u, kAccumulators / static_cast<unsigned>(plan_.ends.size()))))
                 : 1;
    Values sums = blocked(kernel_.i64(0), vectors, interleaved, start, wide, [&](llvm::Value *v, Values own) {
      return add(wide, ir_.CreateNSWAdd(begin, ir_.CreateNSWMul(v, kernel_.i64(lanes))), std::move(own));
    });
    if (count && *count % lanes == 0) return sums;
    llvm::Value *full_end = ir_.CreateNSWAdd(begin, ir_.CreateNSWMul(vectors, kernel_.i64(lanes)));
    if (kernel_.target.masked_memory) {
      LaneBuilder masked(kernel_, lanes, first_lanes(kernel_, lanes, ir_.CreateNSWSub(end, full_end)));
      return add(masked, full_end, sums);
    }
    // The rest one by one into lane 0.
    LaneBuilder single(kernel_, 1);
    Values first;
    for (llvm::Value *sum : sums) first.push_back(ir_.CreateExtractElement(sum, uint64_t{0}));
    first = kernel_.loop(full_end, end, 1, first,
                         [&](llvm::Value *i, const Values &carried) { return add(single, i, carried); });
    for (size_t n = 0; n < sums.size(); ++n) sums[n] = ir_.CreateInsertElement(sums[n], first[n], uint64_t{0});
    return sums;
  }

  // ---- where a total goes: the result, or the partial results of this chunk

  void store(LaneBuilder &builder, const Point &point, const ReduceEnd &end, llvm::Value *total) {
    std::vector<Index> index;
    for (const LaneIndex &i : point) index.push_back(builder.make(i));
    if (!plan_.split) {
      const Address &result = results_[end.result];
      builder.store_element(result.base, end.dtype, builder.offset_of(plan_.space.results[end.result].strides, index),
                            builder.make(total, end.dtype));
      return;
    }
    Index number = builder.index(0);
    int64_t stride = 1;
    for (size_t axis = plan_.space.axes.size(); axis-- > 0;) {
      if (plan_.space.reduced[axis]) continue;
      number = builder.add(number, builder.scale(index[axis], stride));
      stride *= plan_.space.axes[axis].size;
    }
    number = partial_place(builder, plan_, kernel_.chunk, static_cast<size_t>(&end - plan_.ends.data()), number);
    builder.store_element(partial_, end.dtype, builder.at(number), builder.make(total, end.dtype));
  }

  const ReducePlan &plan_;
  const OpTask &task_;
  Kernel &kernel_;
  llvm::IRBuilder<> &ir_;
  std::vector<Operand> operands_;
  std::vector<Address> results_;
  llvm::Value *first_ = nullptr, *last_ = nullptr;
  llvm::Value *partial_ = nullptr;
};

}  // namespace

void emit_reduction(const ReducePlan &plan, Kernel &kernel) { ReduceEmitter(plan, kernel).emit(); }

}  // namespace netc
