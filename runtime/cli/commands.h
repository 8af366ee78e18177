// The commands of a compiled program. Each returns the exit code.
#pragma once

#include <string>
#include <vector>

#include "runtime/abi.h"
#include "runtime/cli/arguments.h"

namespace netc::runtime {

int train_command(const nc_program_t &program, const std::string &call, const Arguments &arguments);
int evaluate_command(const nc_program_t &program, const std::string &call, const Arguments &arguments);
int predict_command(const nc_program_t &program, const std::string &call, const Arguments &arguments);
int summary_command(const nc_program_t &program, const std::string &call, const Arguments &arguments);
int gradcheck_command(const nc_program_t &program, const std::string &call, const Arguments &arguments);
int inspect_command(const nc_program_t &program, const std::string &call, const Arguments &arguments);
int activations_command(const nc_program_t &program, const std::string &call, const Arguments &arguments);
int check_command(const nc_program_t &program, const std::string &call, const Arguments &arguments);
int overfit_command(const nc_program_t &program, const std::string &call, const Arguments &arguments);
int find_lr_command(const nc_program_t &program, const std::string &call, const Arguments &arguments);
int bench_command(const nc_program_t &program, const std::string &call, const Arguments &arguments);
int info_command(const nc_program_t &program, const std::string &call, const Arguments &arguments);

// The whole program: `words` are its arguments, `call` its name.
int run_command_line(const nc_program_t &program, const std::string &call, const std::vector<std::string> &words);

}  // namespace netc::runtime
