/* The features of processors that generated code may need and that not every processor has, by LLVM's names: codegen
 * writes those it makes use of into nc_program.cpu_features, the runtime looks for them before it runs any generated
 * code. Plain C. */
#ifndef NETC_RUNTIME_CPU_FEATURES_H
#define NETC_RUNTIME_CPU_FEATURES_H

/* What each level of the x86-64 psABI adds to the one before, as far as it is in the list below. */
#define NC_X86_64_V2_FEATURES "sse3 ssse3 sse4.1 sse4.2 popcnt"
#define NC_X86_64_V3_FEATURES "avx avx2 bmi bmi2 f16c fma lzcnt movbe"
#define NC_X86_64_V4_FEATURES "avx512f avx512bw avx512cd avx512dq avx512vl"

/* FEATURE(name): also a name of __builtin_cpu_supports. */
#define NC_X86_FEATURES(FEATURE)                                                                                  \
  FEATURE("sse3")                                                                                                 \
  FEATURE("ssse3")                                                                                                \
  FEATURE("sse4.1")                                                                                               \
  FEATURE("sse4.2")                                                                                               \
  FEATURE("popcnt")                                                                                               \
  FEATURE("avx")                                                                                                  \
  FEATURE("avx2") FEATURE("bmi") FEATURE("bmi2") FEATURE("f16c") FEATURE("fma") FEATURE("lzcnt") FEATURE("movbe") \
      FEATURE("avx512f") FEATURE("avx512bw") FEATURE("avx512cd") FEATURE("avx512dq") FEATURE("avx512vl")          \
          FEATURE("sse4a") FEATURE("fma4") FEATURE("xop") FEATURE("tbm") FEATURE("gfni") FEATURE("avxvnni")       \
              FEATURE("avx512ifma") FEATURE("avx512vbmi") FEATURE("avx512vbmi2") FEATURE("avx512vnni")            \
                  FEATURE("avx512bitalg") FEATURE("avx512vpopcntdq") FEATURE("avx512bf16") FEATURE("avx512fp16")  \
                      FEATURE("amx-tile") FEATURE("amx-bf16")

/* FEATURE(name, bit): the bit of getauxval(AT_HWCAP). */
#define NC_AARCH64_FEATURES(FEATURE)                                                           \
  FEATURE("crc", HWCAP_CRC32)                                                                  \
  FEATURE("lse", HWCAP_ATOMICS)                                                                \
  FEATURE("rdm", HWCAP_ASIMDRDM)                                                               \
  FEATURE("fullfp16", HWCAP_ASIMDHP)                                                           \
  FEATURE("dotprod", HWCAP_ASIMDDP)                                                            \
  FEATURE("fp16fml", HWCAP_ASIMDFHM)                                                           \
  FEATURE("complxnum", HWCAP_FCMA) FEATURE("jsconv", HWCAP_JSCVT) FEATURE("rcpc", HWCAP_LRCPC) \
      FEATURE("sve", HWCAP_SVE)

#endif
