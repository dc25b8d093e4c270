import Domain
import Glibc
import Synchronization
import Wire
import WorkerHost

/// Something that can do jobs of the server: a worker child, or a test.
public protocol JobPerformer: Sendable {
    func perform(_ job: WireWorkerJob, timeoutSeconds: Double) throws(Fault) -> WireWorkerReply
    /// Puts an answer together. - Parameter units: the next page; empty: there are no more.
    func assemble(
        _ job: WireWorkerJob, timeoutSeconds: Double, units: () throws(Fault) -> [WireAssembleUnit]
    ) throws(Fault) -> WireWorkerReply
    /// Ends at once whatever runs.
    func abandon()
}

extension JobPerformer {
    /// All pages at once, for those that are no processes.
    public func assemble(
        _ job: WireWorkerJob, timeoutSeconds: Double, units: () throws(Fault) -> [WireAssembleUnit]
    ) throws(Fault) -> WireWorkerReply {
        var job = job
        while true {
            let page = try units()
            if page.isEmpty { return try perform(job, timeoutSeconds: timeoutSeconds) }
            job.assemble.units += page
        }
    }
}

/// A `millrace-worker serve` child that can be ended while it works.
public final class ChildPerformer: JobPerformer {
    private let servant: WorkerServant
    private let pid = Mutex<pid_t?>(nil)

    public init(executable: String) {
        servant = WorkerServant(executable: executable)
    }

    public func perform(_ job: WireWorkerJob, timeoutSeconds: Double) throws(Fault) -> WireWorkerReply {
        try start()
        defer { pid.withLock { $0 = nil } }
        return try servant.perform(job, timeoutSeconds: timeoutSeconds)
    }

    public func assemble(
        _ job: WireWorkerJob, timeoutSeconds: Double, units: () throws(Fault) -> [WireAssembleUnit]
    ) throws(Fault) -> WireWorkerReply {
        try start()
        defer { pid.withLock { $0 = nil } }
        return try servant.assemble(job, timeoutSeconds: timeoutSeconds, units: units)
    }

    private func start() throws(Fault) {
        if servant.pid == nil {
            // Starts the child, so that its number is known before a job that may take long.
            var describe = WireWorkerJob()
            describe.describe = WireDescribeJob()
            _ = try servant.perform(describe, timeoutSeconds: 60)
        }
        let running = servant.pid
        pid.withLock { $0 = running }
    }

    public func abandon() {
        // A busy child is killed, which makes `perform` return; an idle one is stopped in order.
        let busy = pid.withLock { pid in
            if let pid { kill(pid, SIGKILL) }
            return pid != nil
        }
        if !busy { servant.stop() }
    }
}

/// Threads that do jobs, one performer each.
final class JobPool: Sendable {
    private let queue = BlockingQueue<@Sendable (any JobPerformer) -> Void>()
    private let performers: [any JobPerformer]
    private let ended: [WakeUp]

    init(_ performers: [any JobPerformer]) {
        self.performers = performers
        ended = performers.map { _ in WakeUp() }
        for (performer, ended) in zip(performers, ended) {
            BlockingThread.start("millrace-jobs") { [queue] in
                while let job = queue.take(limit: 1).first { job(performer) }
                ended.signal()
            }
        }
    }

    func put(_ job: @escaping @Sendable (any JobPerformer) -> Void) { queue.put(job) }

    /// Drops what waits and ends what runs; the store still asks for all of it at the next start.
    func stop() {
        queue.closeAndDrop()
        for performer in performers { performer.abandon() }
        for ended in ended { ended.wait(seconds: 10) }
    }
}
