// What a processor without AVX-512 and VNNI would answer to CPUID, for libraries in which avx2.py put a trap in the
// place of each such instruction; to be preloaded.

#define _GNU_SOURCE
#include <cpuid.h>
#include <signal.h>
#include <stdlib.h>
#include <ucontext.h>

#define BIT(n) (1u << (n))

static void answer(int signal, siginfo_t *info, void *context) {
  (void)info;
  greg_t *of = ((ucontext_t *)context)->uc_mcontext.gregs;
  const unsigned char *next = (const unsigned char *)of[REG_RIP];
  // INT3 and NOP, of which the first has been executed.
  if (signal != SIGTRAP || next[-1] != 0xCC || next[0] != 0x90) abort();
  unsigned leaf = (unsigned)of[REG_RAX], part = (unsigned)of[REG_RCX], a, b, c, d;
  __cpuid_count(leaf, part, a, b, c, d);
  if (leaf == 7 && part == 0) {
    // AVX512 F, DQ, IFMA, PF, ER, CD, BW, VL
    b &= ~(BIT(16) | BIT(17) | BIT(21) | BIT(26) | BIT(27) | BIT(28) | BIT(30) | BIT(31));
    // VBMI, VBMI2, GFNI, VNNI, BITALG, VPOPCNTDQ
    c &= ~(BIT(1) | BIT(6) | BIT(8) | BIT(11) | BIT(12) | BIT(14));
    // 4VNNIW, 4FMAPS, VP2INTERSECT, AMX, FP16
    d &= ~(BIT(2) | BIT(3) | BIT(8) | BIT(22) | BIT(23) | BIT(24) | BIT(25));
  } else if (leaf == 7 && part == 1) {
    // AVX-VNNI, BF16, AMX-FP16, AVX-IFMA; AVX-VNNI-INT8, NE-CONVERT, VNNI-INT16, AVX10
    a &= ~(BIT(4) | BIT(5) | BIT(21) | BIT(23));
    d &= ~(BIT(4) | BIT(5) | BIT(10) | BIT(19));
  }
  of[REG_RAX] = a;
  of[REG_RBX] = b;
  of[REG_RCX] = c;
  of[REG_RDX] = d;
  of[REG_RIP] += 1;
}

__attribute__((constructor)) static void begin(void) {
  struct sigaction action = {.sa_sigaction = answer, .sa_flags = SA_SIGINFO | SA_NODEFER};
  sigaction(SIGTRAP, &action, NULL);
}
