// Reader of NumPy arrays: npy("features.npy", "targets.npy"). The optional part "npy".
// Format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html, versions 1 to 3.
//
//   6 bytes        93 "NUMPY"
//   2 bytes        version
//   2 or 4 bytes   length of the header, little-endian (4 from version 2 on)
//   the header     a Python dictionary: {'descr': '<f4', 'fortran_order': False, 'shape': (150, 4), }
//   the rest       the numbers
#include <limits>

#include "runtime/data/arguments.h"
#include "runtime/data/arrays.h"
#include "runtime/data/module.h"

namespace netc::runtime {
namespace {

constexpr int64_t longest_header = int64_t{1} << 20;

struct Header {
  std::string type;
  bool fortran_order = false;
  std::vector<int64_t> shape;
  bool has_type = false, has_order = false, has_shape = false;
};

// Reads the three keys of the dictionary; knows no more of Python than that.
class HeaderParser {
 public:
  HeaderParser(const std::string &name, std::string_view text, size_t offset)
      : name_(name), text_(text), offset_(offset) {}

  Result<Header> parse() {
    if (!take('{')) return wrong("{");
    while (!take('}')) {
      auto key = string();
      if (!key) return wrong("a key in quotes");
      if (!take(':')) return wrong(":");
      if (auto done = value(*key); !done) return tl::unexpected(done.error());
      if (!take(',') && peek() != '}') return wrong(", or }");
    }
    if (peek() != '\0') return wrong("the end of the header");
    if (!header_.has_type || !header_.has_order || !header_.has_shape)
      return fail(name_ + ": the header lacks " +
                  (!header_.has_type    ? "descr"
                   : !header_.has_order ? "fortran_order"
                                        : "shape"));
    return header_;
  }

 private:
  Result<void> value(const std::string &key) {
    if (key == "descr") {
      if (peek() == '[')
        return fail(name_ + ": an array of records, expected plain numbers", "save each field as an array of its own");
      auto type = string();
      if (!type) return wrong("a type in quotes");
      header_.type = *type;
      header_.has_type = true;
    } else if (key == "fortran_order") {
      if (word("True"))
        header_.fortran_order = true;
      else if (!word("False"))
        return wrong("True or False");
      header_.has_order = true;
    } else if (key == "shape") {
      if (!take('(')) return wrong("(");
      while (!take(')')) {
        auto size = integer();
        if (!size) return wrong("a size");
        if (header_.shape.size() == 32) return fail(name_ + ": more than 32 dimensions");
        header_.shape.push_back(*size);
        if (!take(',') && peek() != ')') return wrong(", or )");
      }
      header_.has_shape = true;
    } else {
      return fail(name_ + ": the header has an unknown key " + in_quotes(key));
    }
    return {};
  }

  char peek() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t')) ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool take(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  bool word(std::string_view expected) {
    peek();
    if (!text_.substr(at_).starts_with(expected)) return false;
    at_ += expected.size();
    return true;
  }
  std::optional<std::string> string() {
    char quote = peek();
    if (quote != '\'' && quote != '"') return std::nullopt;
    size_t end = text_.find(quote, at_ + 1);
    if (end == std::string_view::npos) return std::nullopt;
    std::string result(text_.substr(at_ + 1, end - at_ - 1));
    at_ = end + 1;
    return result;
  }
  std::optional<int64_t> integer() {
    int64_t value = 0;
    bool any = false;
    for (peek(); at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_) {
      if (value > (std::numeric_limits<int64_t>::max() - 9) / 10) return std::nullopt;
      value = 10 * value + (text_[at_] - '0');
      any = true;
    }
    if (any && at_ < text_.size() && text_[at_] == 'L') ++at_;  // Python 2
    return any ? std::optional(value) : std::nullopt;
  }
  std::string place() const { return name_ + ": byte " + std::to_string(offset_ + at_) + ": "; }
  tl::unexpected<Error> wrong(const std::string &expected) {
    return fail(place() + "the header is broken, expected " + expected);
  }

