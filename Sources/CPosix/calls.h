#pragma once
// Names and numbers of system calls: those that filters allow, and those whose refusal should be told by name.
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>

struct millrace_named_call { const char *name; int number; };

// On every architecture.
#define MILLRACE_COMMON_CALLS(X) \
    X(read) X(write) X(readv) X(writev) X(pread64) X(pwrite64) X(preadv) X(pwritev) X(preadv2) X(pwritev2) X(close) \
    X(close_range) X(openat) X(openat2) X(fstat) X(statx) X(lseek) X(mmap) X(mprotect) X(munmap) X(mremap) X(msync) \
    X(mincore) X(madvise) X(brk) X(mlock) X(mlock2) X(munlock) X(mlockall) X(munlockall) X(rt_sigaction) \
    X(rt_sigprocmask) X(rt_sigreturn) X(rt_sigtimedwait) X(rt_sigsuspend) X(rt_sigpending) X(rt_sigqueueinfo) \
    X(rt_tgsigqueueinfo) X(sigaltstack) X(ioctl) X(fcntl) X(flock) X(fsync) X(fdatasync) X(sync) X(syncfs) \
    X(sync_file_range) X(truncate) X(ftruncate) X(fallocate) X(fadvise64) X(getdents64) X(getcwd) X(chdir) X(fchdir) \
    X(renameat2) X(mkdirat) X(unlinkat) X(linkat) X(symlinkat) X(readlinkat) X(mknodat) X(fchmod) X(fchmodat) \
    X(fchown) X(fchownat) X(utimensat) X(faccessat) X(faccessat2) X(statfs) X(fstatfs) X(umask) X(dup) X(dup3) \
    X(pipe2) X(ppoll) X(pselect6) X(epoll_create1) X(epoll_ctl) X(epoll_pwait) X(epoll_pwait2) X(eventfd2) \
    X(signalfd4) X(timerfd_create) X(timerfd_settime) X(timerfd_gettime) X(inotify_init1) X(inotify_add_watch) \
    X(inotify_rm_watch) X(sendfile) X(splice) X(tee) X(vmsplice) X(copy_file_range) X(getxattr) X(lgetxattr) \
    X(fgetxattr) X(listxattr) X(llistxattr) X(flistxattr) X(setxattr) X(lsetxattr) X(fsetxattr) X(removexattr) \
    X(clock_gettime) X(clock_getres) X(clock_nanosleep) X(nanosleep) X(gettimeofday) X(times) X(getitimer) \
    X(setitimer) X(timer_create) X(timer_settime) X(timer_gettime) X(timer_getoverrun) X(timer_delete) X(clock_settime) \
    X(settimeofday) X(adjtimex) X(clock_adjtime) X(getpid) X(getppid) X(gettid) X(getuid) X(geteuid) X(getgid) \
    X(getegid) X(getresuid) X(getresgid) X(getgroups) X(setuid) X(setgid) X(setresuid) X(setresgid) X(setgroups) \
    X(setfsuid) X(setfsgid) X(capget) X(capset) X(getpgid) X(getsid) X(setpgid) X(setsid) X(getpriority) \
    X(setpriority) X(ioprio_get) X(ioprio_set) X(sched_yield) X(sched_getaffinity) X(sched_setaffinity) \
    X(sched_getparam) X(sched_setparam) X(sched_getscheduler) X(sched_setscheduler) X(sched_getattr) X(sched_setattr) \
    X(sched_get_priority_max) X(sched_get_priority_min) X(sched_rr_get_interval) X(getcpu) X(getrlimit) X(setrlimit) \
    X(prlimit64) X(getrusage) X(sysinfo) X(uname) X(sethostname) X(setdomainname) X(prctl) X(futex) \
    X(get_robust_list) X(set_robust_list) X(set_tid_address) X(rseq) X(membarrier) X(getrandom) X(mbind) \
    X(get_mempolicy) X(set_mempolicy) X(migrate_pages) X(move_pages) X(clone) X(clone3) X(execve) X(execveat) X(exit) \
    X(exit_group) X(wait4) X(waitid) X(kill) X(tkill) X(tgkill) X(pidfd_open) X(pidfd_send_signal) X(pidfd_getfd) \
    X(restart_syscall) X(personality) X(socket) X(socketpair) X(bind) X(listen) X(accept) X(accept4) X(connect) \
    X(sendto) X(recvfrom) X(sendmsg) X(recvmsg) X(sendmmsg) X(recvmmsg) X(shutdown) X(getsockname) X(getpeername) \
    X(getsockopt) X(setsockopt) X(ptrace) X(process_vm_readv) X(process_vm_writev) X(kcmp) X(process_madvise) \
    X(memfd_create) X(shmget) X(shmat) X(shmdt) X(shmctl) X(semget) X(semop) X(semtimedop) X(semctl) X(msgget) \
    X(msgsnd) X(msgrcv) X(msgctl) X(mq_open) X(mq_unlink) X(mq_timedsend) X(mq_timedreceive) X(mq_notify) \
    X(mq_getsetattr) X(mount) X(umount2) X(pivot_root) X(chroot) X(unshare) X(setns) X(open_tree) X(move_mount) \
    X(fsopen) X(fsconfig) X(fsmount) X(fspick) X(swapon) X(swapoff) X(quotactl) X(acct) X(reboot) X(syslog) \
    X(init_module) X(finit_module) X(delete_module) X(kexec_load) X(bpf) X(perf_event_open) X(userfaultfd) \
    X(io_uring_setup) X(io_uring_enter) X(io_uring_register) X(io_setup) X(io_submit) X(io_destroy) X(add_key) \
    X(request_key) X(keyctl) X(seccomp) X(name_to_handle_at) X(open_by_handle_at) X(fanotify_init) X(fanotify_mark) \
    X(lookup_dcookie) X(vhangup) X(pkey_alloc) X(pkey_free) X(pkey_mprotect) X(remap_file_pages)

