#pragma once
#include <fftw3.h>

// FFTW's planner flags are shift macros, which Swift does not import.
static const unsigned millrace_fftw_measure = FFTW_MEASURE;
static const unsigned millrace_fftw_estimate = FFTW_ESTIMATE;
static const unsigned millrace_fftw_patient = FFTW_PATIENT;
static const unsigned millrace_fftw_destroy_input = FFTW_DESTROY_INPUT;
static const unsigned millrace_fftw_preserve_input = FFTW_PRESERVE_INPUT;
static const unsigned millrace_fftw_wisdom_only = FFTW_WISDOM_ONLY;

// An array of unknown size, which Swift does not import either.
static inline const char *millrace_fftw_version(void) { return fftwf_version; }

// Four numbers written past the caches: a transform's intermediate field is read again only after it has left them.
typedef float millrace_float4 __attribute__((ext_vector_type(4)));
static inline void millrace_stream(float *to, millrace_float4 value) {
  __builtin_nontemporal_store(value, (millrace_float4 *)to);
}
