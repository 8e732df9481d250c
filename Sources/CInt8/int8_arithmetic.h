#pragma once
#include "int8.h"

// The roundings of gemmlowp's fixed-point arithmetic, on which TensorFlow Lite's kernels stand. Shifts of
// negative numbers are arithmetic with every compiler that this is built by.

/// a·b/2³¹ to the nearest, half up: the high half of the doubled product.
static inline int32_t rounding_doubling_high_multiply(int32_t a, int32_t b) {
  if (a == b && a == INT32_MIN) return INT32_MAX;
  return (int32_t)(((int64_t)a * b + (1 << 30)) >> 31);
}

/// x/2^exponent to the nearest, half away from zero.
static inline int32_t rounding_divide(int32_t x, int exponent) {
  const int32_t mask = (int32_t)((1u << exponent) - 1);
  const int32_t threshold = (mask >> 1) + (x < 0);
  return (x >> exponent) + ((x & mask) > threshold);
}

static inline int32_t scale_sum(int32_t x, int32_t multiplier, int left, int right) {
  return rounding_divide(
    rounding_doubling_high_multiply((int32_t)((uint32_t)x << left), multiplier), right);
}

static inline uint8_t clamp_byte(int32_t y, int32_t low, int32_t high) {
  return (uint8_t)(y < low ? low : y > high ? high : y);
}

static inline int32_t wrapping_sum(int32_t a, int32_t b) {
  return (int32_t)((uint32_t)a + (uint32_t)b);
}

/// x·multiplier·2^(left − right)/2³¹ to the nearest, half up.
static inline int32_t scale_sum_once(int32_t x, int32_t multiplier, int left, int right) {
  const int shift = 31 - left + right;
  return (int32_t)(((int64_t)x * multiplier + ((int64_t)1 << (shift - 1))) >> shift);
}

static inline uint8_t scale_channel(const Int8Scaling *scaling, int channel, int32_t sum) {
  const int32_t x = wrapping_sum(sum, scaling->bias[channel]);
  const int32_t multiplier = scaling->multiplier[channel];
  const int left = scaling->left[channel], right = scaling->right[channel];
  const int32_t y = scaling->rounds_once ? scale_sum_once(x, multiplier, left, right)
                                         : scale_sum(x, multiplier, left, right);
  return clamp_byte(wrapping_sum(y, scaling->zero_point), scaling->low, scaling->high);
}

// A path's kernels.
typedef struct {
  size_t (*packed_bytes)(int filters, int runs, int length);
  void (*pack)(const int8_t *weights, int filters, int runs, int length, void *packed);
  void (*product)(const Int8Product *product, int positions);
  void (*product_pooled)(const Int8Product *product, int positions);
  void (*depthwise)(const Int8Depthwise *depthwise, int positions);
} Int8Kernels;

extern const Int8Kernels int8_plain;
#if defined(__x86_64__)
extern const Int8Kernels int8_avx2, int8_vnni;

// Of at most eight filters, which fill half of a vector of AVX-512.
size_t int8_vnni_eight_bytes(int runs, int length);
void int8_vnni_eight_pack(const int8_t *weights, int filters, int runs, int length, void *packed);
void int8_vnni_eight_product(const Int8Product *product, int positions);
void int8_vnni_eight_pooled(const Int8Product *product, int positions);
#endif

/// Channels that a depthwise convolution works on at once.
enum { INT8_TOGETHER = 64 };

static inline int run_words(int length) { return (length + 3) / 4; }
