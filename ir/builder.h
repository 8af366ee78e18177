// Builds a function op by op, inferring result types. Passes use it to rebuild a function; the frontend to make one.
#pragma once

#include <initializer_list>
#include <string>
#include <unordered_map>
#include <vector>

#include "ir/graph.h"
#include "ir/op.h"

namespace netc {

class Builder {
 public:
  // `module` is where `read` and `write` look weights up; it must outlive the builder. May be null for fused bodies.
  Builder(const Module *module, std::string function_name, Mode mode);

  ValueId argument(std::string name, Type type);
  // Appends an op, filling in default attributes and checking operands, attributes and shapes; the error is for a user.
  Result<std::vector<ValueId>> try_emit(std::string_view op, std::vector<ValueId> operands, Attributes attributes = {});
  // The same where failure is our own mistake (aborts with the message); for ops with one result, or none (kNoValue).
  ValueId emit(std::string_view op, std::vector<ValueId> operands, Attributes attributes = {});
  // Appends a copy of `op` of another function with operands already mapped; returns its results. Keeps the location,
  // names, halos of `from`'s results.
  std::vector<ValueId> clone(const Op &op, const Function &from, std::vector<ValueId> operands);
  // Appends a `fused` op. The body takes the mode of this function; its own name and result names are dropped.
  std::vector<ValueId> fused(std::string kind, std::vector<ValueId> operands, Function body);

  // Scalars and constants. `like` gives the dtype.
  ValueId constant(double value, DType dtype = DType::f32);

  // Where the next ops come from in the user's file.
  void set_location(Location location) { location_ = std::move(location); }
  const Location &location() const { return location_; }
  // Gives a value a readable name; made unique with a suffix. Characters other than letters, digits, `_`, `.` become
  // `_`.
  void name(ValueId value, std::string name);

  void set_halo(ValueId value, Halo halo) { function_.values[value].halo = halo; }

  // The reference holds until the next op.
  const Type &type(ValueId value) const { return function_.values[value].type; }
  const Function &function() const { return function_; }
  Mode mode() const { return function_.mode; }
  // Ends building. Results get these names.
  Function finish(std::vector<ValueId> results, std::vector<std::string> result_names);

 private:
  Result<std::vector<ValueId>> append(std::string_view op, std::vector<ValueId> operands, Attributes attributes,
                                      std::shared_ptr<const Function> body);
  ValueId new_value(Type type, std::string name);
  ValueId new_numbered_value(Type type);
  std::string unique_name(std::string name);
  const Module *module_;
  Function function_;
  Location location_;
  std::unordered_map<std::string, uint32_t> names_;
  uint32_t next_number_ = 0;
};

}  // namespace netc
