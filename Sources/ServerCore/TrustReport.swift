import Domain
import Engine
import Storage
import Wire

extension ProjectServer {
    /// What checked results say of each host and app, and what follows from it, in words: those with most evidence of
    /// faults first.
    /// - Parameter host: only this one; nil: all.
    public func trustReport(
        host: HostID?, in tx: any StoreTransaction, now: Timestamp
    ) throws -> WireTrustReport {
        var report = WireTrustReport()
        report.evidenceMin = Trust.evidenceMin
        report.halfLifeDays = Trust.halfLife.seconds / 86_400
        for record in try tx.trustRecords() where host == nil || record.host == host {
            var row = WireTrustRow()
            row.hostID = UInt64(record.host.rawValue)
            if let owner = try tx.host(record.host) {
                row.hostName = owner.profile.name
                row.volunteerName = try tx.volunteer(owner.volunteer)?.name ?? ""
            }
            row.app = record.app
            row.windowMax = UInt64(Trust.windowMax(record, now: now))
            row.streak = UInt64(record.streak)
            row.evidence = Trust.evidence(record, now: now)
            row.passed = UInt64(record.passed)
            row.failed = UInt64(record.failed)
            row.lastFailedMs = UInt64(max(0, record.lastFailedAt?.milliseconds ?? 0))
            row.results = UInt64(record.lastSequence)
            let standing = try tx.standingSeries(of: record.host, app: record.app, through: .max, limit: 100_000)
            row.standing = UInt64(standing.count)
            row.failureRateMin = Trust.failureRateMin(record)
            row.explanation = explanation(row, needed: Trust.evidenceNeeded(record))
            report.hosts.append(row)
        }
        // The rows come in order of host and app, and stay so among equals.
        report.hosts.sort { a, b in
            (b.failureRateMin, b.failed, a.hostID, a.app) < (a.failureRateMin, a.failed, b.hostID, b.app)
        }
        return report
    }

    private func explanation(_ row: WireTrustRow, needed: Double) -> String {
        let history =
            row.failed == 0
            ? "\(row.passed) checked results passed and none failed"
            : "\(row.passed) checked results passed and \(row.failed) failed, \(row.streak) passed since"
        if row.windowMax > 0 {
            return "\(history): single results may stand in projects with a window of at most \(row.windowMax)"
        }
        if row.streak == 0 { return "\(history): every result is computed a second time" }
        let counted = (row.evidence * 10).rounded(.down) / 10
        return "\(history); weighted by age they count \(counted), less than the \(needed) that are needed: "
            + "every result is computed a second time"
    }
}
