import Glibc

/// Which system calls a process may make. Names that an architecture lacks are left out there.
public struct CallRules: Sendable {
    /// What must hold of a call's arguments; places count from 0.
    public enum Condition: Sendable, Hashable {
        case oneOf(Int, [UInt32])
        case noneOf(Int, [UInt32])
        /// None of these bits is set.
        case without(Int, UInt32)
        /// Not all of these bits are set.
        case notAll(Int, UInt32)
    }

    /// Whatever their arguments are.
    public var allowed: Set<String>
    /// When all conditions hold.
    public var conditional: [String: [Condition]]
    /// Refused without a signal to the process, whatever refusals are else: the C library makes these calls while it
    /// holds signals back.
    public var quietlyRefused: Set<String> = []
    /// As if the kernel did not have them: programs then take another way. `clone3` has flags that a filter cannot see.
    public var missing: Set<String> = ["clone3"]

    // fcntl: who gets signals of a descriptor (F_SETOWN, F_SETSIG, F_SETOWN_EX, F_NOTIFY), and leases.
    private static let descriptorSignals: [UInt32] = [8, 10, 15, 1026, 1024]
    /// `CLONE_NEW...`: namespaces of any kind.
    static let cloneNamespaces: UInt32 = 0x7e02_0080
    /// The signal by which the end of a child is told may be none or `SIGCHLD`, and whatever has no other bits.
    private static let otherEndSignals: UInt32 = 0xff & ~17
    private static let executable: UInt32 = 4
    // TIOCSTI and TIOCLINUX put characters into a terminal's input; TIOCSCTTY and TIOCCONS take a terminal.
    private static let terminalTricks: [UInt32] = [0x5412, 0x541c, 0x540e, 0x541d]
    // FS_IOC_RESVSP, FS_IOC_RESVSP64, FS_IOC_ZERO_RANGE: fallocate by another name.
    private static let reservations: [UInt32] = [0x4030_5828, 0x4030_582a, 0x4030_5839]
    /// MAP_SHARED with MAP_ANONYMOUS: memory that stays while one page of it is mapped, counted as that page.
    private static let notSharedMemory = Condition.notAll(3, 0x21)
    /// Not beyond the end of a file, where its bound would not hold: `FALLOC_FL_KEEP_SIZE` only to give space back.
    private static let spaceInFiles = [Condition.oneOf(1, [0, 3])]

    /// Reading, writing, memory, time and what the C library needs to start and to end.
    private static let basic: Set<String> = [
        "read", "write", "readv", "writev", "pread64", "pwrite64", "preadv", "pwritev", "close", "openat", "open",
        "fstat", "stat", "lstat", "newfstatat", "statx", "lseek", "access", "faccessat", "faccessat2", "getcwd",
        "getdents64", "getdents", "readlink", "readlinkat", "fsync", "fdatasync", "ftruncate", "truncate",
        "fadvise64", "flock", "rename", "renameat", "renameat2", "unlink", "unlinkat", "fstatfs", "statfs",
        "munmap", "mremap", "msync", "mincore", "madvise", "brk", "mbind", "get_mempolicy", "membarrier",
        "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigtimedwait", "rt_sigsuspend", "rt_sigpending",
        "sigaltstack", "restart_syscall", "poll", "ppoll", "select", "pselect6", "dup", "dup2", "dup3", "pipe2",
        "clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep", "gettimeofday", "time", "times",
        "getpid", "getppid", "gettid", "getuid", "geteuid", "getgid", "getegid", "getresuid", "getresgid",
        "getgroups", "getpgrp", "getpgid", "getsid", "getpriority", "sched_yield", "sched_getaffinity",
        "sched_getparam", "sched_getscheduler", "getcpu", "getrlimit", "setrlimit", "getrusage", "sysinfo", "uname",
        "futex", "futex_waitv", "futex_wait", "futex_wake", "futex_requeue", "set_robust_list", "get_robust_list",
        "set_tid_address", "rseq", "getrandom", "exit", "exit_group", "close_range",
    ]

