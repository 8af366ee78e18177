/* The contract between generated code and the runtime: they share this header and the names in cpu_features.h. Plain C.
 */
#ifndef NETC_RUNTIME_ABI_H
#define NETC_RUNTIME_ABI_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define NC_ABI_VERSION 4

/* What a call of a generated function gets. Kernels read it from several threads and never write it. */
typedef struct nc_context {
  char *weights;     /* 0: the weight block, 64-byte aligned, weight_bytes long */
  char *fixed;       /* 1: workspace, fixed_bytes of the function, 64-byte aligned, followed by 64 bytes of slack */
  char *batch_space; /* 2: workspace, batch_bytes * batch, 64-byte aligned, followed by 64 bytes of slack */
  const void *const *inputs; /* 3: arguments in order, row-major, no halo, readable without alignment */
  void *const *outputs;      /* 4: results in order */
  int64_t batch;             /* 5: B, at least 1 */
  const double *scalars;     /* 6: runtime values, in the order of nc_program.scalar_names */
  uint64_t seed;             /* 7 */
  uint64_t step;             /* 8: for random numbers: equals the runtime value "step" */
  void *runtime; /* 9: the runtime's own (its threads); null: nc_parallel_for runs everything on the caller */
} nc_context;

typedef void (*nc_function)(const nc_context *context);

/* A kernel does chunk number `chunk` of its work. Chunks are independent of each other. `places`: where its values lie
 * in the spaces of the context, in an order of its own, so that ops of the same shapes share a kernel. */
typedef void (*nc_kernel)(const nc_context *context, int64_t chunk, const int64_t *places);

/* One use of a kernel: what an op of the program runs. */
typedef struct nc_kernel_entry {
  const char *function;  /* "train_step" */
  const char *step;      /* of the network: "conv_bn_1.conv2d"; "": none */
  const char *direction; /* "forward", "backward", "backward data", "backward weights" */
  const char *ops;       /* "subtract_multiply_etc", and which stage of them: ".combine" */
  nc_kernel kernel;
  const int64_t *places;
  int64_t op;   /* its place among the ops of the function: "observed" of docs/metadata.md tells of values by it */
  int64_t line; /* of the .net file; 0: none */
  double fixed_flops; /* of its contraction, multiply and add counted apart: fixed_flops + batch_flops * B; 0: no
                         contraction */
  double batch_flops;
  double fixed_bytes; /* of the values it reads and writes, each once: fixed_bytes + batch_bytes * B */
  double batch_bytes;
} nc_kernel_entry;

/* Implemented by the runtime: runs chunks 0 .. count-1 on the pool and returns when all are done. How many threads
 * there are changes nothing but the time. `cost` is the estimated number of nanoseconds of all chunks: small work stays
 * on the caller. */
void nc_parallel_for(const nc_context *context, const nc_kernel_entry *kernel, int64_t count, int64_t cost);

/* Implemented by the runtime: writes a matrix [rows, columns], row-major, with orthonormal columns (rows >= columns) or
 * orthonormal rows: the Q of the QR decomposition of a matrix of normal random numbers, with signs such that the
 * diagonal of R is positive. The initialiser `orthogonal`. */
void nc_orthogonal(float *out, int64_t rows, int64_t columns, uint64_t seed, uint64_t stream, uint64_t step);

typedef struct nc_function_entry {
  const char *name; /* "train_step" */
  nc_function function;
  int64_t fixed_bytes;
  int64_t batch_bytes;
  int64_t input_count;
  int64_t output_count;
  int64_t samples_per_block; /* what a sample gives does not depend on the others, and so many at a time or more are
                                worth going through all layers together; 0: all at once */
} nc_function_entry;

typedef struct nc_program_t {
  uint32_t abi_version;
  uint32_t function_count;
  const nc_function_entry *functions;
  int64_t weight_bytes;
  const char *metadata;   /* JSON, docs/metadata.md */
  size_t metadata_size;   /* bytes of the text */
  size_t metadata_packed; /* how many there are of it, as zlib deflates them; 0: the text itself is there */
  const char *const *scalar_names;
  int64_t scalar_count;
  const void *const *modules; /* addresses of optional runtime parts this program uses, so that the linker keeps them */
  int64_t module_count;
  const nc_kernel_entry *const *kernels; /* those of a function stand together, in the order of their first call */
  int64_t kernel_count;
  nc_kernel fma_peak;       /* runs `chunk` rounds of independent multiply-adds in registers, the limit of one core; it
                               has no places */
  double fma_peak_flops;    /* of one round */
  const char *cpu;          /* what the code is for: "x86-64-v3" */
  const char *cpu_features; /* of runtime/cpu_features.h, separated by spaces: a processor without one of them cannot
                               run the code */
} nc_program_t;

/* Defined by the generated object. */
extern const nc_program_t nc_program;

#ifdef __cplusplus
}
#endif
#endif
