// Unpacks gzip files with zlib (RFC 1952), several members in a row included. The optional part "gzip".
#include "runtime/data/inflater.h"
#include "runtime/data/module.h"

namespace netc::runtime {
namespace {

Result<std::string> unpack(const std::string &name, std::string_view packed, uint64_t limit) {
  Inflater inflater(packed, 15 + 16);
  if (!inflater.ready()) return fail(name + ": zlib could not be started");
  std::string bytes;
  const auto broken = [&](const std::string &what) {
    return fail(name + ": " + what + " at byte " + std::to_string(inflater.position()),
                "the file is damaged or was not copied whole: get it again");
  };
  for (;;) {
    int status = inflater.append(bytes);
    if (bytes.size() > limit) return fail(name + ": unpacks to more than " + std::to_string(limit) + " bytes");
    if (status == Z_STREAM_END) {
      if (inflater.at_end()) return bytes;
      if (!inflater.restart()) return broken("zlib could not go on");  // another member follows
      continue;
    }
    if (status == Z_BUF_ERROR || inflater.ends_early(status)) return broken("the packed data ends early");
    if (status != Z_OK) return broken(std::string("bad gzip data (") + inflater.message() + ")");
  }
}

}  // namespace
}  // namespace netc::runtime

extern "C" const nc_gzip_module nc_module_gzip = {{"gzip", "gzip"}, netc::runtime::unpack};
