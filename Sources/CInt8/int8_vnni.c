// Products by AVX-512's VNNI: four bytes by four weights, summed in 32 bits without saturation, in each of
// sixteen channels at once.
#if defined(__x86_64__)
#include <immintrin.h>
#include <string.h>

#include "int8_arithmetic.h"

#define VNNI __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni")))
#define INLINE static inline __attribute__((always_inline)) VNNI

enum { LANES = 16, MOST_VECTORS = 4, MOST_POSITIONS = 8 };

static size_t panel_bytes(int runs, int length) {
  return (size_t)runs * (size_t)run_words(length) * LANES * 4;
}

static size_t packed_bytes(int filters, int runs, int length) {
  if (filters <= 8) return int8_vnni_eight_bytes(runs, length);
  return (size_t)((filters + LANES - 1) / LANES) * panel_bytes(runs, length);
}

/// (filters/16, runs, length/4, 16, 4)
static void pack(const int8_t *weights, int filters, int runs, int length, void *packed) {
  if (filters <= 8) return int8_vnni_eight_pack(weights, filters, runs, length, packed);
  int8_t *target = packed;
  memset(target, 0, packed_bytes(filters, runs, length));
  const int words = run_words(length);
  for (int f = 0; f < filters; ++f) {
    int8_t *panel = target + (size_t)(f / LANES) * panel_bytes(runs, length);
    for (int run = 0; run < runs; ++run) {
      for (int k = 0; k < length; ++k) {
        const size_t word = (size_t)run * (size_t)words + (size_t)(k / 4);
        panel[(word * LANES + (size_t)(f % LANES)) * 4 + (size_t)(k % 4)] =
          weights[((size_t)f * (size_t)runs + (size_t)run) * (size_t)length + (size_t)k];
      }
    }
  }
}

/// The numbers of sixteen channels, taken into registers once for all positions.
typedef struct {
  __m512i bias, multiplier, odd_multiplier, left, right, half, sign, zero_point, low, high;
  __mmask16 mask;
  int count;
} Scalings;

INLINE Scalings scalings_of(const Int8Scaling *scaling, int first) {
  Scalings s;
  s.bias = _mm512_loadu_si512(scaling->bias + first);
  s.multiplier = _mm512_loadu_si512(scaling->multiplier + first);
  s.odd_multiplier = _mm512_srli_epi64(s.multiplier, 32);
  s.left = _mm512_loadu_si512(scaling->left + first);
  s.right = _mm512_loadu_si512(scaling->right + first);
  s.half = _mm512_loadu_si512(scaling->half + first);
  s.sign = _mm512_loadu_si512(scaling->sign + first);
  s.zero_point = _mm512_set1_epi32(scaling->zero_point);
  s.low = _mm512_set1_epi32(scaling->low);
  s.high = _mm512_set1_epi32(scaling->high);
  s.count = scaling->channels - first;
  s.mask = s.count >= LANES ? 0xffff : (__mmask16)((1u << s.count) - 1);
  return s;
}

INLINE __m512i scaled(__m512i sum, const Scalings *s, const int is_plain) {
  __m512i x = _mm512_add_epi32(sum, s->bias);
  if (!is_plain) x = _mm512_sllv_epi32(x, s->left);
  const __m512i nudge = _mm512_set1_epi64(1 << 30);
  const __m512i even = _mm512_add_epi64(_mm512_mul_epi32(x, s->multiplier), nudge);
  const __m512i odd =
    _mm512_add_epi64(_mm512_mul_epi32(_mm512_srli_epi64(x, 32), s->odd_multiplier), nudge);
  x = _mm512_mask_mov_epi32(_mm512_srli_epi64(even, 31), 0xaaaa, _mm512_slli_epi64(odd, 1));
  const __m512i negative = _mm512_srai_epi32(x, 31);
  if (is_plain) {
    x = _mm512_add_epi32(x, _mm512_add_epi32(s->half, _mm512_and_si512(negative, s->sign)));
    x = _mm512_srav_epi32(x, s->right);
  } else {
    const __m512i one = _mm512_set1_epi32(1);
    const __m512i mask = _mm512_sub_epi32(_mm512_sllv_epi32(one, s->right), one);
    const __m512i threshold = _mm512_sub_epi32(_mm512_srli_epi32(mask, 1), negative);
    const __mmask16 up = _mm512_cmpgt_epi32_mask(_mm512_and_si512(x, mask), threshold);
    x = _mm512_srav_epi32(x, s->right);
    x = _mm512_mask_add_epi32(x, up, x, one);
  }
  x = _mm512_max_epi32(_mm512_add_epi32(x, s->zero_point), s->low);
  return _mm512_min_epi32(x, s->high);
}

