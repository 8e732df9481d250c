// What needs no products: pools, sums, the softmax, and the step from real numbers.
#include <math.h>
#include <string.h>

#include "int8_arithmetic.h"

void int8_max(const Int8Window *window) {
  const int channels = window->channels;
  memcpy(window->output, window->input, (size_t)channels);
  for (int row = 0; row < window->rows; ++row) {
    for (int column = 0; column < window->columns; ++column) {
      const uint8_t *x = window->input + row * window->row + column * channels;
      uint8_t *y = window->output;
      for (int c = 0; c < channels; ++c) y[c] = x[c] > y[c] ? x[c] : y[c];
    }
  }
}

void int8_average(const Int8Window *window) {
  const int channels = window->channels;
  const int count = window->rows * window->columns;
  for (int first = 0; first < channels; first += INT8_TOGETHER) {
    const int together = channels - first < INT8_TOGETHER ? channels - first : INT8_TOGETHER;
    int32_t sums[INT8_TOGETHER] = {0};
    for (int row = 0; row < window->rows; ++row) {
      for (int column = 0; column < window->columns; ++column) {
        const uint8_t *x = window->input + row * window->row + column * channels + first;
        for (int c = 0; c < together; ++c) sums[c] += x[c];
      }
    }
    for (int c = 0; c < together; ++c) {
      const int32_t sum = sums[c] - 128 * count;
      const int32_t mean = sum > 0 ? (sum + count / 2) / count : (sum - count / 2) / count;
      window->output[first + c] = clamp_byte(mean + 128, 0, 255);
    }
  }
}

void int8_mean(
  const Int8Window *window, int32_t zero_point, int32_t multiplier, int shift, int32_t output_zero_point,
  int32_t *sums) {
  const int channels = window->channels;
  const int count = window->rows * window->columns;
  memset(sums, 0, sizeof(int32_t) * (size_t)channels);
  for (int row = 0; row < window->rows; ++row) {
    for (int column = 0; column < window->columns; ++column) {
      const uint8_t *x = window->input + row * window->row + column * channels;
      for (int c = 0; c < channels; ++c) sums[c] += x[c];
    }
  }
  const int left = shift > 0 ? shift : 0, right = shift > 0 ? 0 : -shift;
  for (int c = 0; c < channels; ++c) {
    const int32_t y = scale_sum(sums[c] - zero_point * count, multiplier, left, right);
    window->output[c] = clamp_byte(wrapping_sum(y, output_zero_point), 0, 255);
  }
}

void int8_add(const Int8Sum *sum, const uint8_t *a, const uint8_t *b, uint8_t *y, size_t count) {
  const Int8Sum s = *sum;
  for (size_t i = 0; i < count; ++i) {
    const int32_t left = (a[i] - s.zero_points[0]) * (1 << 20);
    const int32_t right = (b[i] - s.zero_points[1]) * (1 << 20);
    const int32_t both =
      rounding_divide(rounding_doubling_high_multiply(left, s.multipliers[0]), s.rights[0])
      + rounding_divide(rounding_doubling_high_multiply(right, s.multipliers[1]), s.rights[1]);
    const int32_t scaled =
      rounding_divide(rounding_doubling_high_multiply(both, s.multiplier), s.right);
    y[i] = clamp_byte(scaled + s.zero_point, s.low, s.high);
  }
}

void int8_clamp(uint8_t *y, size_t count, int32_t low, int32_t high) {
  for (size_t i = 0; i < count; ++i) y[i] = clamp_byte(y[i], low, high);
}

// Fixed-point numbers: Qn has n bits before the point and 31 − n behind it.

/// x·2^exponent, held in 32 bits.
static int32_t saturating_multiply(int32_t x, int exponent) {
  const int64_t y = (int64_t)x * ((int64_t)1 << exponent);
  return y > INT32_MAX ? INT32_MAX : y < INT32_MIN ? INT32_MIN : (int32_t)y;
}

