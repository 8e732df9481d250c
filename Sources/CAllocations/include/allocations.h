#pragma once
#include <stdint.h>

/// From now on, counts this process's calls to malloc and its like, of all threads.
void allocations_start(void);

/// Stops counting; the calls since `allocations_start`.
uint64_t allocations_stop(void);
