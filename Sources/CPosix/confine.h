#pragma once
// What confining a process needs of the kernel. Most of it has no wrapper in glibc of 2022, so system calls are made by
// number; constants are those of the kernel's interface and the same on every architecture, except where said.
#include "calls.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

// A system call by its number; -1 and errno as usual.
static inline long millrace_call(long number, long a, long b, long c, long d, long e, long f) {
    return syscall(number, a, b, c, d, e, f);
}

// The architecture by which a filter of system calls knows its own; 0: none that filters are written for.
static inline uint32_t millrace_audit_architecture(void) {
#if defined(__x86_64__) && !defined(__ILP32__)
    return 0xc000003e;
#elif defined(__aarch64__)
    return 0xc00000b7;
#else
    return 0;
#endif
}

static inline int millrace_fork(void) { return (int)fork(); }
static inline int millrace_execve(const char *path, char *const argv[], char *const envp[]) {
    return execve(path, argv, envp);
}
static inline int millrace_clear_environment(void) {
    extern int clearenv(void);
    return clearenv();
}
static inline int millrace_set_groups_none(void) {
    extern int setgroups(size_t, const gid_t *);
    return setgroups(0, NULL);
}
static inline int millrace_set_user(uid_t uid, gid_t gid) {
    extern int setresuid(uid_t, uid_t, uid_t);
    extern int setresgid(gid_t, gid_t, gid_t);
    return setresgid(gid, gid, gid) != 0 ? -1 : setresuid(uid, uid, uid);
}

// Gives up every privilege for good: bounding set (as far as it may), ambient set, and the three sets of the process.
static inline int millrace_drop_capabilities(void) {
    for (int capability = 0; capability < 64; capability++) {
        if (syscall(SYS_prctl, 24 /* PR_CAPBSET_DROP */, capability, 0, 0, 0) != 0) { break; }
    }
    syscall(SYS_prctl, 47 /* PR_CAP_AMBIENT */, 4 /* CLEAR_ALL */, 0, 0, 0);
    struct { uint32_t version; int pid; } header = {0x20080522, 0};
    struct { uint32_t effective, permitted, inheritable; } none[2] = {{0, 0, 0}, {0, 0, 0}};
    return (int)syscall(SYS_capset, &header, none);
}

// Takes a filter: instructions of eight bytes each, as the kernel has them.
static inline int millrace_install_filter(const uint64_t *instructions, unsigned short count) {
    struct { unsigned short count; const uint64_t *instructions; } program = {count, instructions};
    return (int)syscall(SYS_seccomp, 1 /* SECCOMP_SET_MODE_FILTER */, 0, &program);
}

// Landlock, as its documentation has it; numbers are those of every architecture.
struct millrace_landlock_rules { uint64_t files, network, scopes; };
static inline int millrace_landlock_version(void) { return (int)syscall(444, NULL, 0, 1); }
static inline int millrace_landlock_create(const struct millrace_landlock_rules *rules, size_t size) {
    return (int)syscall(444, rules, size, 0);
}
static inline int millrace_landlock_allow(int set, int folder, uint64_t files) {
    struct { uint64_t allowed; int32_t parent; } __attribute__((packed)) rule = {files, folder};
    return (int)syscall(445, set, 1 /* LANDLOCK_RULE_PATH_BENEATH */, &rule, 0);
}
static inline int millrace_landlock_restrict(int set) { return (int)syscall(446, set, 0); }

// Mounts. mount_setattr (442) works on all that lies below, too; it came with Linux 5.12.
static inline int millrace_mount(
    const char *source, const char *target, const char *kind, unsigned long flags, const char *options
) {
    return (int)syscall(SYS_mount, source, target, kind, flags, options);
}
static inline int millrace_mount_attributes(const char *path, int below, uint64_t set) {
    struct { uint64_t set, clear, propagation, namespace; } attributes = {set, 0, 0, 0};
    return (int)syscall(442, -100 /* AT_FDCWD */, path, below ? 0x8000 : 0, &attributes, sizeof attributes);
}
// Makes the current folder the root and lets go of the old one.
static inline int millrace_enter_root(void) {
    if (syscall(SYS_pivot_root, ".", ".") != 0) { return -1; }
    if (syscall(SYS_umount2, ".", 2 /* MNT_DETACH */) != 0) { return -1; }
    return chdir("/");
}