  const std::string &name_;
  std::string_view text_;
  size_t offset_;
  size_t at_ = 0;
  Header header_;
};

Result<NumberType> number_type(const std::string &name, const std::string &type) {
  if (type.size() == 3 && (type[0] == '<' || type[0] == '>' || type[0] == '|' || type[0] == '=')) {
    NumberType number;
    number.big_endian = type[0] == '>';
    number.size = type[2] - '0';
    bool integer_size = number.size == 1 || number.size == 2 || number.size == 4 || number.size == 8;
    if ((type[1] == 'u' || type[1] == 'b') && integer_size) return number;
    if (type[1] == 'i' && integer_size) {
      number.kind = NumberKind::signed_integer;
      return number;
    }
    if (type[1] == 'f' && integer_size && number.size != 1) {
      number.kind = NumberKind::real;
      return number;
    }
  }
  return fail(name + ": numbers of type " + in_quotes(type) +
                  " cannot be read, expected bool, integers or floats of up to 8 bytes",
              type.find('O') != std::string::npos ? "an array of Python objects: save it with dtype = float32"
                                                  : "convert it: array.astype(\"float32\")");
}

}  // namespace

Result<ArrayPlace> npy_array(const DataFile &file, const std::string &name) {
  auto head = file.read(0, std::min<int64_t>(file.size(), 12 + longest_header));
  if (!head) return tl::unexpected(head.error());
  std::string_view bytes = *head;
  if (!bytes.starts_with("\x93NUMPY") || bytes.size() < 10)
    return fail(name + ": not an npy file: it does not begin with \\x93NUMPY",
                bytes.starts_with("PK") ? "an npz file: npz(\"file.npz\", features = \"x\", targets = \"y\")" : "");
  int version = static_cast<unsigned char>(bytes[6]);
  if (version < 1 || version > 3)
    return fail(name + ": npy version " + std::to_string(version) + ", expected 1, 2 or 3");
  size_t begin = version == 1 ? 10 : 12;
  if (bytes.size() < begin) return fail(name + ": the file ends in its header");
  size_t length = 0;
  for (size_t i = begin; i-- > 8;) length = length << 8 | static_cast<unsigned char>(bytes[i]);
  if (length > static_cast<size_t>(longest_header))
    return fail(name + ": a header of " + std::to_string(length) + " bytes, at most 1048576 are read");
  if (length > bytes.size() - begin)
    return fail(name + ": the file ends in its header: " + std::to_string(bytes.size() - begin) + " bytes of " +
                    std::to_string(length),
                "the file was not copied whole: get it again");
  auto header = HeaderParser(name, bytes.substr(begin, length), begin).parse();
  if (!header) return tl::unexpected(header.error());
  auto type = number_type(name, header->type);
  if (!type) return tl::unexpected(type.error());
  std::vector<int64_t> shape = header->shape;
  if (shape.empty()) return fail(name + ": a single number, expected an array whose first dimension is the sample");
  if (header->fortran_order && shape.size() > 1)
    return fail(name + ": the array is stored in Fortran order",
                "save it in C order: numpy.save(path, numpy.ascontiguousarray(array))");
  for (size_t axis = 1; axis < shape.size(); ++axis)
    if (shape[axis] == 0) return fail(name + ": dimension " + std::to_string(axis) + " is 0");
  ArrayPlace place{file, *type, std::move(shape), static_cast<int64_t>(begin + length), name};
  if (auto fits = check_fills_file(place); !fits) return tl::unexpected(fits.error());
  return place;
}

Result<ArrayPair> find_npy(const ReadRequest &request) {
  if (auto known = check_named_arguments(*request.call, {"missing", "classes"}); !known)
    return tl::unexpected(known.error());
  auto paths = pair_paths(request);
  if (!paths) return tl::unexpected(paths.error());
  std::vector<ArrayPlace> places;
  for (const std::string &path : {paths->features, paths->targets}) {
    if (path.empty()) continue;
    auto file = DataFile::open(request, path);
    if (!file) return tl::unexpected(file.error());
    auto place = npy_array(*file, path);
    if (!place) return tl::unexpected(place.error());
    places.push_back(std::move(*place));
  }
  ArrayPair pair{std::move(places[0]), std::nullopt};
  if (request.needs_targets) pair.targets = std::move(places[1]);
  return pair;
}

namespace {
Result<RawData> read_npy(const ReadRequest &request) { return read_arrays(request, find_npy); }
}  // namespace
}  // namespace netc::runtime

extern "C" const nc_reader_module nc_module_npy = {{"reader", "npy"}, netc::runtime::read_npy};
