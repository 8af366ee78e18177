// Unpacking what deflate has packed, piece by piece: of gzip files and of the entries of zip files.
#pragma once

#include <zlib.h>

#include <string>
#include <string_view>

namespace netc::runtime {

class Inflater {
 public:
  // `packed` outlives it. `window_bits` as zlib's inflateInit2 takes them: 15 + 16 for gzip, -15 for bare deflate.
  Inflater(std::string_view packed, int window_bits);
  ~Inflater();
  Inflater(const Inflater &) = delete;
  Inflater &operator=(const Inflater &) = delete;

  bool ready() const { return ready_; }
  // Appends what the next piece of room takes, and returns zlib's status. The room grows with what was really unpacked,
  // so a small file cannot ask for much memory at once.
  int append(std::string &bytes);
  // Whether everything packed was read; then, after a status of Z_OK with room left, the packed data ends early.
  bool at_end() const { return stream_.avail_in == 0 && read_ == packed_.size(); }
  bool ends_early(int status) const { return status == Z_OK && at_end() && stream_.avail_out > 0; }
  // Bytes of `packed` behind which it stands.
  size_t position() const { return read_ - stream_.avail_in; }
  // Goes on with another stream behind the one that has ended.
  bool restart() { return inflateReset(&stream_) == Z_OK; }
  const char *message() const { return stream_.msg ? stream_.msg : "unknown"; }

 private:
  std::string_view packed_;
  size_t read_ = 0;  // handed to zlib
  z_stream stream_{};
  bool ready_;
};

}  // namespace netc::runtime
