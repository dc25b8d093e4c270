#pragma once
// What we use of Wasmtime's C interface, version 50, written from its documentation. The library comes without headers
// and is found when a program starts, not when it is linked: its functions lie in a table.
#include <dlfcn.h>
#include <linux/openat2.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef struct wasm_config_t wasm_config_t;
typedef struct wasm_engine_t wasm_engine_t;
typedef struct wasm_functype_t wasm_functype_t;
typedef struct wasm_memorytype_t wasm_memorytype_t;
typedef struct wasm_trap_t wasm_trap_t;
typedef struct wasm_valtype_t wasm_valtype_t;
typedef struct wasmtime_call_future_t wasmtime_call_future_t;
typedef struct wasmtime_caller_t wasmtime_caller_t;
typedef struct wasmtime_context_t wasmtime_context_t;
typedef struct wasmtime_error_t wasmtime_error_t;
typedef struct wasmtime_linker_t wasmtime_linker_t;
typedef struct wasmtime_module_t wasmtime_module_t;
typedef struct wasmtime_store_t wasmtime_store_t;

typedef struct { size_t size; uint8_t *data; } wasm_byte_vec_t;
typedef struct { size_t size; wasm_valtype_t **data; } wasm_valtype_vec_t;
typedef struct { uint64_t store_id; void *hidden; } wasmtime_func_t;
typedef struct { uint64_t store_id; size_t hidden; } wasmtime_instance_t;
typedef struct { struct { uint64_t store_id; uint32_t hidden; } first; uint32_t hidden; } wasmtime_memory_t;
typedef struct { uint8_t kind; union { wasmtime_func_t func; wasmtime_memory_t memory; } of; } wasmtime_extern_t;
// A value on the way between module and us.
typedef union { int32_t i32; int64_t i64; uint8_t v128[16]; } wasmtime_val_raw_t;
typedef wasm_trap_t *(*wasmtime_unchecked_callback_t)(
    void *env, wasmtime_caller_t *caller, wasmtime_val_raw_t *arguments_and_results, size_t count);
typedef struct {
    void *env;
    uint8_t *(*get_memory)(void *env, size_t *byte_size, size_t *byte_capacity);
    wasmtime_error_t *(*grow_memory)(void *env, size_t new_size);
    void (*finalizer)(void *env);
} wasmtime_linear_memory_t;
typedef struct {
    void *env;
    wasmtime_error_t *(*new_memory)(
        void *env, const wasm_memorytype_t *type, size_t minimum, size_t maximum, size_t reserved, size_t guard,
        wasmtime_linear_memory_t *made);
    void (*finalizer)(void *env);
} wasmtime_memory_creator_t;

_Static_assert(sizeof(wasmtime_memory_t) == 24 && sizeof(wasmtime_extern_t) == 32, "as the library lays them out");
_Static_assert(sizeof(wasmtime_val_raw_t) == 16 && sizeof(wasmtime_instance_t) == 16, "as the library lays them out");

static const uint8_t wasm_kind_i32 = 0, wasm_kind_i64 = 1;
static const uint8_t wasmtime_extern_is_func = 0, wasmtime_extern_is_memory = 3;

