#pragma once
// OpenBLAS's cblas interface and its own controls, and the few words of the processor's that
// Swift has no name for. The header's name differs between Debian's alternatives.
#if __has_include(<openblas/cblas.h>)
#include <openblas/cblas.h>
#else
#include <cblas.h>
#endif

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

#include <sys/syscall.h>
#include <unistd.h>

/// The processors that this process may run on, at least 1.
static inline int runner_cores(void) {
  unsigned char set[1024] = {0};
  long size = syscall(SYS_sched_getaffinity, 0, sizeof(set), set);
  int count = 0;
  for (long i = 0; i < size; i++) count += __builtin_popcount(set[i]);
  return count > 0 ? count : 1;
}

/// Flush-to-zero and denormals-are-zero for the calling thread.
static inline void runner_flush_denormals(void) {
#if defined(__x86_64__)
  _mm_setcsr(_mm_getcsr() | 0x8040);
#elif defined(__aarch64__)
  unsigned long long fpcr;
  __asm__ volatile("mrs %0, fpcr" : "=r"(fpcr));
  __asm__ volatile("msr fpcr, %0" : : "r"(fpcr | (1ull << 24)));
#endif
}

/// One turn of a spinning wait.
static inline void runner_pause(void) {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

/// 2: AVX-512 (F, DQ, BW, VL) and the system saves its registers; 1: AVX2 and FMA; 0: neither.
static inline int runner_vector_level(void) {
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
