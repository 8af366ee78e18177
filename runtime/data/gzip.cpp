// Unpacks gzip files with zlib (RFC 1952), several members in a row included. The optional part "gzip".
#include <zlib.h>

#include <algorithm>

#include "runtime/data/module.h"

namespace netc::runtime {
namespace {

struct Inflater {
  z_stream stream{};
  bool ready = false;
  Inflater() { ready = inflateInit2(&stream, 15 + 16) == Z_OK; }
  ~Inflater() {
    if (ready) inflateEnd(&stream);
  }
};

Result<std::string> unpack(const std::string &name, std::string_view packed, uint64_t limit) {
  Inflater inflater;
  if (!inflater.ready) return fail(name + ": zlib could not be started");
  z_stream &stream = inflater.stream;
  std::string bytes;
  size_t read = 0;
  const auto broken = [&](const std::string &what) {
    return fail(name + ": " + what + " at byte " + std::to_string(read - stream.avail_in),
                "the file is damaged or was not copied whole: get it again");
  };
  // The output grows with what was really unpacked, so a small file cannot ask for much memory at once.
  for (;;) {
    if (stream.avail_in == 0 && read < packed.size()) {
      size_t piece = std::min<size_t>(packed.size() - read, 1u << 30);
      stream.next_in = reinterpret_cast<Bytef *>(const_cast<char *>(packed.data() + read));
      stream.avail_in = static_cast<uInt>(piece);
      read += piece;
    }
    size_t before = bytes.size();
    size_t piece = std::clamp<size_t>(before, 1u << 16, 1u << 28);
    bytes.resize(before + piece);
    stream.next_out = reinterpret_cast<Bytef *>(bytes.data() + before);
    stream.avail_out = static_cast<uInt>(piece);
    int status = inflate(&stream, Z_NO_FLUSH);
    bytes.resize(before + piece - stream.avail_out);
    if (bytes.size() > limit) return fail(name + ": unpacks to more than " + std::to_string(limit) + " bytes");
    if (status == Z_STREAM_END) {
      if (stream.avail_in == 0 && read == packed.size()) return bytes;
      if (inflateReset(&stream) != Z_OK) return broken("zlib could not go on");  // another member follows
      continue;
    }
    if (status == Z_BUF_ERROR ||
        (status == Z_OK && stream.avail_in == 0 && read == packed.size() && stream.avail_out > 0))
      return broken("the packed data ends early");
    if (status != Z_OK) return broken(std::string("bad gzip data (") + (stream.msg ? stream.msg : "unknown") + ")");
  }
}

}  // namespace
}  // namespace netc::runtime

extern "C" const nc_gzip_module nc_module_gzip = {{"gzip", "gzip"}, netc::runtime::unpack};
