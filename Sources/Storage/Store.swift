import Domain

/// The server's memory: batches, units, tasks, hosts, ledger.
///
/// Contract, held by the conformance suite for every implementation:
/// - A transaction happens whole or not at all. When `body` throws, nothing of it is kept and the error is rethrown.
/// - When `transaction` returns, its changes survive the death of the process and of the machine.
/// - Calls come from one thread at a time; the owner (the server's writer thread) sees to that.
/// - Inside a transaction, reads see the writes made before them.
/// - Who is named must exist: the batch of a unit, the volunteer of a host, host and volunteer of an assignment, the
///   host of a ledger account. Otherwise `StoreError.missing`.
/// - A call that throws `duplicate`, `conflict` or `missing` changed nothing, and the transaction may go on. After `io`
///   or `corrupt` the transaction is lost: every further call in it throws the same, and so does its end.
/// - Only `uncertain` leaves open whether the transaction happened; the next one sees it.
/// - A transaction inside a transaction is refused with `StoreError.conflict`; `savepoint` is for that.
public protocol Store: AnyObject {
    func transaction<T>(_ body: (any StoreTransaction) throws -> T) throws -> T
}

/// A store whose transactions can be looked at before the disk has them, so that the next one need not wait for the
/// disk.
public protocol DeferringStore: Store {
    /// As `transaction`, but a machine that dies right afterwards may have forgotten it, and all that followed it:
    /// nobody outside may learn of it before `durability.wait` has returned.
    func transactionDeferred<T>(_ body: (any StoreTransaction) throws -> T) throws -> T

    var durability: any StoreDurability { get }
}

/// Where to wait until the disk has what was committed. From any thread, one at a time.
public protocol StoreDurability: Sendable {
    /// Everything that was committed before the call is durable when it returns.
    ///
    /// - Throws: `StoreError.uncertain` when the disk does not confirm it. Nobody knows then what the disk has of
    ///   anything since the last time, and asking again would not tell (the kernel reports a lost page once): it throws
    ///   from then on.
    func wait() throws
}

/// What can be read and written inside one transaction.
///
/// Valid until the body that received it returns.
public protocol StoreTransaction: BatchTable, WorkUnitTable, HostTable, TrustTable, LedgerTable, LogTable, TeamTable,
    CreditDayTable, LinkTable, VolunteerReading
{
    /// A part of the transaction that is undone alone when `body` throws; the error is rethrown.
    ///
    /// The writer runs many requests in one transaction (group commit), each in a savepoint of its own, and answers
    /// when the transaction has returned. Savepoints nest.
    func savepoint<T>(_ body: (any StoreTransaction) throws -> T) throws -> T

    /// Hands the database what is still only in memory, which the end of the transaction would do otherwise. Changes
    /// nothing; only outside of savepoints, for who has something to wait for meanwhile.
    func settle() throws
}

extension StoreTransaction {
    public func settle() throws {}
}

public protocol BatchTable {
    /// Gives the batch the next number, from 1.
    func insertBatch(_ make: (BatchID) -> BatchRecord) throws -> BatchRecord
    func batch(_ id: BatchID) throws -> BatchRecord?
    /// All batches, newest first.
    func batches() throws -> [BatchRecord]
    /// The number of the newest batch; nil while there is none. All numbers below it are taken.
    func newestBatch() throws -> BatchID?
    /// Batches in `.running` or `.assembling`, oldest first.
    func openBatches() throws -> [BatchRecord]
    func updateBatch(_ batch: BatchRecord) throws
}

extension BatchTable {
    /// The numbers of the newest batches, newest first: costs the same however many there are.
    public func newestBatches(limit: Int) throws -> [BatchID] {
        guard limit > 0, let newest = try newestBatch()?.rawValue else { return [] }
        return (max(1, newest - Int64(limit) + 1)...newest).reversed().map { BatchID(rawValue: $0) }
    }
}

