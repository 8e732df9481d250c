// Products by plain loops, which compilers vectorise for whatever processor they build for.
#include <string.h>

#include "int8_arithmetic.h"

static size_t packed_bytes(int filters, int runs, int length) {
  return (size_t)filters * (size_t)runs * (size_t)length;
}

static void pack(const int8_t *weights, int filters, int runs, int length, void *packed) {
  memcpy(packed, weights, packed_bytes(filters, runs, length));
}

static inline int32_t sum_of(
  const Int8Product *product, const uint8_t *position, const int8_t *weights) {
  int32_t sum = 0;
  for (int run = 0; run < product->runs; ++run) {
    const uint8_t *x = position + product->offsets[run];
    for (int k = 0; k < product->length; ++k) sum += x[k] * weights[k];
    weights += product->length;
  }
  return sum;
}

static void product(const Int8Product *product, int positions) {
  const int filters = product->scaling.channels;
  const size_t size = (size_t)product->runs * (size_t)product->length;
  for (int i = 0; i < positions; ++i) {
    const uint8_t *position = product->input + i * product->step;
    for (int f = 0; f < filters; ++f) {
      const int8_t *weights = (const int8_t *)product->weights + (size_t)f * size;
      product->output[(ptrdiff_t)i * filters + f] =
        scale_channel(&product->scaling, f, sum_of(product, position, weights));
    }
  }
}

static void product_pooled(const Int8Product *product, int positions) {
  const int filters = product->scaling.channels;
  const size_t size = (size_t)product->runs * (size_t)product->length;
  for (int i = 0; i < positions / 2; ++i) {
    const uint8_t *position = product->input + 2 * i * product->step;
    for (int f = 0; f < filters; ++f) {
      const int8_t *weights = (const int8_t *)product->weights + (size_t)f * size;
      // What becomes of a sum grows with it: the largest of four is that of the largest.
      int32_t largest = INT32_MIN;
      for (int k = 0; k < 4; ++k) {
        const int32_t sum = sum_of(
          product, position + k % 2 * product->step + k / 2 * product->row_step, weights);
        if (sum > largest) largest = sum;
      }
      product->output[(ptrdiff_t)i * filters + f] = scale_channel(&product->scaling, f, largest);
    }
  }
}

static void depthwise(const Int8Depthwise *depthwise, int positions) {
  const int channels = depthwise->scaling.channels;
  const int padded = int8_padded(channels);
  for (int i = 0; i < positions; ++i) {
    const uint8_t *position = depthwise->input + i * depthwise->step;
    uint8_t *y = depthwise->output + (ptrdiff_t)i * channels;
    for (int first = 0; first < channels; first += INT8_TOGETHER) {
      const int count = channels - first < INT8_TOGETHER ? channels - first : INT8_TOGETHER;
      int32_t sums[INT8_TOGETHER] = {0};
      for (int tap = 0; tap < depthwise->taps; ++tap) {
        const uint8_t *x = position + depthwise->offsets[tap] + first;
        const int16_t *w = depthwise->weights + (ptrdiff_t)tap * padded + first;
        for (int c = 0; c < count; ++c) sums[c] += x[c] * w[c];
      }
      for (int c = 0; c < count; ++c) {
        y[first + c] = scale_channel(&depthwise->scaling, first + c, sums[c]);
      }
    }
  }
}

const Int8Kernels int8_plain = {packed_bytes, pack, product, product_pooled, depthwise};
