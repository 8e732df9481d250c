#pragma once
#include <stdint.h>

/// From now on, counts this process's calls to malloc and its like, of all threads.
void allocations_start(void);

/// Stops counting; the calls since `allocations_start`.
uint64_t allocations_stop(void);

/// From now on memory of more than 256 KiB goes back to the system as soon as it is freed. The C library
/// would keep what is as large as any that was freed before for the next that asks: fast where arrays come
/// and go, and much memory where one large thing becomes another.
void allocations_return_large(void);