    /// What the kernels of Millrace need, and no more: no other process, no program, no network, no new code.
    ///
    /// - Parameter pid: of this process, which may send signals to itself.
    public static func kernel(pid: pid_t) -> CallRules {
        let own = UInt32(bitPattern: pid)
        return CallRules(
            allowed: basic,
            conditional: [
                "mmap": [.without(2, executable), notSharedMemory],
                "mprotect": [.without(2, executable)],
                "fallocate": spaceInFiles,
                "fcntl": [.noneOf(1, descriptorSignals)],
                // What the C library asks of a stream: is it a terminal.
                "ioctl": [.oneOf(1, [0x5401])],
                // Names of threads and of memory.
                "prctl": [.oneOf(0, [15, 16, 0x5356_4d41])],
                "prlimit64": [.oneOf(0, [0, own])],
                "kill": [.oneOf(0, [own])],
                "tgkill": [.oneOf(0, [own])],
            ],
            quietlyRefused: ["clone", "fork", "vfork"])
    }

    /// What programs of many kinds need: interpreters, threads, children, pipes; within namespaces of their own.
    ///
    /// They stay in the process group that they are started in, so that all of them can be stopped together. Descriptors
    /// cannot be sent: what is on its way is in nobody's hands, and nobody sees what it holds.
    public static let program = CallRules(
        allowed: basic.union([
            "mprotect", "mlock", "mlock2", "munlock", "mlockall", "munlockall", "preadv2", "pwritev2",
            "openat2", "creat", "chdir", "fchdir", "mkdir", "mkdirat", "rmdir", "link", "linkat", "symlink",
            "symlinkat", "chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "fchown", "fchownat", "lchown", "utime",
            "utimes", "utimensat", "futimesat", "umask", "pipe", "epoll_create", "epoll_create1", "epoll_ctl",
            "epoll_wait", "epoll_pwait", "epoll_pwait2", "eventfd", "eventfd2", "signalfd", "signalfd4",
            "timerfd_create", "timerfd_settime", "timerfd_gettime", "inotify_init", "inotify_init1",
            "inotify_add_watch", "inotify_rm_watch", "sendfile", "splice", "tee", "copy_file_range",
            "sync_file_range", "sync", "syncfs", "cachestat", "getxattr", "lgetxattr", "fgetxattr", "listxattr",
            "llistxattr", "flistxattr", "alarm", "pause", "getitimer", "setitimer", "capget",
            "setuid", "setgid", "setresuid", "setresgid", "ioprio_get",
            "sched_getattr", "sched_get_priority_max", "sched_get_priority_min", "sched_rr_get_interval",
            "set_mempolicy", "arch_prctl", "fork", "vfork", "execve", "wait4", "waitid",
            "sendto", "recvfrom", "recvmsg", "recvmmsg",
            "shutdown", "getsockname", "getpeername", "getsockopt", "setsockopt", "pkey_alloc", "pkey_free",
            "pkey_mprotect", "pidfd_open", "mseal",
        ]),
        conditional: [
            // A child whose end sends SIGCONT would make who was stopped go on.
            "clone": [.without(0, cloneNamespaces | otherEndSignals)],
            "mmap": [notSharedMemory],
            "fallocate": spaceInFiles,
            "fcntl": [.noneOf(1, descriptorSignals)],
            "ioctl": [.noneOf(1, terminalTricks + reservations)],
            // The group of processes is shared with the one outside that started all.
            "kill": [.noneOf(0, [0, 1])],
            // Process 1 is no part of the program; newer kernels refuse that by Landlock, too.
            "tkill": [.noneOf(0, [1])],
            "tgkill": [.noneOf(0, [1])],
            "rt_sigqueueinfo": [.noneOf(0, [1])],
            "rt_tgsigqueueinfo": [.noneOf(0, [1])],
            "prlimit64": [.noneOf(0, [1])],
            "setpriority": [.noneOf(1, [1])],
            "sched_setaffinity": [.noneOf(0, [1])],
            // A process that may not be looked at could hide what it holds open: PR_SET_DUMPABLE. One that gets SIGCONT
            // when another ends goes on although it was stopped: PR_SET_PDEATHSIG.
            "prctl": [.noneOf(0, [1, 4])],
            // Pairs of sockets are pipes in two directions; a socket that can be addressed is none.
            "socketpair": [.oneOf(0, [1])],
            // Linux as it is, and the question which it is.
            "personality": [.oneOf(0, [0, 0xffff_ffff])],
        ],
        // A timer may send SIGCONT to who was stopped; setitimer sends SIGALRM.
        missing: ["clone3", "timer_create"])
}
