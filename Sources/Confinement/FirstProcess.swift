import CPosix
import Domain
import Glibc

/// Process 1 of an enclosure: it completes the root folder, starts the program, collects orphans, and watches how much
/// memory and disk is used. Nothing inside can signal it, look at it, or outlive it.
struct FirstProcess {
    private let enclosure: Enclosure
    private let root: PrivateRoot
    private var layers: SandboxLayers
    private let report: (Enclosure.Report) -> Void
    /// Whether it can be seen what the processes inside hold.
    private var hasProcesses = true
    private static let watchSeconds = 0.1
    private static let watchSecondsMax = 2.0

    init(
        _ enclosure: Enclosure, root: PrivateRoot, layers: SandboxLayers, report: @escaping (Enclosure.Report) -> Void
    ) {
        self.enclosure = enclosure
        self.root = root
        self.layers = layers
        self.report = report
    }

    /// - Returns: the exit code: 0 when the program was started, 78 otherwise. It was reported in both cases.
    mutating func perform() -> Int32 {
        do throws(Fault) {
            // The enclosing process must not be outlived: PR_SET_PDEATHSIG.
            SystemCall.perform("prctl", 1, Int(SIGKILL))
            // Where a container hides parts of its own /proc, the kernel gives no new one.
            do throws(Fault) { try root.putProcesses() } catch {
                layers.set(.init(.pidNamespace, isActive: true, detail: "without /proc"))
                hasProcesses = false
                // Files that were removed while open could not be counted, and they fill the disk as others do.
                if enclosure.output != nil {
                    throw Fault(
                        .configuration, "a program with an output folder needs a /proc of its own: \(error.message)",
                        advice: "In a container, let its /proc be seen whole.")
                }
            }
            try root.enter()
            let name = "sandbox"
            _ = name.withCString { SystemCall.perform("sethostname", Int(bitPattern: $0), name.utf8.count) }
            guard millrace_drop_capabilities() == 0 else { throw SystemCall.fault("give up privileges") }
            // Nobody reads its memory: PR_SET_DUMPABLE.
            SystemCall.perform("prctl", 4, 0)
            let program = try startProgram()
            try watch(program)
            return 0
        } catch {
            var said = Enclosure.Report(
                ending: error.kind == .noInput ? .notExecutable : .notStarted, layers: layers)
            said.words = error.message
            report(said)
            return FaultKind.configuration.rawValue
        }
    }

    /// The child tells through a pipe what went wrong before it became the program; the pipe closes when it has.
    private mutating func startProgram() throws(Fault) -> pid_t {
        var pipe: [Int32] = [-1, -1]
        guard pipe2(&pipe, O_CLOEXEC) == 0 else { throw SystemCall.fault("make a pipe") }
        let version = enclosure.leftOut.contains(.landlock) ? 0 : Landlock.version
        let child = millrace_fork()
        guard child >= 0 else { throw SystemCall.fault("start a process") }
        if child == 0 {
            EnclosedProgram(enclosure).become(telling: pipe[1], landlock: version)
        }
        close(pipe[1])
        defer { close(pipe[0]) }
        var words: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1024)
        while true {
            let count = read(pipe[0], &buffer, buffer.count)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { break }
            words += buffer[..<count]
        }
        if let first = words.first {
            let kind = first == EnclosedProgram.isNotExecutable ? FaultKind.noInput : .configuration
            throw Fault(kind, String(decoding: words.dropFirst(), as: UTF8.self))
        }
        layers.landlockVersion = version
        layers.set(.init(.landlock, isActive: true, detail: "version \(version)"))
        layers.set(.init(.resourceLimits, isActive: true))
        layers.set(.init(.seccomp, isActive: true))
        report(Enclosure.Report(ending: nil, layers: layers))
        return child
    }

    /// Until the program ends; what it left behind ends with this process.
    private func watch(_ program: pid_t) throws(Fault) {
        var set = sigset_t()
        sigemptyset(&set)
        sigaddset(&set, SIGCHLD)
        var nextLook = millrace_monotonic_seconds() + Self.watchSeconds
        while true {
            // Who starts orphans without end must not be looked at the less for it.
            repeat {
                var status: Int32 = 0
                let ended = waitpid(-1, &status, WNOHANG)
                if ended == program { return report(Self.report(status, layers)) }
                if ended <= 0 { break }
            } while millrace_monotonic_seconds() < nextLook
            if millrace_monotonic_seconds() >= nextLook {
                let spent = millrace_own_cpu_seconds()
                if let said = excess() { return report(said) }
                // Looking at many files takes time: at most a tenth of a processor's is spent on that.
                let pause = min((millrace_own_cpu_seconds() - spent) * 9, Self.watchSecondsMax)
                nextLook = millrace_monotonic_seconds() + max(Self.watchSeconds, pause)
            }
            let wait = max(0.001, nextLook - millrace_monotonic_seconds())
            var time = timespec(tv_sec: Int(wait), tv_nsec: Int((wait - wait.rounded(.down)) * 1e9))
            sigtimedwait(&set, nil, &time)
        }
    }

    private func excess() -> Enclosure.Report? {
        guard hasProcesses, enclosure.memoryBytes != nil || enclosure.output != nil else { return nil }
        var looked = Enclosure.Report.Ending.memory
        do throws(Look.Blindness) {
            let processes = try ProcessMeter(Look())
            if let most = enclosure.memoryBytes {
                let bytes = try processes.residentBytes(bytesMax: most)
                if bytes > most {
                    return ending(.memory, "\(bytes >> 20) MiB of memory are in use; \(most >> 20) are allowed")
                }
            }
            if enclosure.output != nil { looked = .output }
            if let words = try processes.hiddenMapping(ofOutput: enclosure.output?.place) {
                return ending(looked, words)
            }
            return try enclosure.output.flatMap { (output) throws(Look.Blindness) in
                try OutputMeter.excess(of: output, processes)
            }.map { ending(looked, $0) }
        } catch {
            return ending(looked, error.words)
        }
    }

    private func ending(_ ending: Enclosure.Report.Ending, _ words: String) -> Enclosure.Report {
        var said = Enclosure.Report(ending: ending, layers: layers)
        said.words = words
        return said
    }

    private static func report(_ status: Int32, _ layers: SandboxLayers) -> Enclosure.Report {
        var said = Enclosure.Report(ending: .exited, layers: layers)
        let signal = millrace_wait_signal(status)
        if signal == 0 { said.code = millrace_wait_code(status) } else { said.signal = signal }
        return said
    }
}
