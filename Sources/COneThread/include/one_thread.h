#ifndef ONE_THREAD_H
#define ONE_THREAD_H

/// How many threads the environment asks OpenBLAS for: one, whatever it says.
///
/// OpenBLAS calls its function of this name when it is loaded, before anything of ours runs, and
/// starts as many threads as it says, or one for each processor. Each maps 8 MB for its stack and 128 MB
/// for its products, and where a limit (ulimit -v) refuses them asks again without end. A program's
/// own definition comes before a library's, so no thread is started that would never be used.
int openblas_num_threads_env(void);

#endif
