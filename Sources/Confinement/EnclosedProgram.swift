import CPosix
import Domain
import Glibc

/// The process that becomes the program.
struct EnclosedProgram {
    private let enclosure: Enclosure

    init(_ enclosure: Enclosure) {
        self.enclosure = enclosure
    }

    /// The first byte of what is told: the system does not start this file.
    static let isNotExecutable = UInt8(ascii: "x")
    /// Anything else went wrong.
    private static let isNotEnclosed = UInt8(ascii: "s")

    /// Enters what is left to enter and executes the program.
    ///
    /// - Parameter pipe: where it is told what went wrong; it is closed when the program starts.
    func become(telling pipe: Int32, landlock version: Int) -> Never {
        var first = Self.isNotEnclosed
        var words: String
        do throws(Fault) {
            try prepare(pipe, version)
            let arguments = enclosure.command.map { strdup($0) } + [nil]
            let environment = enclosure.environment.map { strdup($0) } + [nil]
            _ = millrace_execve(enclosure.command[0], arguments, environment)
            first = Self.isNotExecutable
            words = "cannot start \(enclosure.command[0]): \(SystemCall.reason)"
        } catch {
            words = error.message
        }
        let bytes = [first] + Array(words.utf8)
        _ = bytes.withUnsafeBytes { write(Self.pipeAt, $0.baseAddress, $0.count) }
        _exit(127)
    }

    private static let pipeAt: Int32 = 3

    private func prepare(_ pipe: Int32, _ version: Int) throws(Fault) {
        guard pipe == Self.pipeAt || dup2(pipe, Self.pipeAt) >= 0 else { throw SystemCall.fault("keep a pipe") }
        _ = fcntl(Self.pipeAt, F_SETFD, FD_CLOEXEC)
        millrace_close_from(Self.pipeAt + 1)
        let null = open("/dev/null", O_RDONLY)
        guard null >= 0, dup2(null, 0) == 0 else { throw SystemCall.fault("open /dev/null") }
        close(null)
        guard chdir(enclosure.folder) == 0 else { throw SystemCall.fault("change to \(enclosure.folder)") }
        try enclosure.bounds.apply()
        _ = try Landlock.restrict(to: EnclosureView(enclosure, contents: []).rules, limit: version)
        guard !enclosure.leftOut.contains(.seccomp), let filter = CallFilter(.program, refusal: .error) else {
            throw Fault(.configuration, "there is no filter of system calls for this processor architecture")
        }
        var none = sigset_t()
        sigemptyset(&none)
        sigprocmask(SIG_SETMASK, &none, nil)
        // The kernel sends it to a stopped group whose client has died; SIGTERM, with time to save, comes then.
        signal(SIGHUP, SIG_IGN)
        try filter.install()
    }
}
