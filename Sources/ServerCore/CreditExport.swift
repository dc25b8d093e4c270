import Domain
import Storage
import Wire

/// What an export of credit asks for.
public struct CreditExportQuery: Hashable, Sendable {
    public var grouping: CreditGrouping
    /// First and last day; nil: unbounded.
    public var from: UTCDay?
    public var to: UTCDay?

    public init(grouping: CreditGrouping, from: UTCDay?, to: UTCDay?) {
        self.grouping = grouping
        self.from = from
        self.to = to
    }
}

extension ProjectServer {
    /// Final credit by volunteer, host, team, project or day, from the sums of days: its total is the ledger's.
    public func creditExport(
        _ query: CreditExportQuery, in tx: any StoreTransaction, now: Timestamp
    ) throws -> WireCreditExport {
        var export = WireCreditExport()
        export.by = query.grouping.rawValue
        export.from = query.from?.description ?? ""
        export.to = query.to?.description ?? ""
        var total = Credit.zero
        for sum in try tx.creditSums(by: query.grouping, from: query.from ?? .first, through: query.to ?? .last) {
            var row = WireCreditExportRow()
            row.microcobblestones = sum.amount.microcobblestones
            total = total + sum.amount
            switch sum.key {
            case .volunteer(let id):
                row.id = UInt64(id.rawValue)
                guard let volunteer = try tx.volunteer(id) else { break }
                row.name = volunteer.name
                row.recentAverage = volunteer.recent.perDay(now: now)
            case .host(let id):
                row.id = UInt64(id.rawValue)
                guard let host = try tx.host(id) else { break }
                row.name = host.profile.name
                row.volunteerID = UInt64(host.volunteer.rawValue)
                row.recentAverage = host.recent.perDay(now: now)
            case .team(let id):
                guard let id, let team = try tx.team(id) else { break }
                row.id = UInt64(id.rawValue)
                row.name = team.name
                row.recentAverage = team.recent.perDay(now: now)
            case .project(let name): row.name = name
            case .day(let day): row.name = "\(day)"
            }
            export.rows.append(row)
        }
        export.totalMicrocobblestones = total.microcobblestones
        return export
    }
}
