// Reader of folders of pictures: images("folder", size = [64, 64]). The optional part "images".
//
// The pictures of a class lie in a folder with its name. Grey or colour is what the network's input has.
#include "runtime/data/images.h"

#include "runtime/data/arguments.h"
#include "runtime/data/binary.h"
#include "runtime/data/folder.h"
#include "runtime/data/module.h"
#include "runtime/data/resize.h"
#include "runtime/io/file.h"

namespace netc::runtime {
namespace {

using nlohmann::json;

const std::vector<std::string> picture_endings = {".png", ".jpg", ".jpeg"};

// For predict: one file.
Result<RawData> read_single(const ReadRequest &request, const std::string &path, const PictureForm &form) {
  auto picture = read_picture(*request.modules, resolve_path(request.root, path), path, form);
  if (!picture) return tl::unexpected(picture.error());
  RawData data;
  data.features = std::move(*picture);
  data.is_image = true;
  data.source = path;
  return data;
}

Result<RawData> read_images(const ReadRequest &request) {
  if (!request.needs_targets) {
    auto form = picture_form(request);
    if (!form) return tl::unexpected(form.error());
    return read_single(request, request.call->at("args").at(0).get<std::string>(), *form);
  }
  auto folder = open_picture_folder(request);
  if (!folder) return tl::unexpected(folder.error());
  std::vector<uint8_t> pixels;
  pixels.reserve(folder->files.size() * static_cast<size_t>(folder->form.bytes()));
  for (const FolderFile &file : folder->files) {
    auto picture = read_picture(*request.modules, file.path, file.name, folder->form);
    if (!picture) return tl::unexpected(picture.error());
    const auto &bytes = std::get<std::vector<uint8_t>>(picture->values);
    pixels.insert(pixels.end(), bytes.begin(), bytes.end());
  }
  folder->data.features.values = std::move(pixels);
  return std::move(folder->data);
}

}  // namespace

Result<PictureForm> picture_form(const ReadRequest &request) {
  const std::vector<int64_t> shape = request.inputs.size() == 1 ? request.inputs[0].shape : std::vector<int64_t>{};
  if (shape.size() != 3 || request.inputs[0].dtype != "f32")
    return fail("images needs a network with one input f32[height, width, channels]",
                "for example image: f32[64, 64, 3]");
  PictureForm form{shape[0], shape[1], shape[2]};
  const json *size = named_argument(*request.call, "size");
  if (!size) return form;
  bool fits = size->is_array() && size->size() == 2;
  for (size_t i = 0; fits && i < 2; ++i)
    fits = (*size)[i].is_number_integer() && (*size)[i].get<int64_t>() >= 1 && (*size)[i].get<int64_t>() <= 8192;
  if (!fits)
    return fail("images: size is [height, width], each from 1 to 8192, found " + size->dump(),
                "without it, pictures take the size of the network's input");
  form.height = (*size)[0].get<int64_t>();
  form.width = (*size)[1].get<int64_t>();
  return form;
}

Result<Array> read_picture(const Modules &modules, const std::string &path, const std::string &name,
                           const PictureForm &form) {
  auto bytes = read_file(path, uint64_t{1} << 30);
  if (!bytes) return tl::unexpected(bytes.error());
  bool png = bytes->starts_with("\x89PNG");  // whatever its name says
  const nc_picture_module *decoder = modules.picture(png ? "png" : "jpeg");
  if (!decoder) return fail(name + ": this program was compiled without such pictures");
  if (!png && !bytes->starts_with("\xff\xd8"))
    return fail(name + ": neither a PNG nor a JPEG picture", "convert it, or give the file another ending");
  auto picture = decoder->decode(name, *bytes, form.channels);
  if (!picture) return picture;
  return resized(*picture, form.height, form.width);
}

Result<PictureFolder> open_picture_folder(const ReadRequest &request) {
  const json &call = *request.call;
  auto paths = path_arguments(call, 1, 1, "images(\"folder\")");
  if (!paths) return tl::unexpected(paths.error());
  if (auto known = check_named_arguments(call, {"size", "classes"}); !known) return tl::unexpected(known.error());
  auto named = texts_argument(call, "classes");
  if (!named) return tl::unexpected(named.error());
  auto form = picture_form(request);
  if (!form) return tl::unexpected(form.error());
  auto folder = read_class_folder(request.root, paths->front(), picture_endings);
  if (!folder) return tl::unexpected(folder.error());
  auto classes = name_classes(request, *named, folder->labels, "");
  if (!classes) return tl::unexpected(classes.error());
  PictureFolder result;
  result.form = *form;
  result.files = std::move(folder->files);
  RawData &data = result.data;
  data.source = paths->front();
  data.is_image = true;
  data.features.shape = {form->height, form->width, form->channels};
  data.features.values = std::vector<uint8_t>();
  data.features.count = data.targets.count = static_cast<int64_t>(result.files.size());
  std::vector<int32_t> labels;
  for (const FolderFile &file : result.files) labels.push_back(classes->index_of[static_cast<size_t>(file.label)]);
  data.targets.values = std::move(labels);
  data.schema.classes = std::move(classes->names);
  if (!request.targets_are_classes) {
    data.targets = as_reals(std::move(data.targets));
    data.targets.shape = {1};
  }
  return result;
}

}  // namespace netc::runtime

extern "C" const nc_reader_module nc_module_images = {{"reader", "images"}, netc::runtime::read_images};
