import CPosix
import Domain
import FoundationEssentials
import Glibc
import SwiftProtobuf
import Synchronization
import Wire

/// One `millrace-worker serve` child that answers jobs one after the other.
///
/// It is started by the first job, and again after a crash or a time-out: the job that met it is answered by a `Fault`,
/// the next one finds a fresh child. Calls block; they are serialised by a lock, so a pool uses several servants.
public final class WorkerServant: Sendable {
    private let executable: String
    private let child = Mutex<ServantChild?>(nil)
    private let numbers = Atomic<UInt64>(1)

    /// - Parameter executable: the path of millrace-worker; see `WorkerLocator`.
    public init(executable: String) {
        self.executable = executable
    }

    deinit {
        stop()
    }

    /// Sends the job and waits for its reply.
    ///
    /// - Parameter job: its number is filled in here.
    /// - Returns: the reply; a job that the app refused is a reply with `failure`, see `WireWorkerFailure.fault`.
    /// - Throws: `.software` when the child crashed (the signal is named), ran beyond `timeoutSeconds`, or answered
    ///   nonsense; `.noInput` and `.osError` when it cannot be started.
    public func perform(_ job: WireWorkerJob, timeoutSeconds: Double) throws(Fault) -> WireWorkerReply {
        var job = job
        job.number = numbers.wrappingAdd(1, ordering: .relaxed).oldValue
        let request: [UInt8]
        do { request = try job.serializedBytes() } catch { throw Fault(.software, "a job cannot be encoded: \(error)") }
        let deadline = millrace_monotonic_seconds() + timeoutSeconds
        let answer = child.withLock { (child) -> Result<[UInt8], Fault> in
            do throws(Fault) {
                let running: ServantChild
                if let there = child {
                    running = there
                } else {
                    running = try ServantChild(executable: executable)
                    child = running
                }
                return .success(try running.exchange(request, deadline: deadline))
            } catch {
                child?.end()
                child = nil
                return .failure(error)
            }
        }
        let bytes: [UInt8]
        switch answer {
        case .success(let reply): bytes = reply
        case .failure(let fault):
            throw Fault(fault.kind, "\(Self.name(of: job)): \(fault.message)", advice: fault.advice)
        }
        let reply: WireWorkerReply
        do {
            reply = try StrictDecode.message(WireWorkerReply.self, from: bytes, limit: Limits.workerReplyBytesMax)
        } catch {
            stop()
            throw Fault(.software, "\(Self.name(of: job)): millrace-worker answered nonsense: \(error)")
        }
        guard reply.number == job.number, reply.reply != nil else {
            stop()
            throw Fault(.software, "\(Self.name(of: job)): millrace-worker answered another job")
        }
        return reply
    }

    /// Ends the child, if there is one; the next job starts another.
    public func stop() {
        child.withLock {
            $0?.end()
            $0 = nil
        }
    }

    /// The child's process number, for tests and for measuring; nil while there is none.
    public var pid: pid_t? { child.withLock { $0?.pid } }

    private static func name(of job: WireWorkerJob) -> String {
        switch job.job {
        case .describe: "listing the apps"
        case .split: "splitting"
        case .check(let check): "checking task \(check.result.taskID)"
        case .compare(let compare): "comparing \(compare.results.count) results"
        case .assemble(let assemble): "assembling \(assemble.units.count) results"
        case nil: "an empty job"
        }
    }
}

extension WireWorkerFailure {
    /// The failure as the rest of the program knows it.
    public var fault: Fault {
        Fault(FaultKind(rawValue: kind) ?? .software, message, advice: advice.isEmpty ? nil : advice)
    }
}
