// Optional parts of the runtime. A part is a record with C linkage in a file of its own; a program names the records it
// uses in nc_program.modules (runtime/abi.h), and the linker leaves out every other.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/abi.h"
#include "runtime/cli/arguments.h"
#include "runtime/data/augment/step.h"
#include "runtime/data/reader.h"
#include "runtime/data/split.h"
#include "runtime/data/stream.h"

extern "C" {
// Every record starts with these two; `kind` says what follows.
struct nc_module {
  const char *kind;  // "reader", "stream", "gzip", "picture", "augmentation", "split", "command"
  const char *name;  // of a reader, stream or augmentation: what a `.net` file calls it; of a picture: "png", "jpeg"
};
struct nc_reader_module {
  nc_module module;
  netc::runtime::ReadFunction read;
};
struct nc_stream_module {
  nc_module module;
  netc::runtime::ReadFunction open;  // as `read` of the reader, with the features left in their files
  netc::runtime::Selector (*select)(const netc::runtime::Dataset &, const netc::runtime::BatchOptions &);
};
struct nc_gzip_module {
  nc_module module;
  // Unpacks a whole gzip file; `name` is for errors; more than `limit` bytes is an error.
  netc::Result<std::string> (*unpack)(const std::string &name, std::string_view packed, uint64_t limit);
};
struct nc_picture_module {
  nc_module module;
  // Pixels u8 [height, width, channels] with 1 (grey), 3 (RGB) or 4 (RGB and alpha) channels, as asked.
  netc::Result<netc::runtime::Array> (*decode)(const std::string &name, std::string_view bytes, int64_t channels);
};
struct nc_command_module {  // a command of the program
  nc_module module;
  netc::runtime::CommandSpec (*spec)();
  int (*run)(const nc_program_t &program, const std::string &call, const netc::runtime::Arguments &arguments);
};
struct nc_folds_module {
  nc_module module;
  netc::Result<netc::runtime::SplitRows> (*split)(const std::vector<int64_t> &rows, const nlohmann::json &call,
                                                  int64_t fold, uint64_t seed, const netc::runtime::RawData &data);
  // Trains every fold, each by `train`.
  int (*train)(const nc_program_t &program, const std::string &call, const netc::runtime::Arguments &arguments,
               int (*train)(const nc_program_t &, const std::string &, const netc::runtime::Arguments &));
};
struct nc_augmentation_module {
  nc_module module;
  netc::runtime::ReadAugmentStep read;
};

extern const nc_reader_module nc_module_csv;  // csv("file.csv", target = "name"), tsv(...)
extern const nc_reader_module nc_module_idx;  // idx("images", "labels")
extern const nc_reader_module nc_module_npy;  // npy("features.npy", "targets.npy")
extern const nc_reader_module
    nc_module_cifar;  // cifar10("a.bin", "b.bin") or cifar(...); cifar100("train.bin", labels = coarse)
extern const nc_reader_module nc_module_npz;          // npz("file.npz", features = "x", targets = "y")
extern const nc_reader_module nc_module_safetensors;  // safetensors("file", features = "x", targets = "y")
extern const nc_reader_module nc_module_raw;          // raw("x.bin", "y.bin", dtype = u8)
extern const nc_reader_module nc_module_images;       // images("folder")
extern const nc_reader_module nc_module_text;         // text("file", max_tokens = 2000)
extern const nc_stream_module nc_module_stream_idx;   // the same readers under `stream = true`
extern const nc_stream_module nc_module_stream_cifar;
extern const nc_stream_module nc_module_stream_csv;
extern const nc_stream_module nc_module_stream_npy;
extern const nc_stream_module nc_module_stream_npz;
extern const nc_stream_module nc_module_stream_safetensors;
extern const nc_stream_module nc_module_stream_raw;
extern const nc_stream_module nc_module_stream_images;
extern const nc_gzip_module nc_module_gzip;             // any of the above from a file that ends in .gz
extern const nc_picture_module nc_module_png;           // predict from pictures, images
extern const nc_picture_module nc_module_jpeg;          // images
extern const nc_command_module nc_module_data_command;  // `data`: in programs that `netc data` builds
extern const nc_folds_module nc_module_k_fold;          // validation = k_fold(5)
// What the list `augment` may hold.
extern const nc_augmentation_module nc_module_augment_flip, nc_module_augment_translate, nc_module_augment_crop,
    nc_module_augment_rotate, nc_module_augment_zoom, nc_module_augment_shear, nc_module_augment_brightness,
    nc_module_augment_contrast, nc_module_augment_saturation, nc_module_augment_hue, nc_module_augment_noise,
    nc_module_augment_erase, nc_module_augment_mixup, nc_module_augment_cutmix;
}

namespace netc::runtime {

// The parts one program has.
class Modules {
 public:
  explicit Modules(std::span<const void *const> records);
  // tsv is read by csv; cifar10 and cifar100 by cifar.
  const nc_reader_module *reader(std::string_view name) const;
  const nc_stream_module *stream(std::string_view reader) const;
  const nc_gzip_module *gzip() const;
  const nc_picture_module *picture(std::string_view format) const;  // "png" or "jpeg"
  const nc_folds_module *folds() const;
  const nc_command_module *command(std::string_view name) const;
  const nc_augmentation_module *augmentation(std::string_view name) const;

 private:
  const nc_module *find(std::string_view kind, std::string_view name) const;
  std::vector<const nc_module *> records_;
};

}  // namespace netc::runtime
