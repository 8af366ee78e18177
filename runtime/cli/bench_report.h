// What `bench` measures and prints.
#pragma once

#include <string>
#include <vector>

#include "runtime/abi.h"
#include "runtime/pool/pool.h"

namespace netc::runtime {

// What all threads together can do.
struct Limits {
  double flops = 0;  // multiply-adds in registers, multiplication and addition counted apart, a second
  double bytes = 0;  // read and written while copying memory that no cache of a core holds, a second
};

// Machines drift, and neighbours share their cores: a limit counts only beside work measured in the same moments. So it
// is taken in short runs between those of the work; limits() is their median.
class LimitsMeter {
 public:
  LimitsMeter(const nc_program_t &program, ThreadPool &pool);
  void measure();  // about 10 ms
  Limits limits() const;

 private:
  const nc_program_t &program_;
  ThreadPool &pool_;
  std::vector<char> from_, to_;
  std::vector<double> flops_, bytes_;
};

// Of at least one value.
double median(std::vector<double> values);

// "31.2 ms", "480 ns".
std::string time_text(double seconds);

// "features.conv2d forward".
std::string step_name(const nc_kernel_entry &kernel);

// Of so many recorded calls, the median of each kernel: a line for each step of the network and direction, or for each
// kernel: time, share, arithmetic and bytes against the limits, and which of the two bounds it.
void print_times(const nc_program_t &program, const std::string &function, const Trace &trace, int64_t calls,
                 const Limits &limits, bool each_kernel);

}  // namespace netc::runtime
