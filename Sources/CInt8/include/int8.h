#pragma once
#include <stddef.h>
#include <stdint.h>

// The layers of a network in eight bits, as TensorFlow Lite's reference kernels define them: q of a real
// number x = s(q - z), int8. In memory a number is q + 128, a byte of 0 to 255, and so is a zero point:
// sums of bytes by int8 weights are what vector instructions take. Sums are of 32 bits and exact, so that
// the bits of a result depend neither on the path nor on the processor.

/// How products are computed. `INT8_VNNI` needs AVX-512 with VNNI.
enum { INT8_PLAIN = 0, INT8_AVX2 = 1, INT8_VNNI = 2, INT8_PATHS = 3 };

/// Whether this processor runs a path.
int int8_runs(int path);

/// What becomes of the sum of a channel:
///
///     y = clamp(z + round(round((a + bias)·2^left·multiplier/2³¹)/2^right))
///
/// the inner rounding half up, the outer half away from zero; or, as of a dense layer, rounded once, half
/// up: z + round((a + bias)·multiplier·2^(left − right)/2³¹). Arrays have as many places as `int8_padded`
/// says, zeros at the end.
///
/// Where `is_plain` is set, no left is more than 0 and no a + bias as much as 2³⁰, so that nothing overflows in
///
///     round(x/2^right) = (x + half + (x < 0 ? sign : 0)) >> right
///
/// with half = 2^(right − 1) and sign = −1, or 0 and 0 where right is 0.
typedef struct {
  const int32_t *bias, *multiplier, *left, *right, *half, *sign;
  /// 0 to 255.
  int32_t zero_point, low, high;
  int channels;
  int rounds_once, is_plain;
} Int8Scaling;

/// Channels with those that fill up the last vector.
int int8_padded(int channels);

/// A convolution at positions that lie beside each other, or a dense layer at one.
///
/// What a filter sees is some runs of bytes, each at an offset from the position's first byte. The last up
/// to three bytes that are read of a run count nothing.
typedef struct {
  const uint8_t *input;
  /// Bytes from a position to the next, and from a row of positions to the next.
  ptrdiff_t step, row_step;
  const ptrdiff_t *offsets;
  int runs, length;
  /// As `int8_pack` gave them for the path.
  const void *weights;
  Int8Scaling scaling;
  uint8_t *output;
} Int8Product;

/// Bytes of the weights of so many filters, each of `runs` times `length`, as a path reads them.
size_t int8_packed_bytes(int path, int filters, int runs, int length);

/// Arranges weights, (filters, runs, length), for a path. `packed` is aligned to 64 bytes.
void int8_pack(int path, const int8_t *weights, int filters, int runs, int length, void *packed);

/// output[i, f] for so many positions.
void int8_product(int path, const Int8Product *product, int positions);

/// The same, and of each two positions in two rows the largest: (positions/2, filters). `positions` is even.
void int8_product_pooled(int path, const Int8Product *product, int positions);

/// A depthwise convolution, one filter for each channel, at positions that lie beside each other:
/// a = Σ input[i·step + offset]·weight over the taps.
typedef struct {
  const uint8_t *input;
  ptrdiff_t step;
  const ptrdiff_t *offsets;
  int taps;
  /// (taps, `int8_padded` channels)
  const int16_t *weights;
  Int8Scaling scaling;
  uint8_t *output;
} Int8Depthwise;

void int8_depthwise(int path, const Int8Depthwise *depthwise, int positions);

/// The largest or the mean of a window of rows and columns of an image's channels.
typedef struct {
  const uint8_t *input;
  ptrdiff_t row;
  int rows, columns, channels;
  uint8_t *output;
} Int8Window;

void int8_max(const Int8Window *window);
/// Means of q, rounded half away from zero.
void int8_average(const Int8Window *window);
/// The mean with a scale of its own: z' + round(Σ(q − z)·multiplier·2^shift/2³¹), rounded as
/// `Int8Scaling` is. `sums` has room for the channels.
void int8_mean(
  const Int8Window *window, int32_t zero_point, int32_t multiplier, int shift, int32_t output_zero_point,
  int32_t *sums);

/// y = a + b, each brought to a common scale in 20 more bits first.
typedef struct {
  int32_t zero_points[2], multipliers[2], rights[2];
  int32_t multiplier, right, zero_point, low, high;
} Int8Sum;

void int8_add(const Int8Sum *sum, const uint8_t *a, const uint8_t *b, uint8_t *y, size_t count);

/// min(max(y, low), high), in place.
void int8_clamp(uint8_t *y, size_t count, int32_t low, int32_t high);

/// eˣ/Σeˣ in 1/256 with the zero point −128, by fixed-point arithmetic.
void int8_softmax(
  const uint8_t *x, int count, int32_t multiplier, int left, int32_t lowest, uint8_t *y);

/// round(x/scale) + z, rounded half away from zero, and held in 0 to 255.
void int8_quantize(
  const float *x, size_t count, float scale, int32_t zero_point, uint8_t *y);
