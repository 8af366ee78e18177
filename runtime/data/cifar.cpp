// Reader of the binary version of CIFAR (https://www.cs.toronto.edu/~kriz/cifar.html): cifar10("data_batch_1.bin", ...)
// (also called cifar) and cifar100("train.bin", labels = fine). The optional part "cifar".
//
// A record is the label (CIFAR-100: the coarse, then the fine label) and 3072 bytes: the red, green and blue plane of
// 32 x 32 pixels. Samples come out as u8 [32, 32, 3], channels last.
#include "runtime/data/cifar.h"

#include "runtime/data/arguments.h"
#include "runtime/data/binary.h"
#include "runtime/data/module.h"

namespace netc::runtime {
namespace {

constexpr size_t pixels = 32 * 32;

Result<CifarLayout> layout(const nlohmann::json &call) {
  if (call_name(call) != "cifar100") {
    if (auto known = check_named_arguments(call, {"classes"}); !known) return tl::unexpected(known.error());
    return CifarLayout{1, 0, 10};
  }
  if (auto known = check_named_arguments(call, {"classes", "labels"}); !known) return tl::unexpected(known.error());
  auto labels = text_argument(call, "labels", "fine");
  if (!labels) return tl::unexpected(labels.error());
  if (*labels == "fine") return CifarLayout{2, 1, 100};
  if (*labels == "coarse") return CifarLayout{2, 0, 20};
  return fail("cifar100: labels is fine or coarse, found " + in_quotes(*labels));
}

Result<RawData> read_cifar(const ReadRequest &request) {
  auto call = cifar_call(request);
  if (!call) return tl::unexpected(call.error());
  std::vector<uint8_t> images;
  std::vector<int32_t> classes;
  for (const std::string &path : call->paths) {
    auto bytes = read_data_file(request, path);
    if (!bytes) return tl::unexpected(bytes.error());
    if (auto fits = check_cifar_size(path, static_cast<int64_t>(bytes->size()), call->layout); !fits)
      return tl::unexpected(fits.error());
    if (auto done = append_cifar(path, *bytes, 0, call->layout, images, classes); !done)
      return tl::unexpected(done.error());
  }
  call->data.features.count = static_cast<int64_t>(classes.size());
  call->data.features.values = std::move(images);
  if (request.needs_targets) set_cifar_targets(request, std::move(classes), call->data);
  return std::move(call->data);
}

}  // namespace

Result<CifarCall> cifar_call(const ReadRequest &request) {
  const nlohmann::json &call = *request.call;
  auto paths = path_arguments(call, 1, 1000, call_name(call) + "(\"data_batch_1.bin\", ...)");
  if (!paths) return tl::unexpected(paths.error());
  auto format = layout(call);
  if (!format) return tl::unexpected(format.error());
  auto names = texts_argument(call, "classes");
  if (!names) return tl::unexpected(names.error());
  if (request.needs_targets && request.targets_are_classes && request.class_count > 0 &&
      request.class_count != format->classes)
    return fail(call_name(call) + " has " + std::to_string(format->classes) + " classes, the network has class[" +
                    std::to_string(request.class_count) + "]",
                "write class[" + std::to_string(format->classes) + "]");
  if (!names->empty() && static_cast<int64_t>(names->size()) != format->classes)
    return fail(call_name(call) + ": classes names " + std::to_string(names->size()) + " classes, the data has " +
                std::to_string(format->classes));
  CifarCall result{std::move(*paths), *format, {}};
  result.data.source = result.paths.front();
  result.data.features.shape = {32, 32, 3};
  result.data.features.values = std::vector<uint8_t>();
  result.data.is_image = true;
  result.data.schema.classes = !request.schema.classes.empty() ? request.schema.classes : *names;
  return result;
}

Result<void> check_cifar_size(const std::string &name, int64_t bytes, const CifarLayout &layout) {
  int64_t record = static_cast<int64_t>(layout.record());
  if (bytes > 0 && bytes % record == 0) return {};
  return fail(name + ": " + std::to_string(bytes) + " bytes, expected a multiple of " + std::to_string(record) + " (" +
                  std::to_string(layout.labels) + " for labels and 3072 for pixels)",
              layout.labels == 1 && bytes > 0 && bytes % (record + 1) == 0 ? "this is a file of cifar100" : "");
}

Result<void> append_cifar(const std::string &name, std::string_view bytes, int64_t offset, const CifarLayout &layout,
                          std::vector<uint8_t> &images, std::vector<int32_t> &classes) {
  for (size_t at = 0; at < bytes.size(); at += layout.record()) {
    int32_t label = static_cast<unsigned char>(bytes[at + layout.label]);
    if (label >= layout.classes)
      return fail(name + ": byte " + std::to_string(offset + static_cast<int64_t>(at + layout.label)) + ": the label " +
                  std::to_string(label) + " is outside 0 .. " + std::to_string(layout.classes - 1));
    classes.push_back(label);
    std::string_view planes = bytes.substr(at + layout.labels, 3 * pixels);
    for (size_t pixel = 0; pixel < pixels; ++pixel)
      for (size_t channel = 0; channel < 3; ++channel)
        images.push_back(static_cast<uint8_t>(planes[channel * pixels + pixel]));
  }
  return {};
}

void set_cifar_targets(const ReadRequest &request, std::vector<int32_t> classes, RawData &data) {
  data.targets.count = static_cast<int64_t>(classes.size());
  data.targets.values = std::move(classes);
  if (request.targets_are_classes) return;
  data.targets = as_reals(std::move(data.targets));
  data.targets.shape = {1};
}

}  // namespace netc::runtime

extern "C" const nc_reader_module nc_module_cifar = {{"reader", "cifar"}, netc::runtime::read_cifar};
