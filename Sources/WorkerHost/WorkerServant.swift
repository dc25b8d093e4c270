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
    /// - Throws: `.software` when the child crashed (the signal is named) or answered nonsense; `.interrupted` when it
    ///   ran beyond `timeoutSeconds` or was killed from outside, which says more about this machine than about the job;
    ///   `.noInput` and `.osError` when it cannot be started.
    public func perform(_ job: WireWorkerJob, timeoutSeconds: Double) throws(Fault) -> WireWorkerReply {
        let deadline = millrace_monotonic_seconds() + timeoutSeconds
        return try withChild(job) { (child) throws(Fault) in try exchange(job, &child, deadline: deadline) }
    }

    /// The same for an answer whose units come page by page: each page is a job of its own to the same child, and only
    /// the last, which has no units, says where the files go.
    /// - Parameter units: the next page; empty: there are no more. What it throws ends the answer.
    public func assemble(
        _ job: WireWorkerJob, timeoutSeconds: Double, units: () throws(Fault) -> [WireAssembleUnit]
    ) throws(Fault) -> WireWorkerReply {
        var deadline = millrace_monotonic_seconds() + timeoutSeconds
        return try withChild(job) { (child) throws(Fault) in
            var cpuSeconds = 0.0
            var page = job
            page.assemble.outputPath = ""
            while true {
                // The child's time does not run while its units are fetched, which may be from far away.
                let asked = millrace_monotonic_seconds()
                page.assemble.units = try units()
                deadline += millrace_monotonic_seconds() - asked
                if page.assemble.units.isEmpty { page.assemble.outputPath = job.assemble.outputPath }
                var reply = try exchange(page, &child, deadline: deadline)
                cpuSeconds += reply.cpuSeconds
                reply.cpuSeconds = cpuSeconds
                if page.assemble.units.isEmpty { return reply }
                guard case .failure = reply.reply else { continue }
                // Nothing of a broken answer may stay behind in the child.
                child?.end()
                child = nil
                return reply
            }
        }
    }

    /// The lock is held over all of it: between its pages the child keeps the answer in the making.
    private func withChild(
        _ job: WireWorkerJob, _ body: (inout ServantChild?) throws(Fault) -> WireWorkerReply
    ) throws(Fault) -> WireWorkerReply {
        let answer = child.withLock { (child) -> Result<WireWorkerReply, Fault> in
            do throws(Fault) { return .success(try body(&child)) } catch {
                child?.end()
                child = nil
                return .failure(error)
            }
        }
        switch answer {
        case .success(let reply): return reply
        case .failure(let fault):
            throw Fault(fault.kind, "\(Self.name(of: job)): \(fault.message)", advice: fault.advice)
        }
    }

    private func exchange(
        _ page: WireWorkerJob, _ child: inout ServantChild?, deadline: Double
    ) throws(Fault) -> WireWorkerReply {
        var page = page
        page.number = numbers.wrappingAdd(1, ordering: .relaxed).oldValue
        let request: [UInt8]
        do { request = try page.serializedBytes() } catch {
            throw Fault(.software, "a job cannot be encoded: \(error)")
        }
        let running: ServantChild
        if let there = child {
            running = there
        } else {
            running = try ServantChild(executable: executable)
            child = running
        }
        let bytes = try running.exchange(request, deadline: deadline)
        let reply: WireWorkerReply
        do {
            reply = try StrictDecode.message(WireWorkerReply.self, from: bytes, limit: Limits.workerReplyBytesMax)
        } catch {
            throw Fault(.software, "millrace-worker answered nonsense: \(error)")
        }
        guard reply.number == page.number, reply.reply != nil else {
            throw Fault(.software, "millrace-worker answered another job")
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
        case .assemble: "assembling an answer"
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
