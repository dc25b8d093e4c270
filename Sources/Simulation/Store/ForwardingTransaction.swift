import Domain
import Storage

/// A transaction that hands every call on. What watches or disturbs the store overrides what it is about; a call that
/// is added to the contract is added here, and nowhere else.
class ForwardingTransaction: StoreTransaction {
    var base: any StoreTransaction

    init(_ base: any StoreTransaction) {
        self.base = base
    }

    func savepoint<T>(_ body: (any StoreTransaction) throws -> T) throws -> T {
        let outer = base
        defer { base = outer }
        return try outer.savepoint { inner in
            base = inner
            return try body(self)
        }
    }

    // MARK: Batches

    func insertBatch(_ make: (BatchID) -> BatchRecord) throws -> BatchRecord { try base.insertBatch(make) }
    func batch(_ id: BatchID) throws -> BatchRecord? { try base.batch(id) }
    func batches() throws -> [BatchRecord] { try base.batches() }
    func newestBatch() throws -> BatchID? { try base.newestBatch() }
    func openBatches() throws -> [BatchRecord] { try base.openBatches() }
    func updateBatch(_ batch: BatchRecord) throws { try base.updateBatch(batch) }

    // MARK: Work units

    func insertWorkUnits(_ units: [WorkUnitAggregate]) throws { try base.insertWorkUnits(units) }
    func workUnit(_ id: WorkUnitID) throws -> WorkUnitAggregate? { try base.workUnit(id) }
    func saveWorkUnit(_ aggregate: WorkUnitAggregate) throws { try base.saveWorkUnit(aggregate) }
    func removeWorkUnits(of batch: BatchID, limit: Int) throws -> Int {
        try base.removeWorkUnits(of: batch, limit: limit)
    }
    func workUnits(of batch: BatchID, fromIndex: Int64, limit: Int) throws -> [WorkUnitAggregate] {
        try base.workUnits(of: batch, fromIndex: fromIndex, limit: limit)
    }
    func unsentTasks(notOf volunteer: VolunteerID, after: TaskID?, limit: Int) throws -> [SchedulableTask] {
        try base.unsentTasks(notOf: volunteer, after: after, limit: limit)
    }
    func unsentNumbers(after: TaskID, skipping: Int, limit: Int) throws -> [TaskID] {
        try base.unsentNumbers(after: after, skipping: skipping, limit: limit)
    }
    func unsentTask(_ id: TaskID, notOf volunteer: VolunteerID) throws -> SchedulableTask? {
        try base.unsentTask(id, notOf: volunteer)
    }
    func overdueTasks(before now: Timestamp, limit: Int) throws -> [TaskID] {
        try base.overdueTasks(before: now, limit: limit)
    }
    func sentTasks(of host: HostID) throws -> [SchedulableTask] { try base.sentTasks(of: host) }
    func unitsAwaitingValidation(limit: Int) throws -> [WorkUnitID] { try base.unitsAwaitingValidation(limit: limit) }
    func unitsAwaitingValidationCount() throws -> Int { try base.unitsAwaitingValidationCount() }
    func counts(of batch: BatchID) throws -> BatchCounts { try base.counts(of: batch) }
    func batchesWithOpenUnits() throws -> [BatchID] { try base.batchesWithOpenUnits() }
    func activeHostCount(of batch: BatchID) throws -> Int { try base.activeHostCount(of: batch) }

    // MARK: Hosts

    func volunteer(_ id: VolunteerID) throws -> VolunteerRecord? { try base.volunteer(id) }
    func insertVolunteer(_ make: (VolunteerID) -> VolunteerRecord) throws -> VolunteerRecord {
        try base.insertVolunteer(make)
    }
    func updateVolunteer(_ volunteer: VolunteerRecord) throws { try base.updateVolunteer(volunteer) }
    func host(_ id: HostID) throws -> HostRecord? { try base.host(id) }
    func host(publicKey: [UInt8]) throws -> HostRecord? { try base.host(publicKey: publicKey) }
    func insertHost(_ make: (HostID) -> HostRecord) throws -> HostRecord { try base.insertHost(make) }
    func updateHost(_ host: HostRecord) throws { try base.updateHost(host) }
    func hosts() throws -> [HostRecord] { try base.hosts() }
    func hosts(of volunteer: VolunteerID) throws -> [HostRecord] { try base.hosts(of: volunteer) }
    func volunteers() throws -> [VolunteerRecord] { try base.volunteers() }
    func inProgressCounts() throws -> [HostID: Int] { try base.inProgressCounts() }

    // MARK: Ledger

