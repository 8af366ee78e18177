#include "codegen/contraction/transpose.h"

#include <algorithm>

#include "codegen/contraction/common.h"

namespace netc::contraction {

using llvm::Value;

namespace {

constexpr unsigned kPieceBytes = 16;

// Groups of `group` elements of x and y in turn, from the lower or the upper half of each 16 bytes.
Value *interleaved(llvm::IRBuilder<> &ir, Value *x, Value *y, int lanes, int piece, int group, bool upper) {
  std::vector<int> mask;
  for (int first = 0; first < lanes; first += piece)
    for (int i = 0; i < piece / 2; i += group)
      for (Value *from : {x, y})
        for (int k = 0; k < group; ++k)
          mask.push_back((from == y ? lanes : 0) + first + (upper ? piece / 2 : 0) + i + k);
  return ir.CreateShuffleVector(x, y, mask);
}

// Transposes the squares of 16 bytes by as many vectors, each by itself.
void transpose_squares(llvm::IRBuilder<> &ir, std::vector<Value *> &rows, int lanes) {
  int piece = static_cast<int>(rows.size());
  for (int group = 1; group < piece; group *= 2) {
    std::vector<Value *> result;
    for (int first = 0; first < piece; first += first % (2 * group) == group - 1 ? group + 1 : 1)
      for (bool upper : {false, true})
        result.push_back(interleaved(ir, rows[first], rows[first + group], lanes, piece, group, upper));
    rows = result;
  }
}

// Pieces of 16 bytes of x and y: those that `pieces` names, first of x, then of y.
Value *pieces_of(llvm::IRBuilder<> &ir, Value *x, Value *y, int lanes, int piece, std::initializer_list<int> pieces) {
  std::vector<int> mask;
  for (int from : {0, lanes})
    for (int number : pieces)
      for (int i = 0; i < piece; ++i) mask.push_back(from + number * piece + i);
  return ir.CreateShuffleVector(x, y, mask);
}

}  // namespace

std::vector<Value *> transposed(llvm::IRBuilder<> &ir, std::vector<Value *> rows) {
  auto *vector = llvm::cast<llvm::FixedVectorType>(rows.front()->getType());
  int lanes = static_cast<int>(rows.size()), piece = static_cast<int>(kPieceBytes * 8 / vector->getScalarSizeInBits());
  std::vector<Value *> result(rows.size());
  // Squares of 16 bytes first; then row j of group k holds parts of the result's rows j, piece + j, 2 piece + j, ...
  for (int first = 0; first < lanes; first += piece) {
    std::vector<Value *> group(rows.begin() + first, rows.begin() + first + piece);
    transpose_squares(ir, group, lanes);
    std::copy(group.begin(), group.end(), rows.begin() + first);
  }
  for (int j = 0; j < piece; ++j) {
    auto part = [&](int k) { return rows[static_cast<size_t>(k * piece + j)]; };
    auto to = [&](int k) -> Value *& { return result[static_cast<size_t>(k * piece + j)]; };
    if (lanes == piece) {
      to(0) = part(0);
    } else if (lanes == 2 * piece) {
      to(0) = pieces_of(ir, part(0), part(1), lanes, piece, {0});
      to(1) = pieces_of(ir, part(0), part(1), lanes, piece, {1});
    } else {
      for (int half : {0, 2}) {
        Value *x = pieces_of(ir, part(0), part(1), lanes, piece, {half, half + 1});
        Value *y = pieces_of(ir, part(2), part(3), lanes, piece, {half, half + 1});
        to(half) = pieces_of(ir, x, y, lanes, piece, {0, 2});
        to(half + 1) = pieces_of(ir, x, y, lanes, piece, {1, 3});
      }
    }
  }
  return result;
}

std::vector<Value *> load_turned(llvm::IRBuilder<> &ir, llvm::Type *element, unsigned lanes, int64_t columns,
                                 const std::function<Value *(int64_t column)> &at) {
  int64_t bytes = static_cast<int64_t>(element->getPrimitiveSizeInBits().getFixedValue() / 8),
          piece = kPieceBytes / bytes;
  llvm::Type *vector = llvm::FixedVectorType::get(element, lanes);
  llvm::Type *piece_type = llvm::FixedVectorType::get(element, static_cast<unsigned>(piece));
  // Inserting from memory is cheaper than a shuffle: what crosses 16 bytes is done by the loads.
  std::vector<Value *> rows(static_cast<size_t>(piece), llvm::Constant::getNullValue(vector));
  for (int64_t column = 0; column < columns; ++column) {
    Value *loaded = ir.CreateAlignedLoad(piece_type, at(column), llvm::Align(static_cast<uint64_t>(bytes)));
    Value *&row = rows[static_cast<size_t>(column % piece)];
    row = lanes == piece
              ? loaded
              : ir.CreateInsertVector(vector, row, loaded, ir.getInt64(static_cast<uint64_t>(column / piece * piece)));
  }
  transpose_squares(ir, rows, static_cast<int>(lanes));
  return rows;
}

void emit_transpose(KernelEmitter &emitter, const PanelTranspose &panel) {
  llvm::IRBuilder<> &ir = emitter.ir();
  llvm::Type *element = element_type(emitter, panel.dtype);
  int64_t bytes = static_cast<int64_t>(byte_size(panel.dtype));
  unsigned lanes = emitter.target().lanes(panel.dtype);
  int64_t piece = kPieceBytes / bytes;
  llvm::Align align(static_cast<uint64_t>(bytes));
  Value *whole_steps = ir.CreateMul(ir.CreateSDiv(panel.steps, ir.getInt64(piece)), ir.getInt64(piece));

  auto line = [&](const Panel &square, int64_t column) {
    Value *place = ir.CreateAdd(square.first, ir.getInt64(static_cast<uint64_t>(column)));
    if (panel.last != nullptr) place = ir.CreateBinaryIntrinsic(llvm::Intrinsic::smin, place, panel.last);
    return ir.CreateMul(place, panel.from_stride);
  };
  auto destination = [&](const Panel &square, int64_t column, Value *step) {
    Value *inside = ir.CreateAdd(ir.CreateSub(square.first, panel.begin), ir.getInt64(static_cast<uint64_t>(column)));
    return element_at(emitter, element, panel.to, ir.CreateAdd(scaled(emitter, step, panel.width), inside));
  };
  Panels squares = make_panels(panel.columns, lanes, 1);
  for_panels(emitter, squares, panel.begin, panel.end, [&](const Panel &square) {
    int64_t inside = square.tail == 0 ? lanes : square.tail;
    std::vector<Value *> lines;
    for (int64_t column = 0; column < inside; ++column) lines.push_back(line(square, column));
    auto source = [&](int64_t column, Value *step) {
      return element_at(emitter, element, panel.from, ir.CreateAdd(lines[static_cast<size_t>(column)], step));
    };
    for_range(emitter, ir.getInt64(0), whole_steps, piece, [&](Value *step) {
      std::vector<Value *> rows =
          load_turned(ir, element, lanes, inside, [&](int64_t column) { return source(column, step); });
      for (int64_t i = 0; i < piece; ++i)
        ir.CreateAlignedStore(rows[static_cast<size_t>(i)],
                              destination(square, 0, ir.CreateAdd(step, ir.getInt64(static_cast<uint64_t>(i)))), align);
    });
    for_range(emitter, whole_steps, panel.steps, 1, [&](Value *step) {
      for (int64_t column = 0; column < inside; ++column)
        ir.CreateAlignedStore(ir.CreateAlignedLoad(element, source(column, step), align),
                              destination(square, column, step), align);
    });
  });
}

}  // namespace netc::contraction
