// The arguments of a call of the `data` section, and the files they name. Shared by the readers.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "runtime/data/reader.h"
#include "support/result.h"

namespace netc::runtime {

// A string, or a bare name: {"name": "drop"}.
std::optional<std::string> text_of(const nlohmann::json &value);
// One text or a list of texts.
std::optional<std::vector<std::string>> texts_of(const nlohmann::json &value);

// The name of a call ("csv"), or "" when the value is no call.
std::string call_name(const nlohmann::json &call);
// A named argument, or null when it is absent or `none`.
const nlohmann::json *named_argument(const nlohmann::json &call, const std::string &name);
// Fails when the call has a named argument that is not known.
Result<void> check_named_arguments(const nlohmann::json &call, const std::vector<std::string> &known);
// The positional arguments, which must be texts: between `least` and `most` of them.
Result<std::vector<std::string>> path_arguments(const nlohmann::json &call, size_t least, size_t most,
                                                const std::string &usage);
// A named argument that is a text, a list of texts, a boolean; the default when absent.
Result<std::string> text_argument(const nlohmann::json &call, const std::string &name, const std::string &otherwise);
Result<std::vector<std::string>> texts_argument(const nlohmann::json &call, const std::string &name);
Result<bool> boolean_argument(const nlohmann::json &call, const std::string &name, bool otherwise);

// missing = error, drop, mean, median, most_frequent or a number.
Result<MissingPolicy> missing_argument(const nlohmann::json &call);

// `path` below the request's root unless it is absolute.
std::string resolve_path(const std::string &root, const std::string &path);
// The content of the file, unpacked when it is gzip.
Result<std::string> read_data_file(const ReadRequest &request, const std::string &path);

// For messages: "x" in quotes, shortened to 40 bytes, control characters as \xNN.
std::string in_quotes(std::string_view text);
// Names are stored as JSON with the model, so they have to be UTF-8 (RFC 3629: no overlong forms, no surrogates).
bool is_utf8(std::string_view text);
// "a, b and c", with at most `limit` names shown.
std::string listed(const std::vector<std::string> &names, size_t limit = 12);

// Rows of `values` (each `width` long) that hold a NaN or an infinity: an error that names the first by `what` ("sample
// 3, element 7"), or with Missing::drop the rows to keep in `keep`, or with the others has_missing. Infinities are
// errors in any case. `first` is the number of the first sample.
struct FiniteCheck {
  std::vector<int64_t> keep;  // only when some rows have to go
  bool has_missing = false;
};
Result<FiniteCheck> check_finite(const std::string &source, const std::vector<float> &values, int64_t width,
                                 Missing missing, int64_t first = 0);
// The array with only these samples.
void keep_samples(Array &array, const std::vector<int64_t> &rows);

}  // namespace netc::runtime
