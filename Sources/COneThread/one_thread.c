#include "one_thread.h"

int openblas_num_threads_env(void) { return 1; }
