// Reader of several NumPy arrays in one file: npz("file.npz", features = "x", targets = "y"). The optional part "npz".
#include "runtime/data/arguments.h"
#include "runtime/data/arrays.h"
#include "runtime/data/module.h"
#include "runtime/data/zip.h"

namespace netc::runtime {

static Result<RawData> read_npz(const ReadRequest &request) { return read_arrays(request, find_npz); }

Result<ArrayPair> find_npz(const ReadRequest &request) {
  auto paths = path_arguments(*request.call, 1, 1, "npz(\"file.npz\", features = \"x\", targets = \"y\")");
  if (!paths) return tl::unexpected(paths.error());
  const std::string &path = paths->front();
  auto file = DataFile::open(request, path);
  if (!file) return tl::unexpected(file.error());
  auto entries = read_zip_directory(*file);
  if (!entries) return tl::unexpected(entries.error());
  return named_pair(request, [&](const std::string &array) -> Result<ArrayPlace> {
    auto found = entries->find(array + ".npy");
    if (found == entries->end()) {
      std::vector<std::string> names;
      for (const auto &[name, entry] : *entries)
        names.push_back(name.ends_with(".npy") ? name.substr(0, name.size() - 4) : name);
      return fail(path + ": no array " + in_quotes(array), "it has " + listed(names));
    }
    std::string name = path + ": " + array;
    auto content = open_zip_entry(*file, found->second, name, request.block_bytes == 0);
    if (!content) return tl::unexpected(content.error());
    return npy_array(*content, name);
  });
}

}  // namespace netc::runtime

extern "C" const nc_reader_module nc_module_npz = {{"reader", "npz"}, netc::runtime::read_npz};
