// Products of at most eight filters by VNNI on vectors of 256 bits: four bytes by four weights, summed in 32 bits
// without saturation, in each of eight channels at once.
#if defined(__x86_64__)
#include "int8_eight.h"

#define VNNI __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni")))
#define INLINE static inline __attribute__((always_inline)) VNNI

enum { LANES = 8, MOST_POSITIONS = 8 };

size_t int8_vnni_eight_bytes(int runs, int length) {
  return (size_t)runs * (size_t)run_words(length) * LANES * 4;
}

/// (runs, length/4, 8, 4)
void int8_vnni_eight_pack(
  const int8_t *weights, int filters, int runs, int length, void *packed) {
  int8_t *target = packed;
  memset(target, 0, int8_vnni_eight_bytes(runs, length));
  const int words = run_words(length);
  for (int f = 0; f < filters; ++f) {
    for (int run = 0; run < runs; ++run) {
      for (int k = 0; k < length; ++k) {
        const size_t word = (size_t)run * (size_t)words + (size_t)(k / 4);
        target[(word * LANES + (size_t)f) * 4 + (size_t)(k % 4)] =
          weights[((size_t)f * (size_t)runs + (size_t)run) * (size_t)length + (size_t)k];
      }
    }
  }
}

INLINE void sum_tile(
  const Int8Product *product, const uint8_t *const *positions, __m256i sums[MOST_POSITIONS],
  const int rows) {
  const int8_t *weights = product->weights;
  const int words = run_words(product->length);
  __m256i a[MOST_POSITIONS];
#pragma clang loop unroll(full)
  for (int i = 0; i < rows; ++i) a[i] = _mm256_setzero_si256();
  for (int run = 0; run < product->runs; ++run) {
    ptrdiff_t place = product->offsets[run];
    for (int word = 0; word < words; ++word) {
      const __m256i w = _mm256_load_si256((const __m256i *)weights);
#pragma clang loop unroll(full)
      for (int i = 0; i < rows; ++i) {
        int four;
        memcpy(&four, positions[i] + place, 4);
        a[i] = _mm256_dpbusd_epi32(a[i], _mm256_set1_epi32(four), w);
      }
      weights += LANES * 4;
      place += 4;
    }
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < rows; ++i) sums[i] = a[i];
}

INLINE void tile(
  const Int8Product *product, const EightScalings *scalings, const uint8_t *input, uint8_t *y,
  const int rows) {
  const uint8_t *positions[MOST_POSITIONS];
  for (int i = 0; i < rows; ++i) positions[i] = input + i * product->step;
  __m256i sums[MOST_POSITIONS];
  sum_tile(product, positions, sums, rows);
#pragma clang loop unroll(full)
  for (int i = 0; i < rows; ++i) {
    eight_store(
      sums[i], &product->scaling, scalings, 0, y + (ptrdiff_t)i * product->scaling.channels);
  }
}

VNNI void int8_vnni_eight_product(const Int8Product *product, int positions) {
  const EightScalings scalings = eight_scalings(&product->scaling, 0);
  int i = 0;
  while (i < positions) {
    const uint8_t *x = product->input + i * product->step;
    uint8_t *y = product->output + (ptrdiff_t)i * product->scaling.channels;
    const int left = positions - i;
    if (left >= 8) {
      tile(product, &scalings, x, y, 8);
      i += 8;
    } else if (left >= 4) {
      tile(product, &scalings, x, y, 4);
      i += 4;
    } else if (left >= 2) {
      tile(product, &scalings, x, y, 2);
      i += 2;
    } else {
      tile(product, &scalings, x, y, 1);
      i += 1;
    }
  }
}

INLINE void pooled_tile(
  const Int8Product *product, const EightScalings *scalings, const uint8_t *input, uint8_t *y,
  const int windows) {
  const uint8_t *positions[MOST_POSITIONS];
#pragma clang loop unroll(full)
  for (int i = 0; i < windows; ++i) {
    const uint8_t *x = input + 2 * i * product->step;
    positions[4 * i] = x;
    positions[4 * i + 1] = x + product->step;
    positions[4 * i + 2] = x + product->row_step;
    positions[4 * i + 3] = x + product->row_step + product->step;
  }
  __m256i sums[MOST_POSITIONS];
  sum_tile(product, positions, sums, 4 * windows);
#pragma clang loop unroll(full)
  for (int i = 0; i < windows; ++i) {
    const __m256i largest = _mm256_max_epi32(
      _mm256_max_epi32(sums[4 * i], sums[4 * i + 1]),
      _mm256_max_epi32(sums[4 * i + 2], sums[4 * i + 3]));
    eight_store(
      largest, &product->scaling, scalings, 0, y + (ptrdiff_t)i * product->scaling.channels);
  }
}

VNNI void int8_vnni_eight_pooled(const Int8Product *product, int positions) {
  const EightScalings scalings = eight_scalings(&product->scaling, 0);
  for (int i = 0; i < positions / 2;) {
    const uint8_t *x = product->input + 2 * i * product->step;
    uint8_t *y = product->output + (ptrdiff_t)i * product->scaling.channels;
    if (i + 2 <= positions / 2) {
      pooled_tile(product, &scalings, x, y, 2);
      i += 2;
    } else {
      pooled_tile(product, &scalings, x, y, 1);
      i += 1;
    }
  }
}
#endif
