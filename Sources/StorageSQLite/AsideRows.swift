import Domain
import Storage

/// What a store has read of tables that are written at once, or that hardly anything is found in: as they are stored,
/// and forgotten with anything that is undone.
struct AsideRows {
    /// Ledger entries that are written, by the unit of their task.
    var entries = Recent<WorkUnitID, [LedgerEntry]>(max: 32_768)
    /// Units of whose tasks none is in a series.
    var withoutSeries = Recent<WorkUnitID, Bool>(max: 32_768)
    var memberships = Recent<VolunteerID, [Membership]>(max: 32_768)

    mutating func forget() { self = AsideRows() }
}
