// Products by AVX2: bytes and weights of 16 bits, multiplied and summed in pairs to 32, so that nothing
// saturates, in each of eight channels at once.
#if defined(__x86_64__)
#include <immintrin.h>
#include <string.h>

#include "int8_arithmetic.h"
#include "int8_eight.h"

#define AVX2 __attribute__((target("avx2")))
#define INLINE static inline __attribute__((always_inline)) AVX2

enum { LANES = 8, MOST_VECTORS = 4, MOST_POSITIONS = 4 };

/// Numbers of 16 bits.
static size_t panel_size(int runs, int length) {
  return (size_t)runs * (size_t)run_words(length) * LANES * 4;
}

static size_t packed_bytes(int filters, int runs, int length) {
  return (size_t)((filters + LANES - 1) / LANES) * panel_size(runs, length) * 2;
}

/// (filters/8, runs, length/4, 2, 8, 2): of four weights those of places 0 and 2, then 1 and 3.
static void pack(const int8_t *weights, int filters, int runs, int length, void *packed) {
  int16_t *target = packed;
  memset(target, 0, packed_bytes(filters, runs, length));
  const int words = run_words(length);
  for (int f = 0; f < filters; ++f) {
    int16_t *panel = target + (size_t)(f / LANES) * panel_size(runs, length);
    for (int run = 0; run < runs; ++run) {
      for (int k = 0; k < length; ++k) {
        const size_t word = (size_t)run * (size_t)words + (size_t)(k / 4);
        const size_t place = ((size_t)(k % 2) * LANES + (size_t)(f % LANES)) * 2;
        panel[word * LANES * 4 + place + (size_t)(k % 4 / 2)] =
          weights[((size_t)f * (size_t)runs + (size_t)run) * (size_t)length + (size_t)k];
      }
    }
  }
}

/// The sums of so many positions and vectors of channels.
INLINE void sum_tile(
  const Int8Product *product, const uint8_t *const *positions, int first,
  __m256i sums[MOST_POSITIONS][MOST_VECTORS], const int rows, const int vectors) {
  const size_t panel = panel_size(product->runs, product->length);
  const int16_t *weights = (const int16_t *)product->weights + (size_t)(first / LANES) * panel;
  const int words = run_words(product->length);
  const __m256i low = _mm256_set1_epi32(0x00ff00ff);
  __m256i a[MOST_POSITIONS][MOST_VECTORS];
#pragma clang loop unroll(full)
  for (int i = 0; i < rows; ++i) {
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; ++v) a[i][v] = _mm256_setzero_si256();
  }
  for (int run = 0; run < product->runs; ++run) {
    ptrdiff_t place = product->offsets[run];
    for (int word = 0; word < words; ++word) {
#pragma clang loop unroll(full)
      for (int i = 0; i < rows; ++i) {
        int four;
        memcpy(&four, positions[i] + place, 4);
        const __m256i x = _mm256_set1_epi32(four);
        const __m256i even = _mm256_and_si256(x, low);
        const __m256i odd = _mm256_srli_epi16(x, 8);
#pragma clang loop unroll(full)
        for (int v = 0; v < vectors; ++v) {
          const __m256i *w = (const __m256i *)(weights + (size_t)v * panel);
          a[i][v] = _mm256_add_epi32(a[i][v], _mm256_madd_epi16(even, _mm256_load_si256(w)));
          a[i][v] = _mm256_add_epi32(a[i][v], _mm256_madd_epi16(odd, _mm256_load_si256(w + 1)));
        }
      }
      weights += LANES * 4;
      place += 4;
    }
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < rows; ++i) {
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; ++v) sums[i][v] = a[i][v];
  }
}

INLINE void tile(
  const Int8Product *product, const uint8_t *input, uint8_t *y, int first, const int rows,
  const int vectors) {
  const uint8_t *positions[MOST_POSITIONS];
  for (int i = 0; i < rows; ++i) positions[i] = input + i * product->step;
  __m256i sums[MOST_POSITIONS][MOST_VECTORS];
  sum_tile(product, positions, first, sums, rows, vectors);
#pragma clang loop unroll(full)
  for (int v = 0; v < vectors; ++v) {
    const EightScalings scalings = eight_scalings(&product->scaling, first + v * LANES);
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; ++i) {
      eight_store(
        sums[i][v], &product->scaling, &scalings, first + v * LANES,
        y + (ptrdiff_t)i * product->scaling.channels);
    }
  }
}

