import Domain

/// Codes with which further hosts join a volunteer.
public protocol LinkTable {
    /// - Throws: `StoreError.duplicate` when there is one of this digest.
    func insertLinkCode(_ code: LinkCodeRecord) throws
    func linkCode(_ digest: Digest) throws -> LinkCodeRecord?
    /// Only the end and the use change. - Throws: `StoreError.conflict` otherwise.
    func updateLinkCode(_ code: LinkCodeRecord) throws
    /// A volunteer's codes in order of time, and then of digest.
    func linkCodes(of volunteer: VolunteerID) throws -> [LinkCodeRecord]
    /// Removes a volunteer's codes that were made before a moment; nil: all of them.
    func removeLinkCodes(of volunteer: VolunteerID, before moment: Timestamp?) throws
}

/// What one volunteer has, among the rows of all: for an export, a bounded look at a time, since no index by volunteer
/// is worth its price in every call.
public protocol VolunteerReading {
    /// A volunteer's tasks, in order of number, among those of the next `look` work units. By units, because where a
    /// look ends must not tell how many tasks others have of a unit.
    func tasks(of volunteer: VolunteerID, after: WorkUnitID?, look: Int) throws -> Looked<TaskRecord, WorkUnitID>
    /// Entries of a volunteer's hosts, final and provisional, among the next `look` entries of the ledger.
    /// - Parameter after: 0 for the beginning.
    func ledger(of volunteer: VolunteerID, after number: Int64, look: Int) throws -> Looked<LedgerEntry, Int64>
}

/// What a bounded look has found.
public struct Looked<Row: Sendable, Place: Sendable>: Sendable {
    public var rows: [Row]
    /// The last place that was looked at: the next look goes on behind it. Nil: there is nothing behind it.
    public var last: Place?

    public init(rows: [Row], last: Place?) {
        self.rows = rows
        self.last = last
    }
}
