/// The loops that a C header of integers may need, each by its name; `P_` stands for what its names begin with.
enum QuantizedCFunctions {
  /// The roundings, which most of the others need.
  static let arithmetic = """
    /* a * b / 2^31 to the nearest, half up. */
    static inline int32_t P_high(int32_t a, int32_t b) {
      return (int32_t)(((int64_t)a * b + ((int32_t)1 << 30)) >> 31);
    }

    /* x / 2^n to the nearest, half away from zero. */
    static inline int32_t P_divided(int32_t x, int n) {
      int32_t mask = (int32_t)(((uint32_t)1 << n) - 1), middle = (mask >> 1) + (x < 0);
      return (x >> n) + ((x & mask) > middle);
    }

    /* x * m * 2^s / 2^31, rounded twice. */
    static inline int32_t P_scaled(int32_t x, int32_t m, int s) {
      int32_t high = P_high((int32_t)((uint32_t)x << (s > 0 ? s : 0)), m);
      return P_divided(high, s > 0 ? 0 : -s);
    }

    /* x + zero, held in low to high. */
    static inline int8_t P_held(int32_t x, int zero, int low, int high) {
      x = (int32_t)((uint32_t)x + (uint32_t)(zero + 128));
      return (int8_t)((x < low + 128 ? low + 128 : x > high + 128 ? high + 128 : x) - 128);
    }
    """

