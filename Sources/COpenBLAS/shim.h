#pragma once
#include <cblas.h>
#include <stddef.h>

// LAPACK inside OpenBLAS by its Fortran names; Debian's headers of it are in another package. The last argument of a
// Fortran call with a character is its length.
void dpotrf_(const char *uplo, const int *n, double *a, const int *lda, int *info, size_t);
void dgetrf_(const int *m, const int *n, double *a, const int *lda, int *pivots, int *info);
void dgesv_(const int *n, const int *nrhs, double *a, const int *lda, int *pivots, double *b, const int *ldb,
            int *info);
void dgels_(const char *trans, const int *m, const int *n, const int *nrhs, double *a, const int *lda, double *b,
            const int *ldb, double *work, const int *lwork, int *info, size_t);
void dsyevd_(const char *jobz, const char *uplo, const int *n, double *a, const int *lda, double *w, double *work,
             const int *lwork, int *iwork, const int *liwork, int *info, size_t, size_t);

// Memory that is read a few thousand elements later: processors follow a stream by themselves only to the page's end.
static inline void millrace_prefetch(const void *at) { __builtin_prefetch(at); }

// What BLAS has no call for: the sums that a check needs of one row x, in one pass over memory: x·a, x·b, Σ|x|w, and
// Σ(xs)² (bounds 2), Σ(xw)² (bounds 1) or nothing (bounds 0). The same as RowSums.swift, which serves other processors,
// for those with AVX2 and FMA. At most a few hundred elements a call: runs of additions stay short.
#if defined(__x86_64__)
#define MILLRACE_AVX2 __attribute__((target("avx2,fma")))
typedef double millrace_d4 __attribute__((ext_vector_type(4), aligned(8)));
typedef float millrace_f4 __attribute__((ext_vector_type(4), aligned(4)));

static inline int millrace_has_avx2(void) { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }

#define MILLRACE_FOUR_double(p) (*(const millrace_d4 *)(p))
#define MILLRACE_FOUR_float(p) __builtin_convertvector(*(const millrace_f4 *)(p), millrace_d4)
#define MILLRACE_SUM(v) (((v)[0] + (v)[1]) + ((v)[2] + (v)[3]))
#define MILLRACE_ROW_SUMS(type)                                                                                      \
  MILLRACE_AVX2 static inline __attribute__((always_inline)) void millrace_row_sums_of_##type(                       \
      const type *x, long count, const double *a, const double *b, const double *w, const double *s,                 \
      const int bounds, double *out) {                                                                               \
    millrace_d4 a0 = 0, a1 = 0, b0 = 0, b1 = 0, w0 = 0, w1 = 0, s0 = 0, s1 = 0;                                      \
    long at = 0;                                                                                                     \
    for (; at + 8 <= count; at += 8) {                                                                               \
      millrace_prefetch(x + at + 1024);                                                                              \
      const millrace_d4 v0 = MILLRACE_FOUR_##type(x + at), v1 = MILLRACE_FOUR_##type(x + at + 4);                    \
      a0 = __builtin_elementwise_fma(v0, MILLRACE_FOUR_double(a + at), a0);                                          \
      a1 = __builtin_elementwise_fma(v1, MILLRACE_FOUR_double(a + at + 4), a1);                                      \
      b0 = __builtin_elementwise_fma(v0, MILLRACE_FOUR_double(b + at), b0);                                          \
      b1 = __builtin_elementwise_fma(v1, MILLRACE_FOUR_double(b + at + 4), b1);                                      \
      const millrace_d4 u0 = __builtin_elementwise_abs(v0) * MILLRACE_FOUR_double(w + at);                           \
      const millrace_d4 u1 = __builtin_elementwise_abs(v1) * MILLRACE_FOUR_double(w + at + 4);                       \
      w0 += u0;                                                                                                      \
      w1 += u1;                                                                                                      \
      if (bounds) {                                                                                                  \
        const millrace_d4 t0 = bounds == 1 ? u0 : v0 * MILLRACE_FOUR_double(s + at);                                 \
        const millrace_d4 t1 = bounds == 1 ? u1 : v1 * MILLRACE_FOUR_double(s + at + 4);                             \
        s0 = __builtin_elementwise_fma(t0, t0, s0);                                                                  \
        s1 = __builtin_elementwise_fma(t1, t1, s1);                                                                  \
      }                                                                                                              \
    }                                                                                                                \
    out[0] = MILLRACE_SUM(a0 + a1);                                                                                  \
    out[1] = MILLRACE_SUM(b0 + b1);                                                                                  \
    out[2] = MILLRACE_SUM(w0 + w1);                                                                                  \
    out[3] = MILLRACE_SUM(s0 + s1);                                                                                  \
    for (; at < count; at++) {                                                                                       \
      const double value = x[at], weighted = __builtin_fabs(value) * w[at];                                          \
      const double scaled = bounds == 1 ? weighted : value * s[at];                                                  \
      out[0] += value * a[at];                                                                                       \
      out[1] += value * b[at];                                                                                       \
      out[2] += weighted;                                                                                            \
      if (bounds) out[3] += scaled * scaled;                                                                         \
    }                                                                                                                \
  }                                                                                                                  \
  MILLRACE_AVX2 static inline void millrace_row_sums_##type(                                                         \
      const type *x, long count, const double *a, const double *b, const double *w, const double *s, int bounds,     \
      double *out) {                                                                                                 \
    if (bounds == 0) return millrace_row_sums_of_##type(x, count, a, b, w, s, 0, out);                               \
    if (bounds == 1) return millrace_row_sums_of_##type(x, count, a, b, w, s, 1, out);                               \
    millrace_row_sums_of_##type(x, count, a, b, w, s, 2, out);                                                       \
  }
MILLRACE_ROW_SUMS(double)
MILLRACE_ROW_SUMS(float)
#endif
