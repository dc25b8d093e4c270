import CPosix
import Domain
import FoundationEssentials
import Glibc
import SwiftProtobuf
import Synchronization
import Wire

/// How a `millrace-worker run` ended, with the last of what it wrote to its standard error.
public struct WorkerExit: Hashable, Sendable {
    public var exit: ChildExit
    /// At most 2000 bytes.
    public var lastWords: String
}

/// How a worker shuts itself in before it reads anything of a project; see docs/sandbox.md.
public struct WorkerSandbox: Hashable, Sendable {
    /// Without, it computes as an ordinary process with low priority and bounds.
    public var isOn: Bool
    /// What must hold it, beyond what kernels always need; else it refuses, with exit code 78 and the reason.
    public var demand: SandboxDemand
    /// Layers that it leaves out as if this computer did not have them: for tests.
    public var leftOut: Set<SandboxLayer>

    public init(isOn: Bool = true, demand: SandboxDemand = .nothing, leftOut: Set<SandboxLayer> = []) {
        self.isOn = isOn
        self.demand = demand
        self.leftOut = leftOut
    }

    /// What `millrace-worker run FOLDER` is told beyond the folder.
    var options: [String] {
        guard isOn else { return ["--no-sandbox"] }
        var options: [String] = []
        if !demand.words.isEmpty { options += ["--demand", demand.words.joined(separator: ",")] }
        let without = SandboxDemand(leftOut).words
        if !without.isEmpty { options += ["--without", without.joined(separator: ",")] }
        return options
    }
}

/// The files of one task's folder. `README.md` says who writes which.
public enum RunFolder {
    public static let job = "job"
    public static let unit = "unit"
    public static let lock = "lock"
    public static let progress = "progress"
    public static let checkpoint = "checkpoint"
    public static let result = "result"
    public static let log = "log"
    // Of units with a program.
    public static let programInput = "program-input"
    public static let programOutput = "program-output"
    public static let programBegun = "program-begun"
    public static let programDone = "program-done"
}

/// One running `millrace-worker run FOLDER`: a child in its own process group that can be stopped, continued, asked to
/// save itself, and killed.
///
/// Two descriptors and one small thread belong to it until it has ended. When this process dies, however it dies, the
/// worker's standard input ends, and it saves its checkpoint and leaves.
public final class WorkerRun: Sendable {
    /// The folder with the files of `RunFolder`.
    public let directory: String
    private let child: ChildProcess
    /// The writing end of the worker's standard input; nothing is ever written, its end is the message.
    private let lifeline: Int32
    private let ended = Mutex<WorkerExit?>(nil)
    private let standing = Mutex(Standing())

    /// Who wants it to stand. The owner's word counts for more than the duty cycle's, which only takes turns.
    private struct Standing {
        var isSuspended = false
        /// Stopped by the duty cycle, until its next turn.
        var isHeld = false
        /// Asked to leave, or killed: nothing stops it any more.
        var isLeaving = false
    }

    private init(directory: String, child: ChildProcess, lifeline: Int32) {
        self.directory = directory
        self.child = child
        self.lifeline = lifeline
    }