public protocol WorkUnitTable {
    /// All or none of them.
    /// - Throws: `StoreError.duplicate` when a unit's number is taken.
    func insertWorkUnits(_ units: [WorkUnitAggregate]) throws
    func workUnit(_ id: WorkUnitID) throws -> WorkUnitAggregate?
    /// Saves unit and tasks whole; tasks may have been added, never removed.
    /// - Parameter aggregate: its `unit.revision` must be the stored one; the stored one becomes that plus 1.
    /// - Throws: `StoreError.conflict` otherwise.
    func saveWorkUnit(_ aggregate: WorkUnitAggregate) throws
    /// Removes the first units of a batch with their tasks, for good: at most `limit`. What they earned stays in the
    /// ledger, and the batch says how many there were.
    /// - Returns: how many were removed.
    /// - Throws: `StoreError.conflict` for a unit that has not ended, or a task that is out or waits for its verdict.
    func removeWorkUnits(of batch: BatchID, limit: Int) throws -> Int
    /// Units of a batch in order of index, a page at a time.
    func workUnits(of batch: BatchID, fromIndex: Int64, limit: Int) throws -> [WorkUnitAggregate]
    /// Unsent tasks in order of task number, of units that hold no task of `volunteer` in any state.
    /// - Parameter after: goes on behind this task, so that a scheduler can pass tasks that do not suit a host.
    func unsentTasks(notOf volunteer: VolunteerID, after: TaskID?, limit: Int) throws -> [SchedulableTask]
    /// The numbers of the next unsent tasks, without the first `skipping` of them, whoever has had tasks of their
    /// units: no unit is read for it.
    func unsentNumbers(after: TaskID, skipping: Int, limit: Int) throws -> [TaskID]
    /// An unsent task; nil when it is none, or `volunteer` holds a task of its unit in any state.
    func unsentTask(_ id: TaskID, notOf volunteer: VolunteerID) throws -> SchedulableTask?
    /// Tasks in state sent whose deadline is before `now`, earliest first.
    func overdueTasks(before now: Timestamp, limit: Int) throws -> [TaskID]
    /// Tasks in state sent at this host, in order of task number.
    func sentTasks(of host: HostID) throws -> [SchedulableTask]
    /// The validator's work list in order of number, which is oldest first: units in state comparing, open units with a
    /// task whose check is pending, and validated or assembled ones with a task that came late and is undecided
    /// (`WorkUnitAggregate.awaitsValidation`).
    func unitsAwaitingValidation(limit: Int) throws -> [WorkUnitID]
    /// How many there are.
    func unitsAwaitingValidationCount() throws -> Int
    /// Units of a batch by state, and tasks out and done. Costs the same for any size of the batch.
    func counts(of batch: BatchID) throws -> BatchCounts
    /// Batches, in any state, with a unit that has not ended, in order of number.
    func batchesWithOpenUnits() throws -> [BatchID]
    /// Hosts with tasks of a batch that are out.
    func activeHostCount(of batch: BatchID) throws -> Int
}

extension WorkUnitTable {
    /// The numbers of the next unsent tasks.
    public func unsentNumbers(after: TaskID, limit: Int) throws -> [TaskID] {
        try unsentNumbers(after: after, skipping: 0, limit: limit)
    }

    /// The first unsent tasks; see `unsentTasks(notOf:after:limit:)`.
    public func unsentTasks(notOf volunteer: VolunteerID, limit: Int) throws -> [SchedulableTask] {
        try unsentTasks(notOf: volunteer, after: nil, limit: limit)
    }
}

public protocol HostTable {
    func volunteer(_ id: VolunteerID) throws -> VolunteerRecord?
    /// Gives the volunteer the next number, from 1.
    func insertVolunteer(_ make: (VolunteerID) -> VolunteerRecord) throws -> VolunteerRecord
    func updateVolunteer(_ volunteer: VolunteerRecord) throws
    /// All volunteers in order of number.
    func volunteers() throws -> [VolunteerRecord]
    func host(_ id: HostID) throws -> HostRecord?
    func host(publicKey: [UInt8]) throws -> HostRecord?
    /// Gives the host the next number, from 1.
    func insertHost(_ make: (HostID) -> HostRecord) throws -> HostRecord
    func updateHost(_ host: HostRecord) throws
    /// All hosts in order of number.
    func hosts() throws -> [HostRecord]
    /// The hosts of a volunteer in order of number.
    func hosts(of volunteer: VolunteerID) throws -> [HostRecord]
    /// Tasks in state sent, by host.
    func inProgressCounts() throws -> [HostID: Int]
}

public protocol TrustTable {
    func trust(of host: HostID, app: String) throws -> TrustRecord?
    /// Inserts, or takes the place of the record of the same host and app.
    func saveTrust(_ record: TrustRecord) throws
    /// In order of host and app.
    func trustRecords() throws -> [TrustRecord]
    /// - Throws: `StoreError.duplicate` when the task, or the place in the series, is taken.
    func insertSeriesEntry(_ entry: SeriesEntry) throws
    func seriesEntry(for task: TaskID) throws -> SeriesEntry?
    /// Only the state changes. - Throws: `StoreError.conflict` otherwise.
    func updateSeriesEntry(_ entry: SeriesEntry) throws
    /// Entries whose result stands, in order of sequence, from the first to `through`.
    func standingSeries(of host: HostID, app: String, through: Int64, limit: Int) throws -> [SeriesEntry]
    /// The lowest sequence that waits for a second result; nil: none does.
    func firstChecking(of host: HostID, app: String) throws -> Int64?
    /// Entries of a batch whose result stands, in order of task number, behind `after`.
    func standingSeries(in batch: BatchID, after: TaskID?, limit: Int) throws -> [SeriesEntry]
}