INLINE void store(
  __m512i sum, const Int8Scaling *scaling, const Scalings *s, int first, uint8_t *y) {
  if (scaling->rounds_once) {
    int32_t all[LANES];
    _mm512_storeu_si512(all, sum);
    for (int c = 0; c < LANES && c < s->count; ++c) {
      y[first + c] = scale_channel(scaling, first + c, all[c]);
    }
    return;
  }
  const __m512i x = scaling->is_plain ? scaled(sum, s, 1) : scaled(sum, s, 0);
  _mm512_mask_cvtepi32_storeu_epi8(y + first, s->mask, x);
}

/// The sums of so many positions and vectors of channels.
INLINE void sum_tile(
  const Int8Product *product, const uint8_t *const *positions, int first,
  __m512i sums[MOST_POSITIONS][MOST_VECTORS], const int rows, const int vectors) {
  const size_t panel = panel_bytes(product->runs, product->length);
  const int8_t *weights = (const int8_t *)product->weights + (size_t)(first / LANES) * panel;
  const int words = run_words(product->length);
  __m512i a[MOST_POSITIONS][MOST_VECTORS];
#pragma clang loop unroll(full)
  for (int i = 0; i < rows; ++i) {
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; ++v) a[i][v] = _mm512_setzero_si512();
  }
  for (int run = 0; run < product->runs; ++run) {
    ptrdiff_t place = product->offsets[run];
    for (int word = 0; word < words; ++word) {
      __m512i w[MOST_VECTORS];
#pragma clang loop unroll(full)
      for (int v = 0; v < vectors; ++v) w[v] = _mm512_load_si512(weights + (size_t)v * panel);
#pragma clang loop unroll(full)
      for (int i = 0; i < rows; ++i) {
        int four;
        memcpy(&four, positions[i] + place, 4);
        const __m512i x = _mm512_set1_epi32(four);
#pragma clang loop unroll(full)
        for (int v = 0; v < vectors; ++v) a[i][v] = _mm512_dpbusd_epi32(a[i][v], x, w[v]);
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
  __m512i sums[MOST_POSITIONS][MOST_VECTORS];
  sum_tile(product, positions, first, sums, rows, vectors);
#pragma clang loop unroll(full)
  for (int v = 0; v < vectors; ++v) {
    const Scalings scalings = scalings_of(&product->scaling, first + v * LANES);
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; ++i) {
      store(
        sums[i][v], &product->scaling, &scalings, first + v * LANES,
        y + (ptrdiff_t)i * product->scaling.channels);
    }
  }
}

/// One position alone: its sums in two parts, that do not wait for each other.
INLINE void single(
  const Int8Product *product, const uint8_t *input, uint8_t *y, int first, const int vectors) {
  const size_t panel = panel_bytes(product->runs, product->length);
  const int8_t *weights = (const int8_t *)product->weights + (size_t)(first / LANES) * panel;
  const int words = run_words(product->length);
  __m512i a[2][MOST_VECTORS];
#pragma clang loop unroll(full)
  for (int v = 0; v < vectors; ++v) a[0][v] = a[1][v] = _mm512_setzero_si512();
  for (int run = 0; run < product->runs; ++run) {
    const uint8_t *x = input + product->offsets[run];
    int word = 0;
    for (; word + 2 <= words; word += 2) {
#pragma clang loop unroll(full)
      for (int k = 0; k < 2; ++k) {
        int four;
        memcpy(&four, x + 4 * (word + k), 4);
        const __m512i bytes = _mm512_set1_epi32(four);
#pragma clang loop unroll(full)
        for (int v = 0; v < vectors; ++v) {
          a[k][v] = _mm512_dpbusd_epi32(
            a[k][v], bytes, _mm512_load_si512(weights + (size_t)v * panel + (size_t)k * LANES * 4));
        }
      }
      weights += 2 * LANES * 4;
    }
    for (; word < words; ++word) {
      int four;
      memcpy(&four, x + 4 * word, 4);
      const __m512i bytes = _mm512_set1_epi32(four);
#pragma clang loop unroll(full)
      for (int v = 0; v < vectors; ++v) {
        a[0][v] =
          _mm512_dpbusd_epi32(a[0][v], bytes, _mm512_load_si512(weights + (size_t)v * panel));
      }
      weights += LANES * 4;
    }
  }
#pragma clang loop unroll(full)
  for (int v = 0; v < vectors; ++v) {
    const Scalings scalings = scalings_of(&product->scaling, first + v * LANES);
    store(
      _mm512_add_epi32(a[0][v], a[1][v]), &product->scaling, &scalings, first + v * LANES, y);
  }
}

#define WITH_VECTORS(FUNCTION)             \
  switch (vectors) {                       \
    case 4: FUNCTION(4); break;            \
    case 3: FUNCTION(3); break;            \
    case 2: FUNCTION(2); break;            \
    default: FUNCTION(1);                  \
  }

VNNI static void product(const Int8Product *product, int positions) {
  const int filters = product->scaling.channels;
  if (filters <= 8) return int8_vnni_eight_product(product, positions);
  for (int first = 0; first < filters; first += LANES * MOST_VECTORS) {
    const int all = (filters - first + LANES - 1) / LANES;
    const int vectors = all < MOST_VECTORS ? all : MOST_VECTORS;
    int i = 0;
    while (i < positions) {
      const uint8_t *x = product->input + i * product->step;
      uint8_t *y = product->output + (ptrdiff_t)i * filters;
      const int left = positions - i;
#define SIX(V) tile(product, x, y, first, 6, V)
#define FOUR(V) tile(product, x, y, first, 4, V)
#define TWO(V) tile(product, x, y, first, 2, V)
#define ONE(V) single(product, x, y, first, V)
      if (left >= 6) {
        WITH_VECTORS(SIX);
        i += 6;
      } else if (left >= 4) {
        WITH_VECTORS(FOUR);
        i += 4;
      } else if (left >= 2) {
        WITH_VECTORS(TWO);
        i += 2;
      } else {
        WITH_VECTORS(ONE);
        i += 1;
      }
    }
  }
}

/// So many of the largest of four positions, beside each other.
INLINE void pooled_tile(
  const Int8Product *product, const uint8_t *input, uint8_t *y, int first, const int windows,
  const int vectors) {
  const uint8_t *positions[MOST_POSITIONS];
#pragma clang loop unroll(full)
  for (int i = 0; i < windows; ++i) {
    const uint8_t *x = input + 2 * i * product->step;
    positions[4 * i] = x;
    positions[4 * i + 1] = x + product->step;
    positions[4 * i + 2] = x + product->row_step;
    positions[4 * i + 3] = x + product->row_step + product->step;
  }
  __m512i sums[MOST_POSITIONS][MOST_VECTORS];
  sum_tile(product, positions, first, sums, 4 * windows, vectors);
#pragma clang loop unroll(full)
  for (int v = 0; v < vectors; ++v) {
    const Scalings scalings = scalings_of(&product->scaling, first + v * LANES);
#pragma clang loop unroll(full)
    for (int i = 0; i < windows; ++i) {
      const __m512i largest = _mm512_max_epi32(
        _mm512_max_epi32(sums[4 * i][v], sums[4 * i + 1][v]),
        _mm512_max_epi32(sums[4 * i + 2][v], sums[4 * i + 3][v]));
      store(
        largest, &product->scaling, &scalings, first + v * LANES,
        y + (ptrdiff_t)i * product->scaling.channels);
    }
  }
}

VNNI static void product_pooled(const Int8Product *product, int positions) {
  const int filters = product->scaling.channels;
  if (filters <= 8) return int8_vnni_eight_pooled(product, positions);
  for (int first = 0; first < filters; first += LANES * MOST_VECTORS) {
    const int all = (filters - first + LANES - 1) / LANES;
    const int vectors = all < MOST_VECTORS ? all : MOST_VECTORS;
    // Four sums alone would wait for each other.
    int i = 0;
    while (i < positions / 2) {
      const uint8_t *x = product->input + 2 * i * product->step;
      uint8_t *y = product->output + (ptrdiff_t)i * filters;
#define POOLED(V) pooled_tile(product, x, y, first, 1, V)
      if (vectors <= 2 && i + 2 <= positions / 2) {
        if (vectors == 1) pooled_tile(product, x, y, first, 2, 1);
        else pooled_tile(product, x, y, first, 2, 2);
        i += 2;
      } else {
        WITH_VECTORS(POOLED);
        i += 1;
      }
    }
  }
}

VNNI static void depthwise(const Int8Depthwise *depthwise, int positions) {
  const int channels = depthwise->scaling.channels;
  const int padded = int8_padded(channels);
  for (int i = 0; i < positions; ++i) {
    const uint8_t *position = depthwise->input + i * depthwise->step;
    uint8_t *y = depthwise->output + (ptrdiff_t)i * channels;
    for (int first = 0; first < channels; first += LANES) {
      const int left = channels - first;
      const __mmask16 mask = left >= LANES ? 0xffff : (__mmask16)((1u << left) - 1);
      __m512i sum = _mm512_setzero_si512();
      for (int tap = 0; tap < depthwise->taps; ++tap) {
        const __m128i bytes =
          _mm_maskz_loadu_epi8(mask, position + depthwise->offsets[tap] + first);
        const __m256i w = _mm256_loadu_si256(
          (const __m256i *)(depthwise->weights + (ptrdiff_t)tap * padded + first));
        sum = _mm512_add_epi32(
          sum, _mm512_madd_epi16(_mm512_cvtepu8_epi32(bytes), _mm512_cvtepi16_epi32(w)));
      }
      const Scalings scalings = scalings_of(&depthwise->scaling, first);
      store(sum, &depthwise->scaling, &scalings, first, y);
    }
  }
}

const Int8Kernels int8_vnni = {packed_bytes, pack, product, product_pooled, depthwise};
#endif
