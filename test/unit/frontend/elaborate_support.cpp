#include "test/unit/frontend/elaborate_support.h"

#include <unistd.h>

#include <fstream>

namespace netc::test {

std::unique_ptr<Elaborated> elaborate_path(const std::filesystem::path &path) {
  auto result = std::make_unique<Elaborated>();
  result->program = compile_file(path, {}, result->sources, result->diagnostics);
  return result;
}

std::unique_ptr<Elaborated> elaborate_text(const std::string &text, const FrontendOptions &options) {
  static int number = 0;
  std::filesystem::path path = std::filesystem::temp_directory_path() /
                               ("elaborate_" + std::to_string(getpid()) + "_" + std::to_string(number++) + ".net");
  std::ofstream(path) << text;
  auto result = std::make_unique<Elaborated>();
  result->program = compile_file(path, options, result->sources, result->diagnostics);
  std::filesystem::remove(path);
  return result;
}

std::string experiment(const std::string &network, const std::string &train, const std::string &before) {
  return before + "\ndata d { train = csv(\"d.csv\", target = \"y\") }\nnetwork n" + network + "\ntrain n on d {\n" +
         train + "\n}\n";
}

}  // namespace netc::test
