#include "runtime/data/arguments.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "runtime/data/module.h"
#include "runtime/io/file.h"
#include "runtime/io/nearest.h"

namespace netc::runtime {

using nlohmann::json;

std::optional<std::string> text_of(const json &value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_object() && value.size() == 1 && value.contains("name") && value["name"].is_string())
    return value["name"].get<std::string>();
  return std::nullopt;
}

std::optional<std::vector<std::string>> texts_of(const json &value) {
  std::vector<std::string> texts;
  if (value.is_array()) {
    for (const json &item : value) {
      auto text = text_of(item);
      if (!text) return std::nullopt;
      texts.push_back(*text);
    }
    return texts;
  }
  auto text = text_of(value);
  if (!text) return std::nullopt;
  return std::vector<std::string>{*text};
}

std::string call_name(const json &call) {
  if (!call.is_object() || !call.contains("call") || !call["call"].is_string()) return {};
  return call["call"].get<std::string>();
}

const json *named_argument(const json &call, const std::string &name) {
  if (!call.is_object()) return nullptr;
  auto named = call.find("named");
  if (named == call.end() || !named->is_object()) return nullptr;
  auto found = named->find(name);
  return found == named->end() || found->is_null() ? nullptr : &*found;
}

Result<void> check_named_arguments(const json &call, const std::vector<std::string> &known) {
  auto named = call.find("named");
  if (named == call.end() || !named->is_object()) return {};
  for (const auto &item : named->items()) {
    if (std::find(known.begin(), known.end(), item.key()) != known.end()) continue;
    std::string near = nearest_word(item.key(), known);
    return fail(call_name(call) + " has no argument " + in_quotes(item.key()),
                near.empty() ? "it has " + listed(known) : "did you mean " + near + "?");
  }
  return {};
}

Result<std::vector<std::string>> path_arguments(const json &call, size_t least, size_t most, const std::string &usage) {
  std::vector<std::string> paths;
  if (auto args = call.find("args"); args != call.end() && args->is_array())
    for (const json &argument : *args) {
      if (!argument.is_string())
        return fail(call_name(call) + " takes paths of files, found " + argument.dump(), usage);
      paths.push_back(argument.get<std::string>());
    }
  if (paths.size() < least || paths.size() > most)
    return fail(call_name(call) + " got " + std::to_string(paths.size()) + (paths.size() == 1 ? " file" : " files"),
                "write " + usage);
  return paths;
}

Result<std::string> text_argument(const json &call, const std::string &name, const std::string &otherwise) {
  const json *value = named_argument(call, name);
  if (!value) return otherwise;
  if (auto text = text_of(*value)) return *text;
  return fail(call_name(call) + ": " + name + " is a text, found " + value->dump());
}

Result<std::vector<std::string>> texts_argument(const json &call, const std::string &name) {
  const json *value = named_argument(call, name);
  if (!value) return std::vector<std::string>{};
  if (auto texts = texts_of(*value)) return *texts;
  return fail(call_name(call) + ": " + name + " is a text or a list of texts, found " + value->dump());
}

Result<bool> boolean_argument(const json &call, const std::string &name, bool otherwise) {
  const json *value = named_argument(call, name);
  if (!value) return otherwise;
  if (value->is_boolean()) return value->get<bool>();
  return fail(call_name(call) + ": " + name + " is true or false, found " + value->dump());
}

Result<MissingPolicy> missing_argument(const json &call) {
  const json *value = named_argument(call, "missing");
  if (!value) return MissingPolicy{};
  if (value->is_number() && std::isfinite(value->get<float>()))
    return MissingPolicy{Missing::constant, value->get<float>()};
  std::string text = text_of(*value).value_or(value->dump());
  static const char *const names[] = {"error", "drop", "mean", "median", "most_frequent"};
  for (size_t i = 0; i < std::size(names); ++i)
    if (text == names[i]) return MissingPolicy{static_cast<Missing>(i)};
  return fail(call_name(call) + ": missing is error, drop, mean, median, most_frequent or a number, found " +
              in_quotes(text));
}

std::string resolve_path(const std::string &root, const std::string &path) {
  if (root.empty() || (!path.empty() && path[0] == '/')) return path;
  return root.back() == '/' ? root + path : root + "/" + path;
}