AVX2 static void product(const Int8Product *product, int positions) {
  const int filters = product->scaling.channels;
  int i = 0;
  // Pairs of vectors by three positions, where there are many; else more vectors of one position.
  for (; i + 3 <= positions; i += 3) {
    const uint8_t *x = product->input + i * product->step;
    uint8_t *y = product->output + (ptrdiff_t)i * filters;
    int first = 0;
    for (; first + 3 * LANES < filters; first += 4 * LANES) tile(product, x, y, first, 3, 4);
    for (; first + LANES < filters; first += 2 * LANES) tile(product, x, y, first, 3, 2);
    for (; first < filters; first += LANES) tile(product, x, y, first, 3, 1);
  }
  for (; i < positions; ++i) {
    const uint8_t *x = product->input + i * product->step;
    uint8_t *y = product->output + (ptrdiff_t)i * filters;
    int first = 0;
    for (; first + 3 * LANES < filters; first += 4 * LANES) tile(product, x, y, first, 1, 4);
    for (; first < filters; first += LANES) tile(product, x, y, first, 1, 1);
  }
}

INLINE void pooled_tile(
  const Int8Product *product, const uint8_t *input, uint8_t *y, int first, const int vectors) {
  const uint8_t *positions[4] = {
    input, input + product->step, input + product->row_step,
    input + product->row_step + product->step};
  __m256i sums[MOST_POSITIONS][MOST_VECTORS];
  sum_tile(product, positions, first, sums, 4, vectors);
#pragma clang loop unroll(full)
  for (int v = 0; v < vectors; ++v) {
    const __m256i largest = _mm256_max_epi32(
      _mm256_max_epi32(sums[0][v], sums[1][v]), _mm256_max_epi32(sums[2][v], sums[3][v]));
    const EightScalings scalings = eight_scalings(&product->scaling, first + v * LANES);
    eight_store(largest, &product->scaling, &scalings, first + v * LANES, y);
  }
}

AVX2 static void product_pooled(const Int8Product *product, int positions) {
  const int filters = product->scaling.channels;
  for (int i = 0; i < positions / 2; ++i) {
    const uint8_t *x = product->input + 2 * i * product->step;
    uint8_t *y = product->output + (ptrdiff_t)i * filters;
    int first = 0;
    for (; first + LANES < filters; first += 2 * LANES) pooled_tile(product, x, y, first, 2);
    for (; first < filters; first += LANES) pooled_tile(product, x, y, first, 1);
  }
}

AVX2 static void depthwise(const Int8Depthwise *depthwise, int positions) {
  const int channels = depthwise->scaling.channels;
  const int padded = int8_padded(channels);
  for (int i = 0; i < positions; ++i) {
    const uint8_t *position = depthwise->input + i * depthwise->step;
    uint8_t *y = depthwise->output + (ptrdiff_t)i * channels;
    for (int first = 0; first < channels; first += LANES) {
      const int left = channels - first;
      __m256i sum = _mm256_setzero_si256();
      for (int tap = 0; tap < depthwise->taps; ++tap) {
        const uint8_t *x = position + depthwise->offsets[tap] + first;
        __m128i bytes;
        if (left >= LANES) {
          bytes = _mm_loadl_epi64((const __m128i *)x);
        } else {
          uint8_t all[16] = {0};
          memcpy(all, x, (size_t)left);
          bytes = _mm_loadu_si128((const __m128i *)all);
        }
        const __m128i w = _mm_loadu_si128(
          (const __m128i *)(depthwise->weights + (ptrdiff_t)tap * padded + first));
        sum = _mm256_add_epi32(
          sum, _mm256_madd_epi16(_mm256_cvtepu8_epi32(bytes), _mm256_cvtepi16_epi32(w)));
      }
      const EightScalings scalings = eight_scalings(&depthwise->scaling, first);
      eight_store(sum, &depthwise->scaling, &scalings, first, y);
    }
  }
}

const Int8Kernels int8_avx2 = {packed_bytes, pack, product, product_pooled, depthwise};
#endif
