// netc: `.net` file in, native program out; and the subcommands that work with such programs.
#include <fmt/core.h>

#include <csignal>
#include <exception>
#include <new>

#include "frontend/frontend.h"
#include "tools/netc/driver.h"
#include "tools/netc/subcommand.h"

int main(int argc, char **argv) try {
  std::signal(SIGXFSZ, SIG_IGN);  // a file that may not grow is an error of the write
  if (std::optional<int> code = netc::run_subcommand(argc, argv)) return *code;
  netc::Options options;
  if (int code = netc::parse_options(argc, argv, options); code >= 0) return code;
  if (options.list_passes) {
    for (const netc::Pass &pass : netc::pipeline()) fmt::print("{:<24} {}\n", pass.name, pass.reason);
    return 0;
  }
  if (options.list_layers) {
    fmt::print("{}", netc::layer_reference());
    return 0;
  }
  return netc::run_driver(options);
} catch (const std::bad_alloc &) {
  fmt::print(stderr, "netc: error: not enough memory\n");
  return 2;
} catch (const std::exception &error) {  // of the libraries: our own errors travel as values
  fmt::print(stderr, "netc: internal error: {}\n", error.what());
  return 70;
}