// 0 address space, 1 file size, 2 processes, 3 open files, 4 core, 5 CPU seconds, 6 locked memory, 7 message queues,
// 8 real-time priority, 9 pending signals. Never raises a bound.
static inline int millrace_bound(int which, uint64_t most) {
    static const int resources[] = {
        RLIMIT_AS, RLIMIT_FSIZE, RLIMIT_NPROC, RLIMIT_NOFILE, RLIMIT_CORE, RLIMIT_CPU, RLIMIT_MEMLOCK,
        12 /* MSGQUEUE */, 14 /* RTPRIO */, 11 /* SIGPENDING */,
    };
    struct { uint64_t soft, hard; } now, wanted;
    if (syscall(SYS_prlimit64, 0, resources[which], NULL, &now) != 0) { return -1; }
    wanted.soft = most < now.soft ? most : now.soft;
    wanted.hard = most < now.hard ? most : now.hard;
    return (int)syscall(SYS_prlimit64, 0, resources[which], &wanted, NULL);
}

static inline void millrace_close_from(int first) {
    if (syscall(436 /* close_range */, first, ~0U, 0) == 0) { return; }
    long most = sysconf(_SC_OPEN_MAX);
    for (int file = first; file < (most > 65536 ? 65536 : most); file++) { close(file); }
}

// A refused system call says its name on the standard error, once each, and fails with EPERM. Only for the process that
// installs it: a program that is executed afterwards has no such handler.
static inline void millrace_tell_refused_call(int signal, siginfo_t *info, void *context) {
    (void)signal;
    static uint64_t told[16];
    // siginfo of SIGSYS: signo, errno, code, padding, address, number of the call.
    int number = *(int *)((char *)info + 24);
    if (number >= 0 && number < 1024 && !(told[number / 64] >> (number % 64) & 1)) {
        told[number / 64] |= 1ULL << (number % 64);
        char text[96] = "the sandbox refused the system call ";
        size_t at = strlen(text);
        const char *name = millrace_call_name(number);
        if (name != NULL) {
            while (*name != 0 && at < 80) { text[at++] = *name++; }
        } else {
            char digits[8];
            int count = 0;
            do { digits[count++] = (char)('0' + number % 10); } while ((number /= 10) > 0);
            while (count > 0) { text[at++] = digits[--count]; }
        }
        text[at++] = '\n';
        ssize_t written = write(2, text, at);
        (void)written;
    }
    // Where the kernel takes the call's result from when the handler returns.
#if defined(__x86_64__)
    ((long *)((char *)context + 40))[13] = -EPERM;
#elif defined(__aarch64__)
    ((long *)((char *)context + 184))[0] = -EPERM;
#endif
}
static inline int millrace_tell_refused_calls(void) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = millrace_tell_refused_call;
    action.sa_flags = SA_SIGINFO | SA_NODEFER;
    return sigaction(SIGSYS, &action, NULL);
}

// POSIX message queues, whose names have no slash here, and a message for a queue of System V: for the self-test.
static inline void millrace_make_queue(const char *name) {
    int queue = (int)syscall(SYS_mq_open, name, O_RDWR | O_CREAT, 0600, NULL);
    if (queue >= 0) { close(queue); }
}
static inline void millrace_remove_queue(const char *name) { syscall(SYS_mq_unlink, name); }
static inline void millrace_send_message(int queue) {
    struct { long kind; char text[8]; } message = {1, "message"};
    syscall(SYS_msgsnd, queue, &message, sizeof message.text, IPC_NOWAIT);
}

// Sends a copy of a descriptor into a socket, SCM_RIGHTS with one byte: for the self-test.
static inline int millrace_send_descriptor(int socket, int descriptor) {
    union { struct cmsghdr header; char bytes[CMSG_SPACE(sizeof(int))]; } control;
    memset(&control, 0, sizeof control);
    char byte = 0;
    struct iovec piece = {&byte, 1};
    struct msghdr message;
    memset(&message, 0, sizeof message);
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    message.msg_control = control.bytes;
    message.msg_controllen = sizeof control.bytes;
    control.header.cmsg_level = SOL_SOCKET;
    control.header.cmsg_type = SCM_RIGHTS;
    control.header.cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(&control.header), &descriptor, sizeof descriptor);
    return (int)sendmsg(socket, &message, MSG_DONTWAIT);
}
// A timer that sends SIGCONT, which would not fire: for the self-test.
static inline int millrace_make_continuing_timer(void) {
    struct sigevent event;
    memset(&event, 0, sizeof event);
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = SIGCONT;
    int timer = 0;
    return (int)syscall(SYS_timer_create, 1 /* CLOCK_MONOTONIC */, &event, &timer);
}

// Both ends of a new terminal, which controls nobody; -1 where there is none to be had.
static inline int millrace_open_terminal(int *control) {
    *control = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (*control < 0) { return -1; }
    int unlocked = 0;
    if (syscall(SYS_ioctl, *control, 0x40045431 /* TIOCSPTLCK */, &unlocked) != 0) { return -1; }
    return (int)syscall(SYS_ioctl, *control, 0x5441 /* TIOCGPTPEER */, O_RDWR | O_NOCTTY | O_CLOEXEC);
}
