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
    /// Every app of which records of trust were asked for: a project has few.
    var trustApps: Set<String> = []

    mutating func forgetBatches() {
        batches.removeAll()
        openBatches = nil
    }

    /// Rows of trust outlast this, and are found by the apps.
    mutating func forget() {
        let apps = trustApps
        self = AsideRows()
        trustApps = apps
    }
}

/// A host and an app, without its version.
struct TrustKey: Hashable, Comparable, Sendable {
    var host: HostID
    var app: String

    static func < (a: TrustKey, b: TrustKey) -> Bool { (a.host, a.app) < (b.host, b.app) }
}
