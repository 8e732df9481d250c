#include "openblas_start.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

int openblas_num_threads_env(void) { return 1; }

static const char *asked;

const char *openblas_core_asked(void) { return asked; }

static int built_level(void) {
#if defined(__x86_64__)
  unsigned a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d)) return 0;
  if (!(c & bit_OSXSAVE) || !(c & bit_AVX) || !(c & bit_FMA)) return 0;
  unsigned low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  if ((low & 0x6) != 0x6) return 0;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(b & bit_AVX2)) return 0;
  unsigned wanted = bit_AVX512F | bit_AVX512DQ | bit_AVX512BW | bit_AVX512VL;
  return (b & wanted) == wanted && (low & 0xe6) == 0xe6 ? 2 : 1;
#else
  return 0;
#endif
}

int processor_vector_level(void) {
  const char *masked = getenv("RUNNER_VECTOR_LEVEL");
  int level = built_level();
  if (masked == NULL || masked[0] < '0' || masked[0] > '9' || masked[1] != '\0') return level;
  return masked[0] - '0' < level ? masked[0] - '0' : level;
}

void openblas_read_env(void) {
  // What another process of this program set, which started this one, stays.
  if (getenv(OPENBLAS_CORE_SET) != NULL) return;
  const char *told = getenv("OPENBLAS_CORETYPE");
  asked = told == NULL ? NULL : strdup(told);
  int level = processor_vector_level();
  if (level == 0) return;
  const char *core = level == 2 ? "SKYLAKEX" : "HASWELL";
  setenv("OPENBLAS_CORETYPE", core, 1);
  setenv(OPENBLAS_CORE_SET, core, 1);
}
