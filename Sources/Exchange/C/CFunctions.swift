/// The loops that a C header may need, each by its name; `P_` stands for what its names begin with.
enum CFunctions {
  /// In this order they are written.
  static let all: [(name: String, text: String)] = [
    (
      "conv",
      """
      /* y[r, q, f] = b[f] + sum of x[r*sh + i*dh - top, q*sw + j*dw - left, c] * k[i, j, c, f] */
      static inline void P_conv(const float *x, int h, int w, int c, const float *k, const float *b,
                                float *y, int oh, int ow, int f, int kh, int kw, int sh, int sw,
                                int dh, int dw, int top, int left, int groups) {
        int cg = c / groups, fg = f / groups;
        for (int r = 0; r < oh; r++) {
          for (int q = 0; q < ow; q++) {
            float *out = y + ((size_t)r * (size_t)ow + (size_t)q) * (size_t)f;
            for (int o = 0; o < f; o++) out[o] = b ? b[o] : 0.0f;
            for (int i = 0; i < kh; i++) {
              int row = r * sh + i * dh - top;
              if (row < 0 || row >= h) continue;
              for (int j = 0; j < kw; j++) {
                int column = q * sw + j * dw - left;
                if (column < 0 || column >= w) continue;
                const float *in = x + ((size_t)row * (size_t)w + (size_t)column) * (size_t)c;
                for (int n = 0; n < c; n++) {
                  int first = n / cg * fg;
                  const float *weights =
                      k + ((size_t)(i * kw + j) * (size_t)cg + (size_t)(n % cg)) * (size_t)f;
                  for (int o = first; o < first + fg; o++) out[o] += in[n] * weights[o];
                }
              }
            }
          }
        }
      }
      """
    ),
    (
      "conv_transpose",
      """
      /* y[r*sh + i - top, q*sw + j - left, f] = b[f] + sum of x[r, q, c] * k[i, j, f, c] */
      static inline void P_conv_transpose(const float *x, int h, int w, int c, const float *k,
                                          const float *b, float *y, int oh, int ow, int f, int kh,
                                          int kw, int sh, int sw, int top, int left) {
        for (int p = 0; p < oh * ow; p++)
          for (int o = 0; o < f; o++) y[(size_t)p * (size_t)f + (size_t)o] = b ? b[o] : 0.0f;
        for (int r = 0; r < h; r++) {
          for (int q = 0; q < w; q++) {
            const float *in = x + ((size_t)r * (size_t)w + (size_t)q) * (size_t)c;
            for (int i = 0; i < kh; i++) {
              int row = r * sh + i - top;
              if (row < 0 || row >= oh) continue;
              for (int j = 0; j < kw; j++) {
                int column = q * sw + j - left;
                if (column < 0 || column >= ow) continue;
                float *out = y + ((size_t)row * (size_t)ow + (size_t)column) * (size_t)f;
                for (int o = 0; o < f; o++) {
                  const float *weights =
                      k + ((size_t)(i * kw + j) * (size_t)f + (size_t)o) * (size_t)c;
                  for (int n = 0; n < c; n++) out[o] += in[n] * weights[n];
                }
              }
            }
          }
        }
      }
      """
    ),
    (
      "dense",
      """
      /* y = x * k + b */
      static inline void P_dense(const float *x, int c, const float *k, const float *b, float *y,
                                 int units) {
        for (int u = 0; u < units; u++) y[u] = b ? b[u] : 0.0f;
        for (int n = 0; n < c; n++)
          for (int u = 0; u < units; u++) y[u] += x[n] * k[(size_t)n * (size_t)units + (size_t)u];
      }
      """
    ),
    (
      "max_pool",
      """
      /* The largest of each window; what lies around the image never is. */
      static inline void P_max_pool(const float *x, int h, int w, int c, float *y, int oh, int ow,
                                    int kh, int kw, int sh, int sw, int top, int left) {
        for (int r = 0; r < oh; r++) {
          for (int q = 0; q < ow; q++) {
            float *out = y + ((size_t)r * (size_t)ow + (size_t)q) * (size_t)c;
            for (int n = 0; n < c; n++) out[n] = -HUGE_VALF;
            for (int i = 0; i < kh; i++) {
              int row = r * sh + i - top;
              if (row < 0 || row >= h) continue;
              for (int j = 0; j < kw; j++) {
                int column = q * sw + j - left;
                if (column < 0 || column >= w) continue;
                const float *in = x + ((size_t)row * (size_t)w + (size_t)column) * (size_t)c;
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
      /* The mean of each window, with what lies around the image as zeros or left out. */
      static inline void P_average_pool(const float *x, int h, int w, int c, float *y, int oh, int ow,
                                        int kh, int kw, int sh, int sw, int top, int left, int all) {
        for (int r = 0; r < oh; r++) {
          for (int q = 0; q < ow; q++) {
            float *out = y + ((size_t)r * (size_t)ow + (size_t)q) * (size_t)c;
            int count = 0;
            for (int n = 0; n < c; n++) out[n] = 0.0f;
            for (int i = 0; i < kh; i++) {
              int row = r * sh + i - top;
              if (row < 0 || row >= h) continue;
              for (int j = 0; j < kw; j++) {
                int column = q * sw + j - left;
                if (column < 0 || column >= w) continue;
                const float *in = x + ((size_t)row * (size_t)w + (size_t)column) * (size_t)c;
                for (int n = 0; n < c; n++) out[n] += in[n];
                count++;
              }
            }
            for (int n = 0; n < c; n++) out[n] /= (float)(all ? kh * kw : count);
          }
        }
      }
      """
    ),
    (
      "frame",
      """
      /* y[r, q] = x[r - top, q - left], zeros outside */
      static inline void P_frame(const float *x, int h, int w, int c, float *y, int oh, int ow, int top,
                                 int left) {
        for (int r = 0; r < oh; r++) {
          for (int q = 0; q < ow; q++) {
            int row = r - top, column = q - left;
            int inside = row >= 0 && row < h && column >= 0 && column < w;
            for (int n = 0; n < c; n++)
              y[((size_t)r * (size_t)ow + (size_t)q) * (size_t)c + (size_t)n] =
                  inside ? x[((size_t)row * (size_t)w + (size_t)column) * (size_t)c + (size_t)n] : 0.0f;
          }
        }
      }
      """
    ),
    (
      "nearest",
      """
      /* y[r, q] = x[r / fh, q / fw] */
      static inline void P_nearest(const float *x, int h, int w, int c, float *y, int fh, int fw) {
        for (int r = 0; r < h * fh; r++)
          for (int q = 0; q < w * fw; q++)
            for (int n = 0; n < c; n++)
              y[((size_t)r * (size_t)(w * fw) + (size_t)q) * (size_t)c + (size_t)n] =
                  x[((size_t)(r / fh) * (size_t)w + (size_t)(q / fw)) * (size_t)c + (size_t)n];
      }
      """
    ),
    (
      "bilinear",
      """
      /* What lies at (r + 1/2) / factor - 1/2 among `count` rows or columns. */
      static inline float P_tap(int r, int factor, int count, int *first, int *second) {
        int halves = 2 * r + 1 - factor;
        *first = halves > 0 ? halves / (2 * factor) : 0;
        *second = *first;
        if (halves <= 0 || *first + 1 >= count) {
          if (*first > count - 1) *first = count - 1;
          *second = *first;
          return 0.0f;
        }
        *second = *first + 1;
        return (float)(halves - *first * 2 * factor) / (float)(2 * factor);
      }

      static inline void P_bilinear(const float *x, int h, int w, int c, float *y, int fh, int fw) {
        for (int r = 0; r < h * fh; r++) {
          int top, bottom;
          float down = P_tap(r, fh, h, &top, &bottom);
          for (int q = 0; q < w * fw; q++) {
            int left, right;
            float across = P_tap(q, fw, w, &left, &right);
            for (int n = 0; n < c; n++) {
              const float *in = x + n;
              size_t m = (size_t)c, rows[2] = {(size_t)top * (size_t)w, (size_t)bottom * (size_t)w};
              float above = in[(rows[0] + (size_t)left) * m] * (1.0f - across) +
                            in[(rows[0] + (size_t)right) * m] * across;
              float below = in[(rows[1] + (size_t)left) * m] * (1.0f - across) +
                            in[(rows[1] + (size_t)right) * m] * across;
              y[((size_t)r * (size_t)(w * fw) + (size_t)q) * m + (size_t)n] =
                  above * (1.0f - down) + below * down;
            }
          }
        }
      }
      """
    ),
    (
      "batch_norm",
      """
      /* y = g * (x - m) / sqrt(v + epsilon) + b of each channel */
      static inline void P_batch_norm(const float *x, float *y, int count, int c, const float *m,
                                      const float *v, const float *g, const float *b, float epsilon) {
        for (int i = 0; i < count; i++) {
          int n = i % c;
          y[i] = (x[i] - m[n]) / sqrtf(v[n] + epsilon) * (g ? g[n] : 1.0f) + (b ? b[n] : 0.0f);
        }
      }
      """
    ),
    (
      "group_norm",
      """
      /* y = g * (x - m) / sqrt(v + epsilon) + b, m and v of a group's channels at `positions` positions */
      static inline void P_group_norm(const float *x, float *y, int positions, int c, int groups,
                                      const float *g, const float *b, float epsilon) {
        int size = c / groups;
        for (int k = 0; k < groups; k++) {
          float mean = 0.0f, variance = 0.0f, count = (float)positions * (float)size;
          for (int p = 0; p < positions; p++)
            for (int n = k * size; n < (k + 1) * size; n++) mean += x[(size_t)p * (size_t)c + (size_t)n];
          mean /= count;
          for (int p = 0; p < positions; p++) {
            for (int n = k * size; n < (k + 1) * size; n++) {
              float d = x[(size_t)p * (size_t)c + (size_t)n] - mean;
              variance += d * d;
            }
          }
          variance = sqrtf(variance / count + epsilon);
          for (int p = 0; p < positions; p++)
            for (int n = k * size; n < (k + 1) * size; n++)
              y[(size_t)p * (size_t)c + (size_t)n] =
                  (x[(size_t)p * (size_t)c + (size_t)n] - mean) / variance * (g ? g[n] : 1.0f) +
                  (b ? b[n] : 0.0f);
        }
      }
      """
    ),
    (
      "prelu",
      """
      /* y = x, or a * x where x < 0, of each channel */
      static inline void P_prelu(const float *x, float *y, int count, int c, const float *a) {
        for (int i = 0; i < count; i++) y[i] = x[i] > 0.0f ? x[i] : a[i % c] * x[i];
      }
      """
    ),
    (
      "softmax",
      """
      /* y = exp(x) / sum of exp(x) over the channels of a position */
      static inline void P_softmax(const float *x, float *y, int count, int c) {
        for (int start = 0; start < count; start += c) {
          float most = x[start], sum = 0.0f;
          for (int n = 1; n < c; n++)
            if (x[start + n] > most) most = x[start + n];
          for (int n = 0; n < c; n++) {
            y[start + n] = expf(x[start + n] - most);
            sum += y[start + n];
          }
          for (int n = 0; n < c; n++) y[start + n] /= sum;
        }
      }
      """
    ),
    (
      "multiply",
      """
      /* y = y * x, where a size of 1 of x serves all of y's */
      static inline void P_multiply(float *y, int h, int w, int c, const float *x, int xh, int xw,
                                    int xc) {
        for (int r = 0; r < h; r++)
          for (int q = 0; q < w; q++)
            for (int n = 0; n < c; n++)
              y[((size_t)r * (size_t)w + (size_t)q) * (size_t)c + (size_t)n] *=
                  x[((size_t)(xh == 1 ? 0 : r) * (size_t)xw + (size_t)(xw == 1 ? 0 : q)) * (size_t)xc +
                    (size_t)(xc == 1 ? 0 : n)];
      }
      """
    ),
  ]
}
