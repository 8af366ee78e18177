#include "runtime/data/inflater.h"

#include <algorithm>

namespace netc::runtime {

Inflater::Inflater(std::string_view packed, int window_bits)
    : packed_(packed), ready_(inflateInit2(&stream_, window_bits) == Z_OK) {}

Inflater::~Inflater() {
  if (ready_) inflateEnd(&stream_);
}

int Inflater::append(std::string &bytes) {
  if (stream_.avail_in == 0 && read_ < packed_.size()) {
    size_t piece = std::min<size_t>(packed_.size() - read_, 1u << 30);
    stream_.next_in = reinterpret_cast<Bytef *>(const_cast<char *>(packed_.data() + read_));
    stream_.avail_in = static_cast<uInt>(piece);
    read_ += piece;
  }
  size_t before = bytes.size(), room = std::clamp<size_t>(before, 1u << 16, 1u << 28);
  bytes.resize(before + room);
  stream_.next_out = reinterpret_cast<Bytef *>(bytes.data() + before);
  stream_.avail_out = static_cast<uInt>(room);
  int status = inflate(&stream_, Z_NO_FLUSH);
  bytes.resize(before + room - stream_.avail_out);
  return status;
}

}  // namespace netc::runtime
