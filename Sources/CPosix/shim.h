#pragma once
// Not with _GNU_SOURCE: the types of these headers must be the same as in Swift's own module of the C library.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// What glibc declares for _GNU_SOURCE only.
static inline int millrace_set_idle_scheduling(void) {
    struct sched_param p = {0};
    return sched_setscheduler(0, 5 /* SCHED_IDLE */, &p);
}
extern int pipe2(int ends[2], int flags);
extern int sync_file_range(int file, off_t from, off_t bytes, unsigned int flags);
extern int memfd_create(const char *name, unsigned int flags);
extern int pthread_setname_np(pthread_t thread, const char *name);
extern int posix_spawn_file_actions_addchdir_np(posix_spawn_file_actions_t *actions, const char *path);
extern int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *actions, int from);
static inline int millrace_wait_exited(int status) { return WIFEXITED(status); }
static inline int millrace_wait_code(int status) { return WEXITSTATUS(status); }
static inline int millrace_wait_signal(int status) { return WIFSIGNALED(status) ? WTERMSIG(status) : 0; }

static inline int millrace_no_core_dumps(void) {
    struct rlimit limit = {0, 0};
    return setrlimit(RLIMIT_CORE, &limit);
}
static inline int millrace_lowest_priority(void) { return setpriority(PRIO_PROCESS, 0, 19); }
// Disk reads and writes only when nobody else wants the disk: class 3 of ioprio_set(2), which has no wrapper.
static inline int millrace_set_idle_disk(void) {
#ifdef SYS_ioprio_set
    return (int)syscall(SYS_ioprio_set, 1, 0, 3 << 13);
#else
    return -1;
#endif
}

// Once nothing can come from a pipe any more, this process group goes on, should it stand still. F_SETSIG is 10.
static inline int millrace_continue_at_end(int pipe, pid_t group) {
    if (fcntl(pipe, F_SETOWN, -group) != 0 || fcntl(pipe, 10, SIGCONT) != 0) return -1;
    int flags = fcntl(pipe, F_GETFL);
    return flags < 0 ? -1 : fcntl(pipe, F_SETFL, flags | O_ASYNC);
}

// The class of the disk queue that a process or thread is in: 3 is the idle one; -1 when it is gone or cannot be told.
static inline int millrace_disk_class(pid_t pid) {
#ifdef SYS_ioprio_get
    long priority = syscall(SYS_ioprio_get, 1, pid);
    return priority < 0 ? -1 : (int)(priority >> 13);
#else
    return -1;
#endif
}

// A descriptor that becomes readable when the process ends; -1 on a kernel without it. glibc has no wrapper before 2.36.
static inline int millrace_pidfd_open(pid_t pid) {
#ifdef SYS_pidfd_open
    return (int)syscall(SYS_pidfd_open, pid, 0);
#else
    errno = ENOSYS;
    return -1;
#endif
}

// Waits for the end of the process without collecting it, so that its number stays ours.
static inline int millrace_wait_without_reaping(pid_t pid) {
    siginfo_t info;
    int status;
    do {
        status = waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
    } while (status < 0 && errno == EINTR);
    return status;
}

// Whether the process has ended; it is not collected by this.
static inline int millrace_has_ended(pid_t pid) {
    siginfo_t info = {0};
    return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT | WNOHANG) == 0 && info.si_pid == pid;
}

// CPU seconds of this process: user and system. Under a limit of CPU time the kernel adds up for the process at ticks
// only, some milliseconds apart; asking for the thread's own time first brings the sum up to date.
static inline double millrace_own_cpu_seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) != 0) { return 0; }
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}
// CPU seconds of all threads of a process, to the nanosecond; -1 when it is gone.
static inline double millrace_process_cpu_seconds(pid_t pid) {
    clockid_t clock;
    struct timespec t;
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &t) != 0) { return -1; }
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}
// Seconds since some fixed moment; never goes back.
static inline double millrace_monotonic_seconds(void) {
    struct timespec t;
    if (clock_gettime(CLOCK_MONOTONIC, &t) != 0) { return 0; }
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}
// Milliseconds since 1970-01-01 UTC.
static inline int64_t millrace_wall_milliseconds(void) {
    struct timespec t;
    if (clock_gettime(CLOCK_REALTIME, &t) != 0) { return 0; }
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}
// Collects an ended child; its CPU seconds and those of the descendants it waited for.
static inline int millrace_reap(pid_t pid, int *status, double *cpu_seconds) {
    struct rusage usage;
    pid_t found;
    do {
        found = wait4(pid, status, 0, &usage);
    } while (found < 0 && errno == EINTR);
    if (found != pid) { return -1; }
    *cpu_seconds = (double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec * 1e-6
        + (double)usage.ru_stime.tv_sec + (double)usage.ru_stime.tv_usec * 1e-6;
    return 0;
}

// Blocks the signals by which a worker is told to stop, and the one that says that it was stopped and continued.
static inline void millrace_block_stop_signals(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGCONT);
    sigprocmask(SIG_BLOCK, &set, NULL);
}
// Takes one blocked signal that came: its number, or 0 when there is none.
static inline int millrace_take_stop_signal(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGCONT);
    struct timespec none = {0, 0};
    int number = sigtimedwait(&set, NULL, &none);
    return number > 0 ? number : 0;
}
