// cifar10(...) and cifar100(...) under `stream = true`: a block lies in one file. The first pass reads the labels.
#include "runtime/data/cifar.h"
#include "runtime/data/data_file.h"
#include "runtime/data/module.h"

namespace netc::runtime {
namespace {

struct RecordRun {
  size_t file = 0;
  int64_t begin = 0, bytes = 0;
};

Result<RawData> stream_cifar(const ReadRequest &request) {
  auto call = cifar_call(request);
  if (!call) return tl::unexpected(call.error());
  CifarLayout layout = call->layout;
  int64_t record = static_cast<int64_t>(layout.record());
  int64_t run_bytes = std::max<int64_t>(1, request.block_bytes / record) * record;
  auto stream = std::make_shared<Stream>();
  std::vector<DataFile> files;
  std::vector<RecordRun> runs;
  std::vector<int32_t> classes;
  std::vector<uint8_t> images;
  for (const std::string &path : call->paths) {
    auto file = DataFile::open(request, path);
    if (!file) return tl::unexpected(file.error());
    if (file->is_in_memory())
      return fail(path + ": packed, which cannot be streamed", "unpack it, or write stream = false");
    if (auto fits = check_cifar_size(path, file->size(), layout); !fits) return tl::unexpected(fits.error());
    for (int64_t at = 0; at < file->size(); at += run_bytes) {
      RecordRun run{files.size(), at, std::min(run_bytes, file->size() - at)};
      auto bytes = file->read(run.begin, run.bytes);
      if (!bytes) return tl::unexpected(bytes.error());
      stream->block_begin.push_back(static_cast<int64_t>(classes.size()));
      images.clear();
      if (auto done = append_cifar(path, *bytes, at, layout, images, classes); !done)
        return tl::unexpected(done.error());
      runs.push_back(run);
    }
    files.push_back(std::move(*file));
  }
  stream->block_begin.push_back(static_cast<int64_t>(classes.size()));
  stream->read = [files, runs, layout](int64_t block) -> Result<std::vector<Array>> {
    const RecordRun &run = runs[static_cast<size_t>(block)];
    const DataFile &file = files[run.file];
    auto bytes = file.read(run.begin, run.bytes);
    if (!bytes) return tl::unexpected(bytes.error());
    std::vector<uint8_t> pixels;
    std::vector<int32_t> labels;
    if (auto done = append_cifar(file.name(), *bytes, run.begin, layout, pixels, labels); !done)
      return tl::unexpected(done.error());
    return std::vector<Array>{{{32, 32, 3}, std::move(pixels), static_cast<int64_t>(labels.size())}};
  };
  call->data.features.count = static_cast<int64_t>(classes.size());
  if (request.needs_targets) set_cifar_targets(request, std::move(classes), call->data);
  call->data.stream = std::move(stream);
  return std::move(call->data);
}

}  // namespace
}  // namespace netc::runtime

extern "C" const nc_stream_module nc_module_stream_cifar = {
    {"stream", "cifar"}, netc::runtime::stream_cifar, netc::runtime::stream_selector};
