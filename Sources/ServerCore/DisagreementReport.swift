import Domain
import Engine
import Storage
import Wire

/// What a report on disagreements should cover.
public struct DisagreementQuery: Hashable, Sendable {
    /// Only this batch; nil: all.
    public var batch: BatchID?
    /// Only what concerns this host; nil: all.
    public var host: HostID?
    /// At most so many rows, edges and hosts in the lists; the totals count all.
    public var rowsMax: Int
    public var edgesMax: Int
    public var hostsMax: Int

    public init(
        batch: BatchID? = nil, host: HostID? = nil, rowsMax: Int = 1000, edgesMax: Int = 5000, hostsMax: Int = 10_000
    ) {
        self.batch = batch
        self.host = host
        self.rowsMax = rowsMax
        self.edgesMax = edgesMax
        self.hostsMax = hostsMax
    }
}

/// Some units of a batch, as far as they say something of hosts.
public struct EvidencePage: Sendable {
    public var units: [UnitEvidence] = []
    /// Units that were read, also those without a verdict.
    public var unitsRead = 0
    /// Where the next page begins; nil after the last.
    public var next: Int64?

    public init() {}
}

/// The report is read in pages, each in a transaction of its own, so that a batch of a million units holds nobody up.
/// What is decided between two pages may be in or not.
extension ProjectServer {
    /// The batches that a report must read, newest first. - Throws: `RequestRefusal` for a batch or host that is not
    /// there.
    public func disagreementBatches(
        _ query: DisagreementQuery, in tx: any StoreTransaction
    ) throws -> [BatchID] {
        if let host = query.host, try tx.host(host) == nil {
            throw RequestRefusal(.notFound, "there is no host \(host)")
        }
        guard let batch = query.batch else { return try tx.batches().map(\.id) }
        guard try tx.batch(batch) != nil else { throw RequestRefusal(.notFound, "there is no batch \(batch)") }
        return [batch]
    }

    /// - Parameter limit: units to read.
    public func evidencePage(
        of batch: BatchID, fromIndex: Int64, limit: Int = 500, in tx: any StoreTransaction
    ) throws -> EvidencePage {
        var page = EvidencePage()
        let units = try tx.workUnits(of: batch, fromIndex: fromIndex, limit: limit)
        page.units = units.compactMap(UnitEvidence.init)
        page.unitsRead = units.count
        page.next = units.last.map { $0.unit.id.index + 1 }
        return page
    }

    /// Everything in one transaction; for small stores.
    public func disagreementReport(
        _ query: DisagreementQuery, in tx: any StoreTransaction
    ) throws -> WireDisagreementReport {
        var reading = DisagreementReading(query)
        for batch in try disagreementBatches(query, in: tx) {
            var index: Int64? = 0
            while let from = index {
                let page = try evidencePage(of: batch, fromIndex: from, in: tx)
                reading.add(page)
                index = page.next
            }
        }
        return try named(reading.report(), in: tx)
    }

    /// The report with the names of hosts and volunteers.
    public func named(
        _ report: WireDisagreementReport, in tx: any StoreTransaction
    ) throws -> WireDisagreementReport {
        var report = report
        var names = HostNames()
        for at in report.rows.indices {
            let host = HostID(rawValue: Int64(report.rows[at].hostID))
            (report.rows[at].hostName, report.rows[at].volunteerName) = try names.names(of: host, in: tx)
        }
        for at in report.hosts.indices {
            let host = HostID(rawValue: Int64(report.hosts[at].hostID))
            (report.hosts[at].hostName, report.hosts[at].volunteerName) = try names.names(of: host, in: tx)
        }
        return report
    }
}
