import Domain
import Storage

/// What a transaction has read of tables that it writes at once: as they are stored, and forgotten with anything that is
/// undone.
struct AsideRows {
    /// Few.
    var batches: [BatchID: BatchRecord] = [:]
    var openBatches: [BatchID]?
    /// Ledger entries that are written, by the unit of their task.
    var entries: [WorkUnitID: [LedgerEntry]] = [:]
    var memberships: [VolunteerID: [Membership]] = [:]
    /// Hosts and apps that have no record of trust.
    var withoutTrust: Set<TrustKey> = []

    private static let rowsMax = 65_536

    mutating func forgetBatches() {
        batches.removeAll()
        openBatches = nil
    }

    mutating func forget() { self = AsideRows() }

    /// Keeps memory bounded.
    mutating func trim() {
        if entries.count > AsideRows.rowsMax { entries.removeAll() }
        if memberships.count > AsideRows.rowsMax { memberships.removeAll() }
        if withoutTrust.count > AsideRows.rowsMax { withoutTrust.removeAll() }
    }
}

/// A host and an app, without its version.
struct TrustKey: Hashable, Sendable {
    var host: HostID
    var app: String
}
