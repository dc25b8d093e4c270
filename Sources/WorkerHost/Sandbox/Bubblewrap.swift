import CPosix
import Domain
import Glibc
import Synchronization

/// Starts a command under `bwrap` (package bubblewrap) with limits of `prlimit` (package util-linux).
enum Bubblewrap {
    struct Call {
        var command: [String]
        var files: [MemoryFile]
        var timeoutSeconds: Double
        var outputBytesMax: Int
        var whoAsks: Int32?
    }

    enum Ending: Hashable {
        /// The command's exit code; 128 and more for a signal.
        case exited(Int32)
        /// There was no sandbox, and the command never ran.
        case notStarted
        case late
        /// Who asked has gone.
        case unwanted
    }

    /// How a command ended.
    struct End {
        var ending: Ending
        var output: [UInt8]
        /// The end of what it wrote to its standard error, printable and short.
        var words: String
    }

    static let advice = "Install the package bubblewrap, and let the server's user make namespaces."
    private static let memoryBytesMax = 4 << 30
    private static let fileBytesMax = 64 << 20
    private static let processesMax = 256
    private static let wordsBytesMax = 200
    private static let setpriv = "/usr/bin/setpriv"
    private static let prlimit = "/usr/bin/prlimit"
    private static let bwrap = "/usr/bin/bwrap"
    private static let nobody = "65534"
    /// What programs and interpreters need of the system beside `/usr`; what is not there is left out.
    private static let systemFolders = [
        "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc/alternatives", "/etc/ld.so.cache",
    ]

    /// Whether a sandbox was made on this machine; a machine that had none may have one later.
    private static let works = Atomic<Bool>(false)

    /// - Throws: `.configuration` when there is no sandbox or the system does not let it work.
    static func check() throws(Fault) {
        if works.load(ordering: .relaxed) { return }
        for program in [setpriv, prlimit, bwrap] where access(program, X_OK) != 0 {
            throw Fault(.configuration, "there is no sandbox: \(program) is missing", advice: advice)
        }
        let end = try run(
            Call(command: ["/usr/bin/env", "true"], files: [], timeoutSeconds: 10, outputBytesMax: 1, whoAsks: nil))
        guard end.ending == .exited(0) else {
            throw Fault(.configuration, "there is no sandbox: \(end.words)", advice: advice)
        }
        works.store(true, ordering: .relaxed)
    }

    /// The first descriptor of the files; the one before tells what became of the command.
    private static let filesAt = 4

    private static func arguments(_ call: Call) -> [String] {
        var all: [String] = []
        // Whatever the kernel lets root do by name, the owner of a device or a setting of `/proc`, is then refused.
        if geteuid() == 0 { all += [setpriv, "--reuid", nobody, "--regid", nobody, "--clear-groups"] }
        all += [
            prlimit, "--as=\(memoryBytesMax)", "--cpu=\(Int(call.timeoutSeconds.rounded(.up)) + 1)",
            "--fsize=\(fileBytesMax)", "--nofile=256", "--core=0", bwrap, "--unshare-all", "--unshare-user",
            "--disable-userns", "--die-with-parent", "--new-session", "--cap-drop", "ALL", "--uid", nobody, "--gid",
            nobody, "--hostname", "sandbox", "--clearenv", "--setenv", "PATH", "/usr/local/bin:/usr/bin:/bin",
            "--setenv", "LANG", "C.UTF-8", "--setenv", "HOME", "/tmp", "--setenv", "OPENBLAS_NUM_THREADS", "1",
            "--json-status-fd", "3", "--ro-bind", "/usr", "/usr",
        ]
        for folder in systemFolders { all += ["--ro-bind-try", folder, folder] }
        all += ["--proc", "/proc", "--remount-ro", "/proc", "--dev", "/dev", "--remount-ro", "/dev"]
        all += ["--size", "\(fileBytesMax)", "--tmpfs", "/tmp"]
        for (at, file) in call.files.enumerated() {
            all += ["--perms", file.isProgram ? "0555" : "0444", "--file", "\(filesAt + at)", file.path]
        }
        // Counted in the sandbox only: outside, the same user may run any number of processes.
        return all + ["--remount-ro", "/", "--chdir", "/tmp", "--", prlimit, "--nproc=\(processesMax)"] + call.command
    }

    static func run(_ call: Call) throws(Fault) -> End {
        let input = open("/dev/null", O_RDONLY | O_CLOEXEC)
        guard input >= 0 else { throw Files.fault("open", "/dev/null") }
        defer { close(input) }
        let output = try ReadingEnd(bytesMax: call.outputBytesMax, keepsEnd: false)
        let errors = try ReadingEnd(bytesMax: 4096, keepsEnd: true)
        let status = try ReadingEnd(bytesMax: 4096, keepsEnd: false)
        let arguments = arguments(call)
        let child = try ChildProcess.start(
            ChildProcess.Launch(
                executable: arguments[0], arguments: Array(arguments.dropFirst()), folder: "/", input: input,
                output: output.writing, errors: errors.writing, more: [status.writing] + call.files.map(\.descriptor)))
        for end in [output, errors, status] { end.closeWriting() }
        let deadline = millrace_monotonic_seconds() + call.timeoutSeconds
        let cut = BoundedWait.wait(for: child.pid, until: deadline, [output, errors, status], whoAsks: call.whoAsks)
        if cut != nil { child.signal(SIGKILL) }
        let exit = child.reap()
        let words = PrintableText.clean(String(decoding: errors.bytes.suffix(wordsBytesMax), as: UTF8.self))
        return End(
            ending: cut ?? ending(status.bytes, exit), output: output.bytes, words: words.isEmpty ? exit.reason : words)
    }

    /// bubblewrap tells the command's exit code only when there was a command; see bwrap(1), `--json-status-fd`.
    private static func ending(_ status: [UInt8], _ exit: ChildExit) -> Ending {
        let text = String(decoding: status, as: UTF8.self)
        guard let at = text.firstRange(of: "\"exit-code\":") else { return .notStarted }
        let digits = text[at.upperBound...].drop { $0 == " " }.prefix { $0.isNumber }
        return Int32(digits).map { .exited($0) } ?? .notStarted
    }
}
