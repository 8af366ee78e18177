// Reader of named tensors: safetensors("file.safetensors", features = "images", targets = "labels"). The optional part
// "safetensors".
#include "runtime/data/arguments.h"
#include "runtime/data/arrays.h"
#include "runtime/data/module.h"
#include "runtime/io/safetensors.h"

namespace netc::runtime {
namespace {

Result<NumberType> tensor_type(const std::string &name, const std::string &dtype) {
  static const std::pair<const char *, NumberKind> kinds[] = {{"BOOL", NumberKind::unsigned_integer},
                                                              {"BF16", NumberKind::brain},
                                                              {"U", NumberKind::unsigned_integer},
                                                              {"I", NumberKind::signed_integer},
                                                              {"F", NumberKind::real}};
  for (auto [prefix, kind] : kinds)
    if (dtype.starts_with(prefix)) return NumberType{kind, safetensors_dtype_size(dtype), false};
  return fail(name + ": numbers of type " + in_quotes(dtype) + " cannot be read");
}

Result<RawData> read_tensors(const ReadRequest &request) { return read_arrays(request, find_safetensors); }

}  // namespace

Result<ArrayPair> find_safetensors(const ReadRequest &request) {
  auto paths = path_arguments(*request.call, 1, 1, "safetensors(\"file\", features = \"x\", targets = \"y\")");
  if (!paths) return tl::unexpected(paths.error());
  const std::string &path = paths->front();
  auto file = DataFile::open(request, path);
  if (!file) return tl::unexpected(file.error());
  uint64_t size = static_cast<uint64_t>(file->size());
  auto beginning = file->read(0, std::min<int64_t>(8, file->size()));
  if (!beginning) return tl::unexpected(beginning.error());
  auto length = safetensors_header_size(path, *beginning, size);
  if (!length) return tl::unexpected(length.error());
  auto header = file->read(0, static_cast<int64_t>(*length));
  if (!header) return tl::unexpected(header.error());
  auto tensors = parse_safetensors_header(path, std::move(*header), size);
  if (!tensors) return tl::unexpected(tensors.error());
  return named_pair(request, [&](const std::string &array) -> Result<ArrayPlace> {
    auto found = tensors->tensors.find(array);
    if (found == tensors->tensors.end()) {
      std::vector<std::string> names;
      for (const auto &item : tensors->tensors) names.push_back(item.first);
      return fail(path + ": no tensor " + in_quotes(array), "it has " + listed(names));
    }
    std::string name = path + ": " + array;
    auto type = tensor_type(name, found->second.dtype);
    if (!type) return tl::unexpected(type.error());
    return ArrayPlace{*file, *type, found->second.shape, static_cast<int64_t>(found->second.begin), name};
  });
}

}  // namespace netc::runtime

extern "C" const nc_reader_module nc_module_safetensors = {{"reader", "safetensors"}, netc::runtime::read_tensors};