// X(result, name, parameters)
#define MILLRACE_WASMTIME_CALLS(X) \
    X(wasm_config_t *, wasm_config_new, (void)) \
    X(void, wasmtime_config_consume_fuel_set, (wasm_config_t *, bool)) \
    X(void, wasmtime_config_cranelift_nan_canonicalization_set, (wasm_config_t *, bool)) \
    X(void, wasmtime_config_wasm_relaxed_simd_deterministic_set, (wasm_config_t *, bool)) \
    X(void, wasmtime_config_wasm_threads_set, (wasm_config_t *, bool)) \
    X(void, wasmtime_config_wasm_memory64_set, (wasm_config_t *, bool)) \
    X(void, wasmtime_config_wasm_multi_memory_set, (wasm_config_t *, bool)) \
    X(void, wasmtime_config_wasm_gc_set, (wasm_config_t *, bool)) \
    X(void, wasmtime_config_wasm_function_references_set, (wasm_config_t *, bool)) \
    X(void, wasmtime_config_parallel_compilation_set, (wasm_config_t *, bool)) \
    X(void, wasmtime_config_native_unwind_info_set, (wasm_config_t *, bool)) \
    X(void, wasmtime_config_memory_init_cow_set, (wasm_config_t *, bool)) \
    X(void, wasmtime_config_memory_may_move_set, (wasm_config_t *, bool)) \
    X(void, wasmtime_config_memory_reservation_set, (wasm_config_t *, uint64_t)) \
    X(void, wasmtime_config_memory_reservation_for_growth_set, (wasm_config_t *, uint64_t)) \
    X(void, wasmtime_config_memory_guard_size_set, (wasm_config_t *, uint64_t)) \
    X(void, wasmtime_config_max_wasm_stack_set, (wasm_config_t *, size_t)) \
    X(void, wasmtime_config_async_stack_size_set, (wasm_config_t *, size_t)) \
    X(void, wasmtime_config_host_memory_creator_set, (wasm_config_t *, wasmtime_memory_creator_t *)) \
    X(wasm_engine_t *, wasm_engine_new_with_config, (wasm_config_t *)) \
    X(wasmtime_error_t *, wasmtime_module_new, \
        (wasm_engine_t *, const uint8_t *, size_t, wasmtime_module_t **)) \
    X(wasmtime_store_t *, wasmtime_store_new, (wasm_engine_t *, void *, void (*)(void *))) \
    X(wasmtime_context_t *, wasmtime_store_context, (wasmtime_store_t *)) \
    X(void, wasmtime_store_limiter, (wasmtime_store_t *, int64_t, int64_t, int64_t, int64_t, int64_t)) \
    X(wasmtime_error_t *, wasmtime_context_set_fuel, (wasmtime_context_t *, uint64_t)) \
    X(wasmtime_error_t *, wasmtime_context_get_fuel, (const wasmtime_context_t *, uint64_t *)) \
    X(wasmtime_error_t *, wasmtime_context_fuel_async_yield_interval, (wasmtime_context_t *, uint64_t)) \
    X(wasm_valtype_t *, wasm_valtype_new, (uint8_t)) \
    X(void, wasm_valtype_vec_new, (wasm_valtype_vec_t *, size_t, wasm_valtype_t *const *)) \
    X(wasm_functype_t *, wasm_functype_new, (wasm_valtype_vec_t *, wasm_valtype_vec_t *)) \
    X(wasmtime_linker_t *, wasmtime_linker_new, (wasm_engine_t *)) \
    X(wasmtime_error_t *, wasmtime_linker_define_func_unchecked, \
        (wasmtime_linker_t *, const char *, size_t, const char *, size_t, const wasm_functype_t *, \
         wasmtime_unchecked_callback_t, void *, void (*)(void *))) \
    X(wasmtime_call_future_t *, wasmtime_linker_instantiate_async, \
        (const wasmtime_linker_t *, wasmtime_context_t *, const wasmtime_module_t *, wasmtime_instance_t *, \
         wasm_trap_t **, wasmtime_error_t **)) \
    X(wasmtime_call_future_t *, wasmtime_func_call_async, \
        (wasmtime_context_t *, const wasmtime_func_t *, const void *, size_t, void *, size_t, wasm_trap_t **, \
         wasmtime_error_t **)) \
    X(bool, wasmtime_call_future_poll, (wasmtime_call_future_t *)) \
    X(void, wasmtime_call_future_delete, (wasmtime_call_future_t *)) \
    X(bool, wasmtime_instance_export_get, \
        (wasmtime_context_t *, const wasmtime_instance_t *, const char *, size_t, wasmtime_extern_t *)) \
    X(bool, wasmtime_caller_export_get, (wasmtime_caller_t *, const char *, size_t, wasmtime_extern_t *)) \
    X(wasmtime_context_t *, wasmtime_caller_context, (wasmtime_caller_t *)) \
    X(uint8_t *, wasmtime_memory_data, (const wasmtime_context_t *, const wasmtime_memory_t *)) \
    X(size_t, wasmtime_memory_data_size, (const wasmtime_context_t *, const wasmtime_memory_t *)) \
    X(wasm_trap_t *, wasmtime_trap_new, (const char *, size_t)) \
    X(void, wasm_trap_message, (const wasm_trap_t *, wasm_byte_vec_t *)) \
    X(wasmtime_error_t *, wasmtime_error_new, (const char *)) \
    X(void, wasmtime_error_message, (const wasmtime_error_t *, wasm_byte_vec_t *)) \
    X(wasmtime_error_t *, wasmtime_wat2wasm, (const char *, size_t, wasm_byte_vec_t *))

#define MILLRACE_MEMBER(result, name, parameters) result (*name) parameters;
typedef struct { MILLRACE_WASMTIME_CALLS(MILLRACE_MEMBER) } millrace_wasmtime_calls;
#undef MILLRACE_MEMBER

// Fills the table; the name of a function that the library lacks, or NULL.
static inline const char *millrace_wasmtime_load(void *library, millrace_wasmtime_calls *calls) {
#define MILLRACE_FIND(result, name, parameters) \
    if (!(*(void **)&calls->name = dlsym(library, #name))) { return #name; }
    MILLRACE_WASMTIME_CALLS(MILLRACE_FIND)
#undef MILLRACE_FIND
    return NULL;
}

// O_PATH: a descriptor that only says where something is.
static const int millrace_only_path = 010000000;
// Opens what lies below a folder: no way leads out of it, and no link is followed. `mode` must be 0 unless `flags` may
// create a file. A descriptor, or -1 and errno.
static inline int millrace_open_below(int folder, const char *path, int flags, unsigned mode) {
    struct open_how how = {0};
    how.flags = (uint64_t)(unsigned)flags;
    how.mode = mode;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
    return (int)syscall(SYS_openat2, folder, path, &how, sizeof how);
}

static inline void millrace_end_with_75(int signal) {
    (void)signal;
    _exit(75);
}
// From now on these signals end this process with code 75, also where whoever started it held them back.
static inline void millrace_end_when_asked(void) {
    struct sigaction action = {0};
    action.sa_handler = millrace_end_with_75;
    sigemptyset(&action.sa_mask);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    sigset_t both;
    sigemptyset(&both);
    sigaddset(&both, SIGTERM);
    sigaddset(&both, SIGINT);
    sigprocmask(SIG_UNBLOCK, &both, NULL);
}

// Bytes of address space that this process may use; UINT64_MAX when there is no bound.
static inline uint64_t millrace_address_space(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) { return UINT64_MAX; }
    return limit.rlim_cur;
}