Result<std::string> read_data_file(const ReadRequest &request, const std::string &path) {
  auto bytes = read_file(resolve_path(request.root, path));
  if (!bytes) return bytes;
  bool packed = bytes->size() >= 2 && (*bytes)[0] == '\x1f' && (*bytes)[1] == '\x8b';
  if (!packed) {
    if (path.ends_with(".gz"))
      return fail(path + ": not a gzip file: it does not begin with the bytes 1f 8b",
                  "unpacked files have no .gz in their name");
    return bytes;
  }
  const nc_gzip_module *gzip = request.modules ? request.modules->gzip() : nullptr;
  if (!gzip)
    return fail(path + ": packed with gzip, which this program was compiled without",
                "unpack it, or name the .gz file in the data section and compile again");
  return gzip->unpack(path, *bytes, uint64_t{1} << 36);
}

std::string in_quotes(std::string_view text) {
  std::string shown = "\"";
  for (char c : text.substr(0, 40)) {
    unsigned char byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\x%02x", byte);
      shown += escape;
    } else {
      shown += c;
    }
  }
  return shown + (text.size() > 40 ? "...\"" : "\"");
}

bool is_utf8(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const auto byte = [&](size_t at) { return at < text.size() ? static_cast<unsigned char>(text[at]) : 0u; };
    unsigned first = byte(i);
    size_t length = first < 0x80                    ? 1
                    : first >= 0xC2 && first < 0xE0 ? 2
                    : first >= 0xE0 && first < 0xF0 ? 3
                    : first >= 0xF0 && first < 0xF5 ? 4
                                                    : 0;
    if (length == 0) return false;
    for (size_t k = 1; k < length; ++k)
      if ((byte(i + k) & 0xC0) != 0x80) return false;
    unsigned second = byte(i + 1);
    if ((first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F) || (first == 0xF0 && second < 0x90) ||
        (first == 0xF4 && second > 0x8F))
      return false;
    i += length;
  }
  return true;
}

std::string listed(const std::vector<std::string> &names, size_t limit) {
  std::string text;
  size_t shown = std::min(names.size(), limit);
  for (size_t i = 0; i < shown; ++i) {
    if (i > 0) text += i + 1 == names.size() ? " and " : ", ";
    text += names[i];
  }
  if (shown < names.size()) text += " and " + std::to_string(names.size() - shown) + " more";
  return text;
}

Result<FiniteCheck> check_finite(const std::string &source, const std::vector<float> &values, int64_t width,
                                 Missing missing, int64_t first) {
  FiniteCheck result;
  int64_t rows = width > 0 ? static_cast<int64_t>(values.size()) / width : 0;
  bool dropped = false;
  for (int64_t row = 0; row < rows; ++row) {
    bool whole = true;
    for (int64_t element = 0; element < width; ++element) {
      float value = values[static_cast<size_t>(row * width + element)];
      if (std::isfinite(value)) continue;
      std::string place =
          source + ": sample " + std::to_string(first + row) + ", element " + std::to_string(element) + ": ";
      if (std::isinf(value)) return fail(place + "infinite, or too large for f32");
      if (missing == Missing::error)
        return fail(place + "not a number (NaN)", "missing = drop leaves such samples out, missing = mean fills them");
      whole = false;
      if (missing != Missing::drop) result.has_missing = true;
    }
    if (whole || missing != Missing::drop)
      result.keep.push_back(row);
    else
      dropped = true;
  }
  if (!dropped)
    result.keep.clear();
  else if (result.keep.empty())
    return fail(source + ": every sample has a missing value");
  return result;
}

void keep_samples(Array &array, const std::vector<int64_t> &rows) {
  size_t width = static_cast<size_t>(array.elements());
  std::visit(
      [&](auto &values) {
        for (size_t i = 0; i < rows.size(); ++i)  // rows ascend, so nothing is overwritten before it is read
          std::copy_n(values.begin() + static_cast<std::ptrdiff_t>(static_cast<size_t>(rows[i]) * width), width,
                      values.begin() + static_cast<std::ptrdiff_t>(i * width));
        values.resize(rows.size() * width);
      },
      array.values);
  array.count = static_cast<int64_t>(rows.size());
}

}  // namespace netc::runtime
