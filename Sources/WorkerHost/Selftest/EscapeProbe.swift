/// One way out of a sandbox that the self-test tries.
public struct EscapeProbe: Sendable, Hashable {
    public enum Sandbox: String, Sendable, Hashable, CaseIterable, Codable {
        /// Of the kernels that are part of Millrace.
        case kernel
        /// Of scientists' programs.
        case program
    }

    /// What must come of it without a sandbox, so that a refusal is the sandbox's doing.
    public enum Control: String, Sendable, Hashable {
        /// It succeeds.
        case open
        /// It succeeds for the machine's root; others may be refused.
        case openForRoot
        /// Systems differ.
        case unknown
        /// It is not tried: it would do harm.
        case none
    }

    /// As what a sandbox may end a probe, other than by refusing it.
    public enum Ending: String, Sendable, Hashable {
        case memory
        case output
    }

    public var name: String
    /// What is tried, for people.
    public var tried: String
    public var control: Control
    public var sandboxes: [Sandbox]
    /// nil: it must come to its own end.
    public var ending: Ending?

    private init(
        _ name: String, _ tried: String, _ control: Control = .open, only sandbox: Sandbox? = nil,
        ending: Ending? = nil
    ) {
        self.ending = ending
        self.name = name
        self.tried = tried
        self.control = control
        sandboxes = sandbox.map { [$0] } ?? Sandbox.allCases
    }

    /// All of them; `millrace-worker` knows how each is done.
    public static let all = files + network + processes + amounts + privileges + interfaces + leftovers

    private static let files = [
        EscapeProbe("home-folder", "read a file of the user's home folder"),
        EscapeProbe("ssh-key", "read a private key in ~/.ssh"),
        EscapeProbe("password-file", "read /etc/passwd"),
        EscapeProbe("other-task", "read the files of another task"),
        EscapeProbe("write-outside", "make a file outside of its folder"),
        EscapeProbe("symlink-out", "make a symbolic link in its folder to a file outside"),
        EscapeProbe("hardlink-out", "make a second name in its folder for a file outside"),
        EscapeProbe("rewrite-program", "change its own program"),
        EscapeProbe("rewrite-input", "change one of its inputs"),
        EscapeProbe("rewrite-unit", "change its work unit", only: .kernel),
        EscapeProbe("file-handle", "open a file by its number: open_by_handle_at", .openForRoot),
    ]
    private static let network = [
        EscapeProbe("ipv4", "connect to 127.0.0.1 by TCP"),
        EscapeProbe("ipv6", "connect to ::1 by TCP", .unknown),
        EscapeProbe("udp", "send a datagram, as for DNS"),
        EscapeProbe("unix-socket", "connect to a socket in a folder"),
        EscapeProbe("abstract-socket", "connect to an abstract socket"),
        EscapeProbe("x11-socket", "connect to the socket of a display"),
        EscapeProbe("netlink-socket", "open a socket to the kernel: netlink"),
        EscapeProbe("raw-socket", "open a raw socket", .openForRoot),
        EscapeProbe("packet-socket", "open a packet socket", .openForRoot),
        EscapeProbe("vsock", "open a socket to the host of a virtual machine", .unknown),
    ]
    private static let processes = [
        EscapeProbe("ptrace", "trace another process of the user", .openForRoot),
        EscapeProbe("ptrace-parent", "trace the process that started it", .openForRoot),
        EscapeProbe("memory-of-others", "read another process's memory: process_vm_readv", .openForRoot),
        EscapeProbe("proc-mem", "open another process's /proc/PID/mem", .openForRoot),
        EscapeProbe("proc-environ", "read another process's environment"),
        EscapeProbe("proc-list", "see other processes in /proc"),
        EscapeProbe("kill-parent", "signal the process that started it"),
        EscapeProbe("kill-stranger", "signal another process of the user"),
        EscapeProbe("new-session", "leave the group of processes that is stopped together: setsid"),
        EscapeProbe("continue-timer", "go on although stopped, by a timer: timer_create"),
        EscapeProbe("continue-child", "go on although stopped, by the end of a child: clone"),
        EscapeProbe("continue-parent", "go on although stopped, by the end of the parent: prctl"),
        EscapeProbe("watcher-bounds", "bound the process that watches it: prlimit64", .none),
        EscapeProbe("start-program", "start a program", only: .kernel),
        EscapeProbe("code-in-memory", "make memory that is writable and executable", only: .kernel),
        EscapeProbe("memory-program", "make a program in memory: memfd_create"),
    ]
    private static let amounts = [
        EscapeProbe("fork-bomb", "start 200 processes"),
        EscapeProbe("thread-bomb", "start 200 threads"),
        EscapeProbe("memory-bomb", "take 8 GiB of address space"),
        EscapeProbe("memory-together", "take 320 MiB of memory in several processes", ending: .memory),
        EscapeProbe(
            "memory-leader", "take 320 MiB of memory in a process whose first thread has ended", ending: .memory),
        EscapeProbe("memory-shared", "take 320 MiB of shared memory of which little is mapped"),
        EscapeProbe("disk-fill", "write a file of 64 MiB"),
        EscapeProbe("disk-fill-reserved", "reserve 64 MiB of disk beyond the end of a file", .unknown),
        EscapeProbe("disk-fill-many", "write 64 MiB in many files", only: .program, ending: .output),
        EscapeProbe(
            "disk-fill-removed", "write 64 MiB in files that are open and removed", only: .program, ending: .output),
        EscapeProbe(
            "disk-fill-hidden", "write 64 MiB in a folder that cannot be listed", only: .program, ending: .output),
        EscapeProbe(
            "disk-fill-closed", "write 64 MiB in a folder whose files cannot be looked at", only: .program,
            ending: .output),
        EscapeProbe(
            "disk-fill-leader", "hold 64 MiB of removed files when the first thread has ended", only: .program,
            ending: .output),
        EscapeProbe(
            "disk-fill-thread", "hold 64 MiB of removed files in one thread alone", only: .program, ending: .output),
        EscapeProbe("disk-fill-sent", "hold removed files in a socket: sendmsg", only: .program),
        EscapeProbe("file-count", "make 1000 files", only: .program, ending: .output),
        EscapeProbe("temporary-fill", "write 64 MiB into /tmp", .none, only: .program),
        EscapeProbe("core-dump", "allow itself core dumps"),
        EscapeProbe("priority", "raise its priority", .openForRoot),
    ]
    private static let privileges = [
        EscapeProbe("setuid-program", "gain rights from a set-user-id program"),
        EscapeProbe("become-root", "become root: setuid", .openForRoot),
        EscapeProbe("user-namespace", "make a namespace of users: unshare", .unknown),
        EscapeProbe("clone-namespace", "start a process in new namespaces: clone", .unknown),
        EscapeProbe("join-namespace", "join another process's namespace: setns", .openForRoot),
        EscapeProbe("mount", "mount a file system", .openForRoot),
        EscapeProbe("chroot", "change the root folder: chroot", .openForRoot),
        EscapeProbe("pivot-root", "exchange the root folder: pivot_root", .none),
        EscapeProbe("device-node", "make a device", .openForRoot),
        EscapeProbe("dev-mem", "open the machine's memory: /dev/mem", .unknown),
        EscapeProbe("dev-kmsg", "write into the kernel's log: /dev/kmsg", .openForRoot),
        EscapeProbe("kernel-module", "load a module into the kernel", .openForRoot),
        EscapeProbe("clock", "set the clock", .openForRoot),
        EscapeProbe("hostname", "set the host's name", .openForRoot),
        EscapeProbe("reboot", "restart the machine", .openForRoot),
        EscapeProbe("proc-sys", "open a setting of the kernel for writing: core_pattern", .openForRoot),
        EscapeProbe("sys", "open a setting in /sys for writing", .unknown),
    ]
    private static let interfaces = [
        EscapeProbe("bpf", "load data into the kernel: bpf", .openForRoot),
        EscapeProbe("perf-event", "measure processes: perf_event_open", .unknown),
        EscapeProbe("userfaultfd", "handle page faults: userfaultfd", .unknown),
        EscapeProbe("io-uring", "a queue of calls past the filter: io_uring", .unknown),
        EscapeProbe("keyring", "read the kernel's keyrings: keyctl", .unknown),
        EscapeProbe("terminal-input", "type into the terminal: TIOCSTI", .openForRoot),
        EscapeProbe("sysv-memory", "attach another's shared memory"),
        EscapeProbe("sysv-queue", "read another's message queue"),
        EscapeProbe("posix-memory", "open another's shared memory in /dev/shm"),
        EscapeProbe("posix-queue", "open another's POSIX message queue", .unknown),
    ]
    private static let leftovers = [
        EscapeProbe("descriptor", "use a descriptor that it was not given"),
        EscapeProbe("environment", "read what the environment of the client holds"),
    ]
}

