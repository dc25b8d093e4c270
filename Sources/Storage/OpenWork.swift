import Domain

/// Which tasks wait to be sent, which are out where and until when, which units wait for the validator, and how each
/// batch stands.
///
/// A function of the units alone, kept in step with them: what a database would keep as indexes.
package struct OpenWork: Sendable {
    package private(set) var unsent = SortedNumbers()
    package private(set) var awaiting = SortedNumbers()
    private var out: [HostID: SortedNumbers] = [:]
    /// Tasks that are out by deadline in milliseconds, and the deadlines in order.
    private var due: [Int64: SortedNumbers] = [:]
    private var deadlines = SortedNumbers()
    private var counts: [BatchID: BatchCounts] = [:]
    /// Batches with a unit that has not ended.
    private var unfinished: Set<BatchID> = []

    package init() {}

    /// - Parameters:
    ///   - unsent, awaiting: in order of number.
    ///   - counts: of each batch that has units.
    package init(unsent: [Int64], awaiting: [Int64], counts: [BatchID: BatchCounts] = [:]) {
        setCounts(counts)
        self.unsent = SortedNumbers(sorted: unsent)
        self.awaiting = SortedNumbers(sorted: awaiting)
    }

    package mutating func send(_ task: TaskID, to host: HostID, until deadline: Timestamp) {
        out[host, default: SortedNumbers()].insert(task.rawValue)
        let time = deadline.milliseconds
        if due[time] == nil { deadlines.insert(time) }
        due[time, default: SortedNumbers()].insert(task.rawValue)
    }

    private mutating func takeBack(_ task: TaskID, _ assignment: Assignment) {
        OpenWork.take(task, from: &out[assignment.host])
        let time = assignment.deadline.milliseconds
        if OpenWork.take(task, from: &due[time]) { deadlines.remove(time) }
    }

    /// - Returns: whether it was the last one of a list, which is nil then.
    @discardableResult
    private static func take(_ task: TaskID, from numbers: inout SortedNumbers?) -> Bool {
        numbers?.remove(task.rawValue)
        guard let left = numbers, left.isEmpty else { return false }
        numbers = nil
        return true
    }

    /// A unit takes the place of what it was; nil: it was not there, or is no more.
    package mutating func replace(_ old: WorkUnitAggregate?, by new: WorkUnitAggregate?) {
        guard let id = (new ?? old)?.unit.id else { return }
        OpenWork.count(old, new, &counts[id.batch, default: BatchCounts()])
        if (old.map { !$0.unit.state.isFinal } ?? false) != (new.map { !$0.unit.state.isFinal } ?? false) {
            if counts(of: id.batch).open > 0 { unfinished.insert(id.batch) } else { unfinished.remove(id.batch) }
        }
        let (waited, waits) = (old?.awaitsValidation ?? false, new?.awaitsValidation ?? false)
        if waits, !waited { awaiting.insert(id.rawValue) }
        if waited, !waits { awaiting.remove(id.rawValue) }
        let (before, after) = (old?.tasks ?? [], new?.tasks ?? [])
        for at in 0..<max(before.count, after.count) {
            let task = TaskID(unit: id, ordinal: at)
            let wasUnsent = at < before.count && before[at].state.isUnsent
            let isUnsent = at < after.count && after[at].state.isUnsent
            if isUnsent, !wasUnsent { unsent.insert(task.rawValue) }
            if wasUnsent, !isUnsent { unsent.remove(task.rawValue) }
            let was = at < before.count ? before[at].state.sent : nil
            let isNow = at < after.count ? after[at].state.sent : nil
            if was == isNow { continue }
            if let was { takeBack(task, was) }
            if let isNow { send(task, to: isNow.host, until: isNow.deadline) }
        }
    }

    private static func count(_ old: WorkUnitAggregate?, _ new: WorkUnitAggregate?, _ counts: inout BatchCounts) {
        if let old { counts.count(old, by: -1) }
        if let new { counts.count(new) }
    }

    /// Unsent tasks behind one, in order of number.
    package func unsent(after task: TaskID, skipping skipped: Int, limit: Int) -> [TaskID] {
        var found: [TaskID] = []
        found.reserveCapacity(min(max(limit, 0), unsent.count))
        unsent.forEach(from: task.rawValue + 1, skipping: skipped, limit: limit) { found.append(TaskID(rawValue: $0)) }
        return found
    }

    /// How the batches stood before some changes, given in order.
    package func counts(
        before changes: some BidirectionalCollection<(old: WorkUnitAggregate?, new: WorkUnitAggregate?)>
    ) -> [BatchID: BatchCounts] {
        var past = counts
        for change in changes.reversed() {
            if let new = change.new { past[new.unit.id.batch, default: BatchCounts()].count(new, by: -1) }
            if let old = change.old { past[old.unit.id.batch, default: BatchCounts()].count(old) }
        }
        return past
    }

    package mutating func setCounts(_ counts: [BatchID: BatchCounts]) {
        self.counts = counts
        unfinished = Set(counts.filter { $0.value.open > 0 }.keys)
    }

    /// Batches with a unit that has not ended, in order of number.
    package var batchesWithOpenUnits: [BatchID] { unfinished.sorted { $0.rawValue < $1.rawValue } }

    /// Units and tasks of a batch by state.
    package func counts(of batch: BatchID) -> BatchCounts { counts[batch] ?? BatchCounts() }

    /// Tasks at a host in order of number.
    package func out(at host: HostID) -> [TaskID] {
        out[host]?.values.map { TaskID(rawValue: $0) } ?? []
    }

    /// Tasks whose deadline is before `now`, earliest first.
    package func overdue(before now: Timestamp, limit: Int) -> [TaskID] {
        var found: [TaskID] = []
        for time in deadlines.values {
            guard time < now.milliseconds, found.count < limit else { break }
            found += due[time, default: SortedNumbers()].values.prefix(limit - found.count).map { TaskID(rawValue: $0) }
        }
        return found
    }

    /// How many tasks are out, by host.
    package var outCounts: [HostID: Int] { out.mapValues(\.count) }

    /// Hosts with tasks of a batch that are out.
    package func activeHostCount(of batch: BatchID) -> Int {
        let first = batch.rawValue << 42
        return out.values.count { tasks in
            var run = tasks.from(first)
            return run.next().map { TaskID(rawValue: $0).unit.batch == batch } ?? false
        }
    }
}

extension TaskState {
    fileprivate var isUnsent: Bool { if case .unsent = self { true } else { false } }
    fileprivate var sent: Assignment? { if case .sent(let assignment) = self { assignment } else { nil } }
}
