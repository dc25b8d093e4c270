import CPosix
import Domain
import Glibc
import Synchronization

/// Starts a command under `bwrap` (package bubblewrap) with limits of `prlimit` (package util-linux).
enum Bubblewrap {
    /// How a command ended.
    struct End {
        /// nil: it was ended because its time was over.
        var exit: ChildExit?
        var output: [UInt8]
        /// The end of what it wrote to its standard error, printable and short.
        var words: String
    }

    private static let memoryBytesMax = 4 << 30
    private static let fileBytesMax = 64 << 20
    private static let processesMax = 256
    private static let wordsBytesMax = 200
    private static let prlimit = "/usr/bin/prlimit"
    private static let bwrap = "/usr/bin/bwrap"
    /// What programs and interpreters need of the system; what is not there is left out.
    private static let systemFolders = [
        "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc/alternatives", "/etc/ld.so.cache",
    ]

    /// What a trial on this machine showed; nil: not tried yet.
    private static let verdict = Mutex<Result<Void, Fault>?>(nil)

    /// Tries the sandbox once for this process, so that what goes wrong later is the program's own doing.
    ///
    /// - Throws: `.configuration` when there is none or the system does not let it work.
    static func check() throws(Fault) {
        let result = verdict.withLock { known in
            if let known { return known }
            let found = trial()
            known = found
            return found
        }
        try result.get()
    }

    private static func trial() -> Result<Void, Fault> {
        let advice = "Install the package bubblewrap, and let the server's user make namespaces."
        for program in [prlimit, bwrap] where access(program, X_OK) != 0 {
            return .failure(Fault(.configuration, "there is no sandbox: \(program) is missing", advice: advice))
        }
        do throws(Fault) {
            let launch = arguments(binds: [], command: ["/usr/bin/env", "true"], cpuSeconds: 10)
            let end = try run(launch, timeoutSeconds: 10, outputBytesMax: 1)
            if end.exit?.code == 0 { return .success(()) }
            let why = end.words.isEmpty ? end.exit?.reason ?? "it did not end" : end.words
            return .failure(Fault(.configuration, "there is no sandbox: \(why)", advice: advice))
        } catch {
            return .failure(error)
        }
    }

    /// What `prlimit` is called with.
    static func arguments(binds: [(from: String, to: String)], command: [String], cpuSeconds: Double) -> [String] {
        var all = [
            "--as=\(memoryBytesMax)", "--cpu=\(Int(cpuSeconds.rounded(.up)) + 1)", "--fsize=\(fileBytesMax)",
            "--nofile=256", "--nproc=\(processesMax)", "--core=0", bwrap, "--unshare-all", "--die-with-parent",
            "--new-session", "--cap-drop", "ALL", "--uid", "65534", "--gid", "65534", "--hostname", "sandbox",
            "--clearenv", "--setenv", "PATH", "/usr/local/bin:/usr/bin:/bin", "--setenv", "LANG", "C.UTF-8",
            "--setenv", "HOME", "/tmp", "--setenv", "OPENBLAS_NUM_THREADS", "1", "--ro-bind", "/usr", "/usr",
        ]
        for folder in systemFolders { all += ["--ro-bind-try", folder, folder] }
        all += ["--proc", "/proc", "--dev", "/dev", "--remount-ro", "/dev"]
        all += ["--size", "\(fileBytesMax)", "--tmpfs", "/tmp"]
        for bind in binds { all += ["--ro-bind", bind.from, bind.to] }
        return all + ["--remount-ro", "/", "--chdir", "/tmp", "--"] + command
    }

    static func run(_ arguments: [String], timeoutSeconds: Double, outputBytesMax: Int) throws(Fault) -> End {
        let input = open("/dev/null", O_RDONLY | O_CLOEXEC)
        guard input >= 0 else { throw Files.fault("open", "/dev/null") }
        defer { close(input) }
        let output = try Pipe()
        defer { close(output.reading) }
        let errors: Pipe
        do throws(Fault) { errors = try Pipe() } catch {
            close(output.writing)
            throw error
        }
        defer { close(errors.reading) }
        let child = try start(arguments, input, output.writing, errors.writing)
        let isInTime = BoundedOutput.wait(
            for: child.pid, until: millrace_monotonic_seconds() + timeoutSeconds, output.reading, errors.reading,
            outputBytesMax)
        if !isInTime.ended { child.signal(SIGKILL) }
        let exit = child.reap()
        return End(
            exit: isInTime.ended ? exit : nil, output: isInTime.output,
            words: PrintableText.clean(String(decoding: isInTime.errors.suffix(wordsBytesMax), as: UTF8.self)))
    }

    /// Closes the two descriptors that are the child's own from then on.
    private static func start(
        _ arguments: [String], _ input: Int32, _ output: Int32, _ errors: Int32
    ) throws(Fault) -> ChildProcess {
        defer {
            close(output)
            close(errors)
        }
        return try ChildProcess.start(
            ChildProcess.Launch(
                executable: prlimit, arguments: arguments, folder: "/", input: input, output: output, errors: errors))
    }
}

/// Reads two pipes of a child until it ends or its time is over.
private enum BoundedOutput {
    static func wait(
        for pid: pid_t, until deadline: Double, _ output: Int32, _ errors: Int32, _ outputBytesMax: Int
    ) -> (ended: Bool, output: [UInt8], errors: [UInt8]) {
        var written: [UInt8] = []
        var words: [UInt8] = []
        for end in [output, errors] { _ = fcntl(end, F_SETFL, O_NONBLOCK) }
        let handle = millrace_pidfd_open(pid)
        defer { if handle >= 0 { close(handle) } }
        var ends = [output, errors, handle].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        while true {
            let left = deadline - millrace_monotonic_seconds()
            guard left > 0 else { return (false, written, words) }
            let count = poll(&ends, 3, Int32(min(left * 1000 + 1, 3_600_000)))
            if count <= 0 { continue }
            if ends[0].revents != 0, !drain(output, { written += $0.prefix(outputBytesMax - written.count) }) {
                ends[0].fd = -1
            }
            if ends[1].revents != 0, !drain(errors, { words = (words + $0).suffix(4096) }) { ends[1].fd = -1 }
            // Without a handle on the process, the end of its output is the best sign of its own.
            let isOver = handle >= 0 ? ends[2].revents != 0 : ends[0].fd < 0 && ends[1].fd < 0
            guard isOver else { continue }
            _ = drain(output) { written += $0.prefix(outputBytesMax - written.count) }
            _ = drain(errors) { words = (words + $0).suffix(4096) }
            return (true, written, words)
        }
    }

    /// - Returns: false at the end of the pipe.
    private static func drain(_ end: Int32, _ take: (ArraySlice<UInt8>) -> Void) -> Bool {
        var buffer = [UInt8](repeating: 0, count: 4096)
        // A child that writes without end is not read without end: its time runs.
        for _ in 0..<256 {
            let count = read(end, &buffer, buffer.count)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return count < 0 && errno == EAGAIN }
            take(buffer[..<count])
        }
        return true
    }
}