    func appendLedger(_ entry: LedgerEntry) throws -> LedgerEntry { try base.appendLedger(entry) }
    func ledgerEntries(for task: TaskID) throws -> [LedgerEntry] { try base.ledgerEntries(for: task) }
    func ledger(fromNumber number: Int64, limit: Int) throws -> [LedgerEntry] {
        try base.ledger(fromNumber: number, limit: limit)
    }
    func ledgerSummary() throws -> LedgerSummary { try base.ledgerSummary() }
    func balance(of account: Account) throws -> Credit { try base.balance(of: account) }

    // MARK: Trust

    func trust(of host: HostID, app: String) throws -> TrustRecord? { try base.trust(of: host, app: app) }
    func saveTrust(_ record: TrustRecord) throws { try base.saveTrust(record) }
    func trustRecords() throws -> [TrustRecord] { try base.trustRecords() }
    func insertSeriesEntry(_ entry: SeriesEntry) throws { try base.insertSeriesEntry(entry) }
    func seriesEntry(for task: TaskID) throws -> SeriesEntry? { try base.seriesEntry(for: task) }
    func updateSeriesEntry(_ entry: SeriesEntry) throws { try base.updateSeriesEntry(entry) }
    func standingSeries(of host: HostID, app: String, through: Int64, limit: Int) throws -> [SeriesEntry] {
        try base.standingSeries(of: host, app: app, through: through, limit: limit)
    }
    func firstChecking(of host: HostID, app: String) throws -> Int64? { try base.firstChecking(of: host, app: app) }
    func standingSeries(in batch: BatchID, after: TaskID?, limit: Int) throws -> [SeriesEntry] {
        try base.standingSeries(in: batch, after: after, limit: limit)
    }

    // MARK: Log

    func appendLogLeaf(_ leaf: [UInt8]) throws -> Int64 { try base.appendLogLeaf(leaf) }
    func logLeafCount() throws -> Int64 { try base.logLeafCount() }
    func logLeaves(from index: Int64, limit: Int) throws -> [[UInt8]] {
        try base.logLeaves(from: index, limit: limit)
    }
    func logEdge() throws -> [UInt8]? { try base.logEdge() }
    func saveLogEdge(_ edge: [UInt8]) throws { try base.saveLogEdge(edge) }

    // MARK: Teams

    func team(_ id: TeamID) throws -> TeamRecord? { try base.team(id) }
    func team(named name: String) throws -> TeamRecord? { try base.team(named: name) }
    func teams() throws -> [TeamRecord] { try base.teams() }
    func insertTeam(_ make: (TeamID) -> TeamRecord) throws -> TeamRecord { try base.insertTeam(make) }
    func updateTeam(_ team: TeamRecord) throws { try base.updateTeam(team) }
    func memberships(of volunteer: VolunteerID) throws -> [Membership] { try base.memberships(of: volunteer) }
    func memberships(in team: TeamID) throws -> [Membership] { try base.memberships(in: team) }
    func lastingMemberships() throws -> [Membership] { try base.lastingMemberships() }
    func team(of volunteer: VolunteerID, at moment: Timestamp) throws -> TeamID? {
        try base.team(of: volunteer, at: moment)
    }
    func insertMembership(_ membership: Membership) throws { try base.insertMembership(membership) }
    func closeMembership(of volunteer: VolunteerID, at moment: Timestamp) throws {
        try base.closeMembership(of: volunteer, at: moment)
    }
    func creditDays(of host: HostID) throws -> [CreditDay] { try base.creditDays(of: host) }
    func creditSums(by grouping: CreditGrouping, from first: UTCDay, through last: UTCDay) throws -> [CreditSum] {
        try base.creditSums(by: grouping, from: first, through: last)
    }

    // MARK: Links and exports

    func insertLinkCode(_ code: LinkCodeRecord) throws { try base.insertLinkCode(code) }
    func linkCode(_ digest: Digest) throws -> LinkCodeRecord? { try base.linkCode(digest) }
    func updateLinkCode(_ code: LinkCodeRecord) throws { try base.updateLinkCode(code) }
    func linkCodes(of volunteer: VolunteerID) throws -> [LinkCodeRecord] { try base.linkCodes(of: volunteer) }
    func removeLinkCodes(of volunteer: VolunteerID, before moment: Timestamp?) throws {
        try base.removeLinkCodes(of: volunteer, before: moment)
    }
    func tasks(of volunteer: VolunteerID, after: WorkUnitID?, look: Int) throws -> Looked<TaskRecord, WorkUnitID> {
        try base.tasks(of: volunteer, after: after, look: look)
    }
    func ledger(of volunteer: VolunteerID, after number: Int64, look: Int) throws -> Looked<LedgerEntry, Int64> {
        try base.ledger(of: volunteer, after: number, look: look)
    }
}