// Before other architectures came, x86 had these.
#define MILLRACE_OLD_CALLS(X) \
    X(open) X(creat) X(stat) X(lstat) X(access) X(readlink) X(rename) X(mkdir) X(rmdir) X(unlink) X(link) X(symlink) \
    X(mknod) X(chmod) X(chown) X(lchown) X(utime) X(utimes) X(futimesat) X(getdents) X(pipe) X(dup2) X(poll) X(select) \
    X(epoll_create) X(epoll_wait) X(eventfd) X(signalfd) X(inotify_init) X(alarm) X(pause) X(time) X(getpgrp) X(fork) \
    X(vfork) X(arch_prctl) X(iopl) X(ioperm) X(modify_ldt) X(uselib) X(ustat) X(sysfs) X(_sysctl)

#define MILLRACE_ENTRY(name) {#name, SYS_##name},
static const struct millrace_named_call millrace_calls[] = {
    MILLRACE_COMMON_CALLS(MILLRACE_ENTRY)
#if defined(__x86_64__)
    MILLRACE_OLD_CALLS(MILLRACE_ENTRY)
#endif
// These differ between architectures, or are younger than some headers.
#ifdef SYS_newfstatat
    MILLRACE_ENTRY(newfstatat)
#endif
#ifdef SYS_renameat
    MILLRACE_ENTRY(renameat)
#endif
    {"landlock_create_ruleset", 444}, {"landlock_add_rule", 445}, {"landlock_restrict_self", 446},
    {"mount_setattr", 442}, {"memfd_secret", 447}, {"process_mrelease", 448}, {"futex_waitv", 449},
    {"set_mempolicy_home_node", 450}, {"cachestat", 451}, {"fchmodat2", 452}, {"map_shadow_stack", 453},
    {"futex_wake", 454}, {"futex_wait", 455}, {"futex_requeue", 456}, {"statmount", 457}, {"listmount", 458},
    {"mseal", 462},
};

// Every number up to here has a meaning that was known when the filters were written.
enum { millrace_calls_known_max = 462 };

static inline int millrace_call_count(void) { return (int)(sizeof millrace_calls / sizeof millrace_calls[0]); }
static inline const char *millrace_call_name_at(int place) { return millrace_calls[place].name; }
static inline int millrace_call_number_at(int place) { return millrace_calls[place].number; }
static inline const char *millrace_call_name(int number) {
    for (int place = 0; place < millrace_call_count(); place++) {
        if (millrace_calls[place].number == number) { return millrace_calls[place].name; }
    }
    return NULL;
}
static inline int millrace_call_number(const char *name) {
    for (int place = 0; place < millrace_call_count(); place++) {
        if (strcmp(millrace_calls[place].name, name) == 0) { return millrace_calls[place].number; }
    }
    return -1;
}
