#pragma once
#include <zlib.h>

// deflateInit2 and inflateInit2 are macros, which Swift does not import. 15 + 16: the largest window, in gzip's format.
static inline int millrace_gzip_begin(z_stream *stream) {
    return deflateInit2(stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
}
static inline int millrace_gunzip_begin(z_stream *stream) {
    return inflateInit2(stream, 15 + 16);
}