    /// Writes the job into the folder and starts the worker on it.
    ///
    /// - Parameter directory: exists; what an earlier run left there (checkpoint) is taken up.
    /// - Parameter sandbox: how the worker shuts itself in; by default in all that this computer has.
    /// - Parameter onExit: called once on the run's own thread when the worker has ended and was collected.
    /// - Throws: `.noInput` without the program, `.cannotWrite` or `.osError` from the system.
    public static func start(
        executable: String, directory: String, job: WireRunJob, sandbox: WorkerSandbox = WorkerSandbox(),
        onExit: (@Sendable (WorkerExit) -> Void)? = nil
    ) throws(Fault) -> WorkerRun {
        guard let bytes = try? job.serializedBytes() as [UInt8] else {
            throw Fault(.software, "the job for \(directory) cannot be encoded")
        }
        try Files.replace("\(directory)/\(RunFolder.job)", with: bytes, durable: false)
        let log = open(
            "\(directory)/\(RunFolder.log)", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard log >= 0 else { throw Files.fault("create", "\(directory)/\(RunFolder.log)") }
        var opened: [Int32] = [log]
        func closeAll() { for descriptor in opened { close(descriptor) } }
        let run: WorkerRun
        let errors: Pipe
        do throws(Fault) {
            let input = try Pipe()
            opened += [input.reading, input.writing]
            errors = try Pipe()
            opened += [errors.reading, errors.writing]
            let child = try ChildProcess.start(
                ChildProcess.Launch(
                    executable: executable, arguments: ["run", directory] + sandbox.options, folder: directory,
                    input: input.reading, output: errors.writing, errors: errors.writing, isOwnSession: true))
            // A worker that stands still when this process dies must hear of it, and in a session of its own the
            // kernel does not wake it.
            _ = millrace_continue_at_end(input.reading, child.pid)
            close(input.reading)
            close(errors.writing)
            run = WorkerRun(directory: directory, child: child, lifeline: input.writing)
        } catch {
            closeAll()
            throw error
        }
        let (reading, started) = (errors.reading, run)
        BlockingThread.start("worker-\(run.pid)") {
            started.attend(errors: reading, log: log, onExit: onExit)
        }
        return run
    }

    public var pid: pid_t { child.pid }

    /// Stops the worker where it stands, whatever the duty cycle does; it keeps its memory and uses no CPU.
    public func suspend() {
        standing.withLock {
            $0.isSuspended = true
            child.signal(SIGSTOP)
        }
    }

    /// Lets a suspended worker go on, with its next turn when a duty cycle bounds it.
    public func resume() {
        standing.withLock {
            $0.isSuspended = false
            if !$0.isHeld { child.signal(SIGCONT) }
        }
    }

    /// Asks the worker to write a checkpoint and to leave with code 75, stopped or not.
    public func terminate() {
        standing.withLock {
            $0 = Standing(isLeaving: true)
            child.signal(SIGTERM)
            child.signal(SIGCONT)
        }
    }

    /// Ends the worker at once; its last checkpoint stays.
    public func kill() {
        standing.withLock {
            $0.isLeaving = true
            child.signal(SIGKILL)
        }
    }

    /// Stops it until `release`, for the duty cycle.
    ///
    /// - Returns: false when it is held already, or not to be: it is suspended, or about to leave.
    func hold() -> Bool {
        standing.withLock {
            guard !$0.isSuspended, !$0.isLeaving, !$0.isHeld else { return false }
            $0.isHeld = true
            child.signal(SIGSTOP)
            return true
        }
    }

    /// Undoes `hold`; a worker that was suspended meanwhile goes on standing.
    func release() {
        standing.withLock {
            guard $0.isHeld else { return }
            $0.isHeld = false
            if !$0.isSuspended { child.signal(SIGCONT) }
        }
    }

    /// Whether it wants to run: it is neither suspended, nor leaving, nor gone.
    public var isComputing: Bool {
        standing.withLock { !$0.isSuspended && !$0.isLeaving } && child.exit == nil
    }

    /// How it ended, or nil while it lives.
    public func poll() -> WorkerExit? { ended.withLock { $0 } }

    /// Blocks until the worker has ended.
    @discardableResult
    public func wait() -> WorkerExit {
        child.reap()
        while true {
            if let exit = poll() { return exit }
            usleep(2000)
        }
    }

    /// What the worker last said of itself; nil before its first word or when the file is damaged.
    public func progress() -> WireRunProgress? { WorkerRun.progress(in: directory) }

    /// The progress that a run left in a folder.
    public static func progress(in directory: String) -> WireRunProgress? {
        guard let bytes = try? Files.read("\(directory)/\(RunFolder.progress)", limit: 64 * 1024) else { return nil }
        return try? WireRunProgress(serializedBytes: bytes)
    }

    /// CPU seconds that the living worker and what it has started have used, from `/proc`; nil when it is gone.
    public func cpuSeconds() -> Double? { ProcessTree.cpuSeconds(of: pid) }

    /// Copies the worker's output into the log until it ends, then collects it.
    private func attend(errors: Int32, log: Int32, onExit: (@Sendable (WorkerExit) -> Void)?) {
        let words = OutputCollector(source: errors, log: log, logBytesMax: Limits.workerLogBytesMax)
        words.collect(untilEndOf: pid)
        let exit = WorkerExit(exit: child.reap(), lastWords: words.lastWords)
        close(errors)
        close(log)
        close(lifeline)
        ended.withLock { $0 = exit }
        onExit?(exit)
    }
}