/// What a probe finds.
public struct EscapeFinding: Sendable, Hashable, Codable {
    public enum Outcome: String, Sendable, Hashable, Codable {
        case denied
        /// It got through.
        case open
        /// This computer has nothing there that could be tried.
        case absent
    }

    public var outcome: Outcome
    /// By what it was denied, or how far it came.
    public var how: String

    public init(_ outcome: Outcome, _ how: String) {
        self.outcome = outcome
        self.how = how
    }
}

/// Where probes find what they try to get at: all of it made for the purpose by the self-test.
public struct EscapeScene: Sendable, Hashable, Codable {
    /// Everything lies below this folder.
    public var folder = ""
    /// The probe's own folder, which it may write, as it sees it.
    public var own = ""
    /// A file that is its program, or stands in for it, as it sees it.
    public var program = ""
    /// Its input, as it sees it.
    public var input = ""
    /// The process that started it, and another one that has a secret in its environment.
    public var parent: Int32 = 0
    public var stranger: Int32 = 0
    public var tcp4: UInt16 = 0
    public var tcp6: UInt16 = 0
    public var udp: UInt16 = 0
    /// Names without the leading zero byte.
    public var abstractName = ""
    public var displayName = ""
    public var sharedMemory: Int32 = -1
    public var messageQueue: Int32 = -1
    /// As in `/dev/shm` and for `mq_open`, without a slash.
    public var posixName = ""
    /// How long a probe that got through by amount waits for the sandbox to see it.
    public var patienceSeconds = 0.0

    /// What the self-test gives a program, in an order that no client has: so it is told from the client's.
    public static let programEnvironment = ["PATH=/bin:/usr/bin", "HOME=/output"]

    public var home: String { "\(folder)/home/notes.txt" }
    public var key: String { "\(folder)/home/.ssh/id_ed25519" }
    public var otherTask: String { "\(folder)/slots/2/unit" }
    public var outside: String { "\(folder)/outside" }
    public var socket: String { "\(folder)/socket" }
}
