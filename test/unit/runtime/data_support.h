// Shared by the tests of the runtime's data: a folder of its own for each test, metadata in a line.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "runtime/data/load.h"
#include "runtime/data/module.h"

namespace netc::runtime {

class Folder {
 public:
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "netc_data_XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder &) = delete;
  std::string path(const std::string &name = "") const { return name.empty() ? path_ : path_ + "/" + name; }
  void write(const std::string &name, const std::string &content) const {
    std::filesystem::create_directories(std::filesystem::path(path(name)).parent_path());
    std::ofstream(path(name), std::ios::binary) << content;
  }
  std::string read(const std::string &name) const {
    std::stringstream text;
    text << std::ifstream(path(name), std::ios::binary).rdbuf();
    return text.str();
  }
  size_t files() const { return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(path_), {})); }

 private:
  std::string path_;
};

inline const Modules &all_modules() {
  static const void *const records[] = {
      &nc_module_csv,        &nc_module_idx,           &nc_module_npy,        &nc_module_cifar,
      &nc_module_npz,        &nc_module_safetensors,   &nc_module_raw,        &nc_module_images,
      &nc_module_stream_idx, &nc_module_stream_npy,    &nc_module_stream_npz, &nc_module_stream_safetensors,
      &nc_module_stream_raw, &nc_module_stream_images, &nc_module_gzip,       &nc_module_png,
      &nc_module_jpeg,       &nc_module_stream_csv,    &nc_module_text,       &nc_module_stream_cifar};
  static const void *const augmentations[] = {&nc_module_k_fold,
                                              &nc_module_augment_flip,
                                              &nc_module_augment_translate,
                                              &nc_module_augment_crop,
                                              &nc_module_augment_rotate,
                                              &nc_module_augment_zoom,
                                              &nc_module_augment_shear,
                                              &nc_module_augment_brightness,
                                              &nc_module_augment_contrast,
                                              &nc_module_augment_saturation,
                                              &nc_module_augment_hue,
                                              &nc_module_augment_noise,
                                              &nc_module_augment_erase,
                                              &nc_module_augment_mixup,
                                              &nc_module_augment_cutmix};
  static const std::vector<const void *> all = [] {
    std::vector<const void *> list(std::begin(records), std::end(records));
    list.insert(list.end(), std::begin(augmentations), std::end(augmentations));
    return list;
  }();
  static const Modules modules(all);
  return modules;
}

inline nlohmann::json tensor_field(const std::string &name, std::vector<int64_t> shape) {
  return {{"name", name}, {"kind", "tensor"}, {"dtype", "f32"}, {"shape", shape}};
}
inline nlohmann::json class_field(const std::string &name, int64_t classes) {
  return {
      {"name", name}, {"kind", "class"}, {"dtype", "i32"}, {"shape", nlohmann::json::array()}, {"classes", classes}};
}
inline nlohmann::json call(const std::string &name, nlohmann::json args,
                           nlohmann::json named = nlohmann::json::object()) {
  return {{"call", name}, {"args", std::move(args)}, {"named", std::move(named)}};
}
inline nlohmann::json program(nlohmann::json input, nlohmann::json output, nlohmann::json data) {
  return {{"network", {{"inputs", {std::move(input)}}, {"outputs", {std::move(output)}}}}, {"data", std::move(data)}};
}

// The message when there is an error, "" when there is none.
template <typename T>
std::string message(const Result<T> &result) {
  return result ? "" : result.error().message;
}

inline const std::vector<float> &reals(const Array &array) { return std::get<std::vector<float>>(array.values); }
inline const std::vector<int32_t> &whole(const Array &array) { return std::get<std::vector<int32_t>>(array.values); }

}  // namespace netc::runtime
