#ifndef OPENBLAS_START_H
#define OPENBLAS_START_H

// What OpenBLAS is told before it chooses its threads and its core, which it does when it is loaded,
// before anything of ours runs but these two: it calls them by their names, and a program's own
// definition comes before a library's.

/// How many threads the environment asks OpenBLAS for: one, whatever it says.
///
/// Else it starts as many as that, or one for each processor. Each maps 8 MB for its stack and 128 MB
/// for its products, and where a limit (ulimit -v) refuses them asks again without end.
int openblas_num_threads_env(void);

/// Reads what the environment asks of OpenBLAS: nothing (OPENBLAS_BLOCK_FACTOR would change bits), and
/// OPENBLAS_CORETYPE, which OpenBLAS reads next, becomes the fastest core that this processor runs. So a
/// program that wants that one, as most do, need not execute itself again.
void openblas_read_env(void);

/// The variable that names the core which this program set in OPENBLAS_CORETYPE.
#define OPENBLAS_CORE_SET "RUNNER_KERNEL_SET"

/// What OPENBLAS_CORETYPE was in the environment that the user gave; null for nothing.
const char *openblas_core_asked(void);

/// 2: AVX-512 (F, DQ, BW, VL) and the system saves its registers; 1: AVX2 and FMA; 0: neither.
/// RUNNER_VECTOR_LEVEL in the environment hides what is above it, so that a machine with AVX-512 can
/// show what one without it does.
int processor_vector_level(void);

#endif
