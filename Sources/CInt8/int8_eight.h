#pragma once
#if defined(__x86_64__)
#include <immintrin.h>
#include <string.h>

#include "int8_arithmetic.h"

// What becomes of the sums of eight channels, by AVX2.

#define EIGHT static inline __attribute__((always_inline, target("avx2")))

EIGHT __m256i eight(const int32_t *x) { return _mm256_loadu_si256((const __m256i *)x); }

/// The numbers of eight channels, taken into registers once for all positions.
typedef struct {
  __m256i bias, multiplier, odd_multiplier, left, right, half, sign, zero_point, low, high;
  int count;
} EightScalings;

EIGHT EightScalings eight_scalings(const Int8Scaling *scaling, int first) {
  EightScalings s;
  s.bias = eight(scaling->bias + first);
  s.multiplier = eight(scaling->multiplier + first);
  s.odd_multiplier = _mm256_srli_epi64(s.multiplier, 32);
  s.left = eight(scaling->left + first);
  s.right = eight(scaling->right + first);
  s.half = eight(scaling->half + first);
  s.sign = eight(scaling->sign + first);
  s.zero_point = _mm256_set1_epi32(scaling->zero_point);
  s.low = _mm256_set1_epi32(scaling->low);
  s.high = _mm256_set1_epi32(scaling->high);
  s.count = scaling->channels - first;
  return s;
}

EIGHT __m256i eight_scaled(__m256i sum, const EightScalings *s, const int is_plain) {
  __m256i x = _mm256_add_epi32(sum, s->bias);
  if (!is_plain) x = _mm256_sllv_epi32(x, s->left);
  const __m256i nudge = _mm256_set1_epi64x(1 << 30);
  const __m256i even = _mm256_add_epi64(_mm256_mul_epi32(x, s->multiplier), nudge);
  const __m256i odd =
    _mm256_add_epi64(_mm256_mul_epi32(_mm256_srli_epi64(x, 32), s->odd_multiplier), nudge);
  x = _mm256_blend_epi32(_mm256_srli_epi64(even, 31), _mm256_slli_epi64(odd, 1), 0xaa);
  const __m256i negative = _mm256_srai_epi32(x, 31);
  if (is_plain) {
    x = _mm256_add_epi32(x, _mm256_add_epi32(s->half, _mm256_and_si256(negative, s->sign)));
    x = _mm256_srav_epi32(x, s->right);
  } else {
    const __m256i one = _mm256_set1_epi32(1);
    const __m256i mask = _mm256_sub_epi32(_mm256_sllv_epi32(one, s->right), one);
    const __m256i threshold = _mm256_sub_epi32(_mm256_srli_epi32(mask, 1), negative);
    const __m256i up = _mm256_cmpgt_epi32(_mm256_and_si256(x, mask), threshold);
    x = _mm256_sub_epi32(_mm256_srav_epi32(x, s->right), up);
  }
  x = _mm256_max_epi32(_mm256_add_epi32(x, s->zero_point), s->low);
  return _mm256_min_epi32(x, s->high);
}

/// Scales and stores the sums of up to eight channels.
/// - `first`: of the channels; `y`: where the first of all is.
EIGHT void eight_store(
  __m256i sum, const Int8Scaling *scaling, const EightScalings *s, int first, uint8_t *y) {
  if (scaling->rounds_once) {
    int32_t all[8];
    _mm256_storeu_si256((__m256i *)all, sum);
    for (int c = 0; c < 8 && c < s->count; ++c) {
      y[first + c] = scale_channel(scaling, first + c, all[c]);
    }
    return;
  }
  const __m256i x = scaling->is_plain ? eight_scaled(sum, s, 1) : eight_scaled(sum, s, 0);
  const __m128i words = _mm_packus_epi32(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1));
  const __m128i bytes = _mm_packus_epi16(words, words);
  if (s->count >= 8) {
    _mm_storel_epi64((__m128i *)(y + first), bytes);
  } else if (s->count == 4) {
    const int four = _mm_cvtsi128_si32(bytes);
    memcpy(y + first, &four, 4);
  } else {
    uint8_t all[16];
    _mm_storeu_si128((__m128i *)all, bytes);
    memcpy(y + first, all, (size_t)s->count);
  }
}
#endif
