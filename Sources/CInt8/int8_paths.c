// Which path a product takes.
#include "int8_arithmetic.h"

int int8_runs(int path) {
  switch (path) {
    case INT8_PLAIN: return 1;
#if defined(__x86_64__)
    case INT8_AVX2: return __builtin_cpu_supports("avx2") != 0;
    case INT8_VNNI:
      return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
        && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni");
#endif
    default: return 0;
  }
}

static const Int8Kernels *kernels(int path) {
#if defined(__x86_64__)
  if (path == INT8_AVX2) return &int8_avx2;
  if (path == INT8_VNNI) return &int8_vnni;
#endif
  (void)path;
  return &int8_plain;
}

int int8_padded(int channels) { return (channels + 63) / 64 * 64; }

size_t int8_packed_bytes(int path, int filters, int runs, int length) {
  return kernels(path)->packed_bytes(filters, runs, length);
}

void int8_pack(
  int path, const int8_t *weights, int filters, int runs, int length, void *packed) {
  kernels(path)->pack(weights, filters, runs, length, packed);
}

void int8_product(int path, const Int8Product *product, int positions) {
  kernels(path)->product(product, positions);
}

void int8_product_pooled(int path, const Int8Product *product, int positions) {
  kernels(path)->product_pooled(product, positions);
}

void int8_depthwise(int path, const Int8Depthwise *depthwise, int positions) {
  kernels(path)->depthwise(depthwise, positions);
}
