// Buffer: memory for generated code: 64-byte aligned (2 MiB when that large, for huge pages), with 64 bytes of slack
// after its size that may be read.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>

namespace netc::runtime {

class Buffer {
 public:
  char *data() const { return data_.get(); }
  int64_t size() const { return size_; }
  // Makes it at least `size` bytes; the content is lost when it grows. False: the system has no such memory.
  bool reserve(int64_t size);

 private:
  struct Free {
    void operator()(char *memory) const { std::free(memory); }
  };
  std::unique_ptr<char, Free> data_;
  int64_t size_ = -1;
};

}  // namespace netc::runtime