  /// In this order they are written.
  static let all: [(name: String, text: String)] = [
    (
      "conv",
      """
      /* y[r, q, f] = sum of (x[r*sh + i*dh - top, q*sw + j*dw - left, c] - xz) * k[f, i, j, c], scaled: the
         largest of ph rows and pw columns of such. */
      static inline void P_conv(const int8_t *x, int h, int w, int c, int xz, const int8_t *k,
                                const int32_t *b, const int32_t *m, const int8_t *s, int8_t *y, int oh,
                                int ow, int f, int kh, int kw, int sh, int sw, int dh, int dw, int top,
                                int left, int ph, int pw, int yz, int low, int high) {
        for (int r = 0; r < oh; r++) {
          for (int q = 0; q < ow; q++) {
            for (int o = 0; o < f; o++) {
              int32_t largest = INT32_MIN;
              for (int p = 0; p < ph * pw; p++) {
                int32_t sum = 0;
                for (int i = 0; i < kh; i++) {
                  int row = (r * ph + p / pw) * sh + i * dh - top;
                  if (row < 0 || row >= h) continue;
                  for (int j = 0; j < kw; j++) {
                    int column = (q * pw + p % pw) * sw + j * dw - left;
                    if (column < 0 || column >= w) continue;
                    const int8_t *in = x + ((size_t)row * (size_t)w + (size_t)column) * (size_t)c;
                    const int8_t *weights =
                        k + (((size_t)o * (size_t)kh + (size_t)i) * (size_t)kw + (size_t)j) * (size_t)c;
                    for (int n = 0; n < c; n++) sum += (int32_t)(in[n] - xz) * weights[n];
                  }
                }
                if (sum > largest) largest = sum;
              }
              largest = (int32_t)((uint32_t)largest + (uint32_t)b[o]);
              y[((size_t)r * (size_t)ow + (size_t)q) * (size_t)f + (size_t)o] =
                  P_held(P_scaled(largest, m[o], s[o]), yz, low, high);
            }
          }
        }
      }
      """
    ),
    (
      "depthwise",
      """
      /* y[r, q, c] = sum of (x[r*sh + i*dh - top, q*sw + j*dw - left, c] - xz) * k[i, j, c], scaled */
      static inline void P_depthwise(const int8_t *x, int h, int w, int c, int xz, const int8_t *k,
                                     const int32_t *b, const int32_t *m, const int8_t *s, int8_t *y,
                                     int oh, int ow, int kh, int kw, int sh, int sw, int dh, int dw,
                                     int top, int left, int yz, int low, int high) {
        for (int r = 0; r < oh; r++) {
          for (int q = 0; q < ow; q++) {
            for (int n = 0; n < c; n++) {
              int32_t sum = 0;
              for (int i = 0; i < kh; i++) {
                int row = r * sh + i * dh - top;
                if (row < 0 || row >= h) continue;
                for (int j = 0; j < kw; j++) {
                  int column = q * sw + j * dw - left;
                  if (column < 0 || column >= w) continue;
                  sum += (int32_t)(x[((size_t)row * (size_t)w + (size_t)column) * (size_t)c + (size_t)n] -
                                   xz) *
                         k[(size_t)(i * kw + j) * (size_t)c + (size_t)n];
                }
              }
              sum = (int32_t)((uint32_t)sum + (uint32_t)b[n]);
              y[((size_t)r * (size_t)ow + (size_t)q) * (size_t)c + (size_t)n] =
                  P_held(P_scaled(sum, m[n], s[n]), yz, low, high);
            }
          }
        }
      }
      """
    ),
    (
      "dense",
      """
      /* y[u] = sum of (x[n] - xz) * k[u, n], scaled: rounded once, half up */
      static inline void P_dense(const int8_t *x, int c, int xz, const int8_t *k, const int32_t *b,
                                 const int32_t *m, const int8_t *s, int8_t *y, int units, int yz,
                                 int low, int high) {
        for (int u = 0; u < units; u++) {
          const int8_t *weights = k + (size_t)u * (size_t)c;
          int32_t sum = 0;
          for (int n = 0; n < c; n++) sum += (int32_t)(x[n] - xz) * weights[n];
          sum = (int32_t)((uint32_t)sum + (uint32_t)b[u]);
          int shift = 31 - s[u];
          int32_t scaled =
              (int32_t)(((int64_t)sum * m[u] + ((int64_t)1 << (shift - 1))) >> shift);
          y[u] = P_held(scaled, yz, low, high);
        }
      }
      """
    ),
    (
      "max_pool",
      """
      /* The largest of each window; what lies around the image never is. */
      static inline void P_max_pool(const int8_t *x, int h, int w, int c, int8_t *y, int oh, int ow,
                                    int kh, int kw, int sh, int sw, int top, int left) {
        for (int r = 0; r < oh; r++) {
          for (int q = 0; q < ow; q++) {
            int8_t *out = y + ((size_t)r * (size_t)ow + (size_t)q) * (size_t)c;
            for (int n = 0; n < c; n++) out[n] = -128;
            for (int i = 0; i < kh; i++) {
              int row = r * sh + i - top;
              if (row < 0 || row >= h) continue;
              for (int j = 0; j < kw; j++) {
                int column = q * sw + j - left;
                if (column < 0 || column >= w) continue;
                const int8_t *in = x + ((size_t)row * (size_t)w + (size_t)column) * (size_t)c;
                for (int n = 0; n < c; n++)
                  if (in[n] > out[n]) out[n] = in[n];
              }
            }
          }
        }
      }
      """
    ),
    (
      "average_pool",
      """
      /* The mean of what of each window lies in the image, to the nearest, half away from zero. */
      static inline void P_average_pool(const int8_t *x, int h, int w, int c, int8_t *y, int oh, int ow,
                                        int kh, int kw, int sh, int sw, int top, int left) {
        for (int r = 0; r < oh; r++) {
          for (int q = 0; q < ow; q++) {
            for (int n = 0; n < c; n++) {
              int32_t sum = 0, count = 0;
              for (int i = 0; i < kh; i++) {
                int row = r * sh + i - top;
                if (row < 0 || row >= h) continue;
                for (int j = 0; j < kw; j++) {
                  int column = q * sw + j - left;
                  if (column < 0 || column >= w) continue;
                  sum += x[((size_t)row * (size_t)w + (size_t)column) * (size_t)c + (size_t)n];
                  count++;
                }
              }
              y[((size_t)r * (size_t)ow + (size_t)q) * (size_t)c + (size_t)n] =
                  (int8_t)(sum > 0 ? (sum + count / 2) / count : (sum - count / 2) / count);
            }
          }
        }
      }
      """
    ),
    (
      "mean",
      """
      /* The mean of each channel, with a scale of its own. */
      static inline void P_mean(const int8_t *x, int count, int c, int xz, int8_t *y, int32_t m, int s,
                                int yz) {
        for (int n = 0; n < c; n++) {
          int32_t sum = 0;
          for (int i = 0; i < count; i++) sum += x[(size_t)i * (size_t)c + (size_t)n] - xz;
          y[n] = P_held(P_scaled(sum, m, s), yz, -128, 127);
        }
      }
      """
    ),
    (
      "add",
      """
      /* a + b, each brought to a common scale in 20 more bits first */
      static inline void P_add(const int8_t *a, const int8_t *b, int8_t *y, int count, int az, int32_t am,
                               int as, int bz, int32_t bm, int bs, int32_t m, int s, int yz, int low,
                               int high) {
        for (int i = 0; i < count; i++) {
          int32_t first = P_scaled((int32_t)(a[i] - az) * ((int32_t)1 << 20), am, as);
          int32_t second = P_scaled((int32_t)(b[i] - bz) * ((int32_t)1 << 20), bm, bs);
          y[i] = P_held(P_scaled(first + second, m, s), yz, low, high);
        }
      }
      """
    ),
    (
      "clamp",
      """
      static inline void P_clamp(const int8_t *x, int8_t *y, int count, int low, int high) {
        for (int i = 0; i < count; i++) y[i] = P_held(x[i], 0, low, high);
      }
      """
    ),
    (
      "pad",
      """
      /* y[r, q] = x[r - top, q - left], zeros outside */
      static inline void P_pad(const int8_t *x, int h, int w, int c, int xz, int8_t *y, int oh, int ow,
                               int top, int left) {
        for (int r = 0; r < oh; r++) {
          for (int q = 0; q < ow; q++) {
            int row = r - top, column = q - left;
            int inside = row >= 0 && row < h && column >= 0 && column < w;
            for (int n = 0; n < c; n++)
              y[((size_t)r * (size_t)ow + (size_t)q) * (size_t)c + (size_t)n] = (int8_t)(
                  inside ? x[((size_t)row * (size_t)w + (size_t)column) * (size_t)c + (size_t)n] : xz);
          }
        }
      }
      """
    ),
    (
      "softmax",
      """
      /* x * 2^n, held in 32 bits */
      static inline int32_t P_raised(int32_t x, int n) {
        int64_t y = (int64_t)x * ((int64_t)1 << n);
        return y > INT32_MAX ? INT32_MAX : y < INT32_MIN ? INT32_MIN : (int32_t)y;
      }

      /* exp(x) in 31 bits behind the point, of x in 26, x <= 0: by Taylor's series of the part in [-1/4, 0),
         times the powers that the rest is made of. */
      static inline int32_t P_exp(int32_t x) {
        static const int32_t powers[7] = {1672461947, 1302514674, 790015084, 290630308,
                                          39332535,   720401,     242};
        if (x == 0) return INT32_MAX;
        int32_t part = (x & (((int32_t)1 << 24) - 1)) - ((int32_t)1 << 24);
        int32_t t = (int32_t)((uint32_t)part << 5) + ((int32_t)1 << 28);
        int32_t t2 = P_high(t, t), t3 = P_high(t2, t), t4 = P_high(t2, t2);
        int32_t more = P_divided(P_high(P_divided(t4, 2) + t3, 715827883) + t2, 1);
        int32_t y = 1895147668 + P_high(1895147668, t + more), rest = part - x;
        for (int i = 0; i < 7; i++)
          if (rest & ((int32_t)1 << (24 + i))) y = P_high(y, powers[i]);
        return y;
      }

      /* exp(x) / sum of exp(x) in 1/256, less 128 */
      static inline void P_softmax(const int8_t *x, int8_t *y, int count, int32_t m, int s,
                                   int32_t lowest) {
        int32_t most = -128, sum = 0, bits = 0;
        for (int i = 0; i < count; i++)
          if (x[i] > most) most = x[i];
        for (int i = 0; i < count; i++) {
          int32_t d = x[i] - most;
          if (d >= lowest)
            sum += P_divided(P_exp(P_high((int32_t)((uint32_t)d << (s > 0 ? s : 0)), m)), 12);
        }
        while (!((uint32_t)sum << bits & 0x80000000u)) bits++;
        /* 1 / (1 + x) by three of Newton's steps */
        int32_t x1 = (int32_t)(((uint32_t)sum << bits) - 0x80000000u);
        int32_t half = (int32_t)(((int64_t)x1 + INT32_MAX + 1) / 2);
        int32_t factor = 1515870810 + P_high(half, -1010580540), n = 12 - bits + 31 - 8;
        for (int i = 0; i < 3; i++)
          factor += P_raised(P_high(factor, ((int32_t)1 << 29) - P_high(half, factor)), 2);
        factor = P_raised(factor, 1);
        /* Of 512 equal numbers and more, each is worth half a unit at most. */
        for (int i = 0; i < count; i++) {
          int32_t d = x[i] - most, p = 0;
          if (d >= lowest && n < 32)
            p = P_divided(P_high(factor, P_exp(P_high((int32_t)((uint32_t)d << (s > 0 ? s : 0)), m))), n);
          y[i] = P_held(p, -128, -128, 127);
        }
      }
      """
    ),
  ]
}
