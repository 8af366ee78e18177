#include "ir/emit.h"

#include <algorithm>

namespace netc::emit {

ValueId filled(Builder &b, const Type &type, double value) {
  bool depends_on_batch = std::any_of(type.shape.begin(), type.shape.end(), [](Dim d) { return d.batch; });
  if (depends_on_batch) return broadcast_to(b, b.constant(value, type.dtype), type.shape);
  return b.emit(
      "constant", {},
      {{"dtype", std::string(name(type.dtype))}, {"shape", type.shape}, {"values", std::vector<double>{value}}});
}

}  // namespace netc::emit
