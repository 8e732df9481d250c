#pragma once
// OpenBLAS's cblas interface and its own controls, and the few words of the processor's that
// Swift has no name for. The header's name differs between Debian's alternatives.
#if __has_include(<openblas/cblas.h>)
#include <openblas/cblas.h>
#else
#include <cblas.h>
#endif

#if defined(__x86_64__)
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
