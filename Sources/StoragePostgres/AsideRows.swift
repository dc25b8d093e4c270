import Domain
import Storage

/// What a transaction has read of tables that it writes at once: as they are stored, and forgotten with anything that
/// is undone.
struct AsideRows {
    /// Few.
    var batches: [BatchID: BatchRecord] = [:]
    var openBatches: [BatchID]?
    /// Ledger entries that are written, by the unit of their task.
    var entries = Recent<WorkUnitID, [LedgerEntry]>(max: 32_768)
    /// Units of whose tasks none is in a series.
    var withoutSeries = Recent<WorkUnitID, Bool>(max: 32_768)
    var memberships = Recent<VolunteerID, [Membership]>(max: 32_768)
    /// Hosts and apps that have no record of trust.
    var withoutTrust = Recent<TrustKey, Bool>(max: 32_768)

    mutating func forgetBatches() {
        batches.removeAll()
        openBatches = nil
    }

    mutating func forget() { self = AsideRows() }
}

/// A host and an app, without its version.
struct TrustKey: Hashable, Comparable, Sendable {
    var host: HostID
    var app: String

    static func < (a: TrustKey, b: TrustKey) -> Bool { (a.host, a.app) < (b.host, b.app) }
}