/// eˣ of x in Q5, x ≤ 0, in Q0: of the part in [−¼, 0) by Taylor's series around −⅛, times e to the powers of two
/// that the rest is made of.
static int32_t exponential(int32_t x) {
  if (x == 0) return INT32_MAX;
  const int32_t quarter = 1 << 24;
  const int32_t part = (x & (quarter - 1)) - quarter;
  const int32_t eighth = 1895147668, third = 715827883;
  const int32_t t = (int32_t)((uint32_t)part << 5) + (1 << 28);
  const int32_t t2 = rounding_doubling_high_multiply(t, t);
  const int32_t t3 = rounding_doubling_high_multiply(t2, t);
  const int32_t t4 = rounding_doubling_high_multiply(t2, t2);
  const int32_t more = rounding_divide(
    rounding_doubling_high_multiply(rounding_divide(t4, 2) + t3, third) + t2, 1);
  int32_t y = eighth + rounding_doubling_high_multiply(eighth, t + more);
  static const int32_t powers[7] = {
    1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242};
  const int32_t rest = part - x;
  for (int i = 0; i < 7; ++i) {
    if (rest & (1 << (24 + i))) y = rounding_doubling_high_multiply(y, powers[i]);
  }
  return y;
}

/// 1/(1 + x) of x in Q0, by three of Newton's steps.
static int32_t reciprocal(int32_t x) {
  const int32_t half = (int32_t)(((int64_t)x + INT32_MAX + 1) / 2);
  int32_t y = 1515870810 + rounding_doubling_high_multiply(half, -1010580540);
  for (int i = 0; i < 3; ++i) {
    const int32_t rest = (1 << 29) - rounding_doubling_high_multiply(half, y);
    y += saturating_multiply(rounding_doubling_high_multiply(y, rest), 2);
  }
  return saturating_multiply(y, 1);
}

static int32_t difference(int32_t x, int32_t multiplier, int left) {
  return rounding_doubling_high_multiply((int32_t)((uint32_t)x << left), multiplier);
}

void int8_softmax(
  const uint8_t *x, int count, int32_t multiplier, int left, int32_t lowest, uint8_t *y) {
  int32_t largest = 0;
  for (int i = 0; i < count; ++i) largest = x[i] > largest ? x[i] : largest;
  // In Q12.
  int32_t sum = 0;
  for (int i = 0; i < count; ++i) {
    const int32_t d = x[i] - largest;
    if (d < lowest) continue;
    sum += rounding_divide(exponential(difference(d, multiplier, left)), 12);
  }
  const int headroom = __builtin_clz((unsigned)sum);
  const int32_t factor = reciprocal((int32_t)(((uint32_t)sum << headroom) - (1u << 31)));
  const int exponent = 12 - headroom + 31 - 8;
  for (int i = 0; i < count; ++i) {
    const int32_t d = x[i] - largest;
    // Of 512 equal numbers and more, each is worth half a unit at most.
    const int32_t p = d < lowest || exponent > 31
      ? 0
      : rounding_divide(
          rounding_doubling_high_multiply(
            factor, exponential(difference(d, multiplier, left))), exponent);
    y[i] = clamp_byte(p, 0, 255);
  }
}

void int8_quantize(
  const float *x, size_t count, float scale, int32_t zero_point, uint8_t *y) {
  for (size_t i = 0; i < count; ++i) {
    const float value = x[i] / scale;
    // What lies far outside is at an end anyway; a number that is none is the zero.
    const float held = value > 1024 ? 1024 : value < -1024 ? -1024 : value == value ? value : 0;
    const float whole = truncf(held);
    const float rest = held - whole;
    const float up = rest >= 0.5f ? 1.0f : rest <= -0.5f ? -1.0f : 0.0f;
    y[i] = clamp_byte((int32_t)(whole + up) + zero_point, 0, 255);
  }
}
