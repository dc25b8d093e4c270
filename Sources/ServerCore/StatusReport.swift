import Bytes
import Domain
import Storage
import Wire

extension ProjectServer {
    /// How a batch stands, as the wire says it. - Parameter files: the names in the results folder, in order.
    public func status(
        of batch: BatchRecord, rate: BatchRate, files: [String], in tx: any StoreTransaction
    ) throws -> WireBatchStatus {
        let counts = try tx.counts(of: batch.id)
        var status = WireBatchStatus()
        status.batchID = UInt64(batch.id.rawValue)
        status.project = batch.project
        status.title = batch.title
        status.app = batch.app
        status.state = batch.state.word
        status.reason = batch.state.reason
        status.unitsTotal = UInt64(batch.workUnitCount)
        status.splitFinished = batch.splitFinished
        status.unitsReady = UInt64(counts.ready)
        status.unitsActive = UInt64(counts.active)
        status.unitsComparing = UInt64(counts.comparing)
        status.unitsProvisional = UInt64(counts.provisional)
        status.unitsValidated = UInt64(counts.validated + counts.assembled)
        // A batch whose units lie in an archive: all of a finished one had gone into its answer.
        if case .finished = batch.state, counts.ended == 0 { status.unitsValidated = UInt64(batch.workUnitCount) }
        status.unitsFailed = UInt64(counts.failed)
        status.unitsCancelled = UInt64(counts.cancelled)
        status.tasksOut = UInt64(counts.tasksOut)
        status.tasksDone = UInt64(counts.tasksDone)
        status.createdMs = UInt64(max(0, batch.createdAt.milliseconds))
        status.finishedMs = UInt64(max(0, batch.finishedAt?.milliseconds ?? 0))
        status.hostsActive = UInt64(try tx.activeHostCount(of: batch.id))
        if case .finished = batch.state { status.resultFiles = files }
        if case .running = batch.state {
            status.unitsPerSecond = rate.unitsPerSecond
            let left = Double(batch.workUnitCount - counts.ended)
            if rate.unitsPerSecond > 0 && batch.splitFinished { status.etaSeconds = left / rate.unitsPerSecond }
        }
        return status
    }

    /// Pages and figures for everybody tell of the newest batches, so that a site with a long past answers as fast.
    public static let batchesShown = 200

    /// Who the site is and what it computes, for clients and for the first page.
    public func projectInfo(in tx: any StoreTransaction, now: Timestamp) throws -> WireProjectInfo {
        var info = WireProjectInfo()
        info.protocolVersion = 1
        info.site = settings.site
        info.publicKey = .init(field: keys.project.publicKey.rawRepresentation)
        info.serverTimeMs = UInt64(max(0, now.milliseconds))
        var seen: Set<String> = []
        for id in try tx.newestBatches(limit: ProjectServer.batchesShown) where seen.count < 100 {
            guard let batch = try tx.batch(id), seen.insert(batch.project).inserted else { continue }
            var summary = WireProjectSummary()
            summary.name = batch.project
            summary.title = batch.title
            summary.app = batch.app
            if let spec = try? spec(batch.manifest) {
                summary.description_p = spec.description
                summary.scienceArea = spec.scienceArea
                summary.licence = spec.licence
            }
            info.projects.append(summary)
        }
        return info
    }
}

/// How fast the units of a batch end: the slope over the last minutes.
public struct BatchRate: Hashable, Sendable {
    private var samples: [Sample] = []

    private struct Sample: Hashable {
        var at: Timestamp
        var ended: Int64
    }

    private static let window = TimeSpan(seconds: 180)
    private static let spacing = TimeSpan(seconds: 1)

    public init() {}

    /// Takes note of how many units have ended by now. Samples closer than a second to the last are dropped.
    public mutating func note(ended: Int64, at now: Timestamp) {
        if let last = samples.last, now - last.at < BatchRate.spacing { return }
        samples.append(Sample(at: now, ended: ended))
        samples.removeAll { now - $0.at > BatchRate.window }
    }

    /// 0 while unknown.
    public var unitsPerSecond: Double {
        guard let first = samples.first, let last = samples.last, last.at > first.at else { return 0 }
        return Double(last.ended - first.ended) / (last.at - first.at).seconds
    }
}