public protocol LedgerTable {
    /// Appends and numbers, and counts what hosts receive for good in `CreditDayTable`.
    /// - Throws: `StoreError.duplicate` when the task already has an entry of this kind.
    func appendLedger(_ entry: LedgerEntry) throws -> LedgerEntry
    /// The entries of a task in order of number: at most one of each kind.
    func ledgerEntries(for task: TaskID) throws -> [LedgerEntry]
    /// Entries from `number` on, a page at a time.
    func ledger(fromNumber number: Int64, limit: Int) throws -> [LedgerEntry]
    func ledgerSummary() throws -> LedgerSummary
    /// The sum of the entries of one account, credits minus debits.
    func balance(of account: Account) throws -> Credit
}

/// The leaves of the public log, in the transaction of what they tell. Nothing is ever changed or removed.
public protocol LogTable {
    /// - Returns: the leaf's index, from 0 without gaps.
    func appendLogLeaf(_ leaf: [UInt8]) throws -> Int64
    func logLeafCount() throws -> Int64
    /// Leaves in order of index.
    func logLeaves(from index: Int64, limit: Int) throws -> [[UInt8]]
    /// What the publisher has kept; nil before the first publication.
    func logEdge() throws -> [UInt8]?
    func saveLogEdge(_ edge: [UInt8]) throws
}

/// An unsent or sent task with what the scheduler must know of its unit.
public struct SchedulableTask: Hashable, Sendable {
    public var id: TaskID
    public var app: String
    public var flops: Double
    public var flopsBound: Double
    public var memoryBytes: Int64
    public var diskBytes: Int64
    public var outputBytesMax: Int64
    public var deadlineSpan: TimeSpan
    public var container: Digest
    public var containerBytes: Int64
    /// When it was sent and is due; nil while unsent.
    public var assignment: Assignment?
    /// Whether a task of its unit was ever sent.
    public var isBegun: Bool

    public init(
        id: TaskID, app: String, flops: Double, flopsBound: Double, memoryBytes: Int64, diskBytes: Int64,
        outputBytesMax: Int64, deadlineSpan: TimeSpan, container: Digest, containerBytes: Int64,
        assignment: Assignment?, isBegun: Bool
    ) {
        self.isBegun = isBegun
        self.id = id
        self.app = app
        self.flops = flops
        self.flopsBound = flopsBound
        self.memoryBytes = memoryBytes
        self.diskBytes = diskBytes
        self.outputBytesMax = outputBytesMax
        self.deadlineSpan = deadlineSpan
        self.container = container
        self.containerBytes = containerBytes
        self.assignment = assignment
    }
}

/// How a batch stands.
public struct BatchCounts: Hashable, Sendable {
    public var ready: Int64 = 0
    public var active: Int64 = 0
    public var comparing: Int64 = 0
    /// Units whose single result stands until its window has passed.
    public var provisional: Int64 = 0
    public var validated: Int64 = 0
    /// Units in state assembled or purged.
    public var assembled: Int64 = 0
    public var failed: Int64 = 0
    public var cancelled: Int64 = 0
    public var tasksOut: Int64 = 0
    /// Tasks in state reported, decided or failed.
    public var tasksDone: Int64 = 0

    public init() {}
    public var total: Int64 { open + ended }
    public var open: Int64 { ready + active + comparing + provisional }
    public var ended: Int64 { validated + assembled + failed + cancelled }
}

public struct LedgerSummary: Hashable, Sendable {
    public var entries: Int64
    /// What all hosts received by the ledger.
    public var granted: Credit
    /// What all hosts have provisionally by the ledger.
    public var provisional: Credit
    /// What all host rows add up to; equal to `granted`, always.
    public var hostsTotal: Credit
    /// What all host rows have provisionally; equal to `provisional`, always.
    public var hostsProvisional: Credit
    /// What all volunteer rows add up to; equal to `granted`, always.
    public var volunteersTotal: Credit

    public init(
        entries: Int64, granted: Credit, provisional: Credit, hostsTotal: Credit, hostsProvisional: Credit,
        volunteersTotal: Credit
    ) {
        self.entries = entries
        self.granted = granted
        self.provisional = provisional
        self.hostsTotal = hostsTotal
        self.hostsProvisional = hostsProvisional
        self.volunteersTotal = volunteersTotal
    }
}

/// Failures of a store.
public enum StoreError: Error, Hashable, Sendable {
    /// A key is taken.
    case duplicate(String)
    /// The revision is not the stored one.
    case conflict(String)
    case missing(String)
    /// The data directory was written by a newer version.
    case newerSchema(found: Int, known: Int)
    /// Another process holds it.
    case locked(String)
    /// No space, or the database refuses: the text names file and error. The state is as before the transaction.
    case io(String)
    /// The file is not what was written; nothing more may be done with it.
    case corrupt(String)
    /// Whether the transaction happened is not known: the database was lost at its end, and nobody answers. Never
    /// thrown inside of a transaction.
    case uncertain(String)
}
