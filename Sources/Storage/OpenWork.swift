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
        out[assignment.host]?.remove(task.rawValue)
        if out[assignment.host]?.isEmpty == true { out[assignment.host] = nil }
        let time = assignment.deadline.milliseconds
        due[time]?.remove(task.rawValue)
        guard due[time]?.isEmpty == true else { return }
        due[time] = nil
        deadlines.remove(time)
    }

    /// A unit takes the place of what it was; nil: it was not there, or is no more.
    package mutating func replace(_ old: WorkUnitAggregate?, by new: WorkUnitAggregate?) {
        guard let id = (new ?? old)?.unit.id else { return }
        if let old { counts[id.batch, default: BatchCounts()].count(old, by: -1) }
        if let new { counts[id.batch, default: BatchCounts()].count(new) }
        if (old.map { !$0.unit.state.isFinal } ?? false) != (new.map { !$0.unit.state.isFinal } ?? false) {
            if counts(of: id.batch).open > 0 { unfinished.insert(id.batch) } else { unfinished.remove(id.batch) }
        }
        let (waited, waits) = (old?.awaitsValidation ?? false, new?.awaitsValidation ?? false)
        if waits, !waited { awaiting.insert(id.rawValue) }
        if waited, !waits { awaiting.remove(id.rawValue) }
        for at in 0..<max(old?.tasks.count ?? 0, new?.tasks.count ?? 0) {
            let before = old.flatMap { at < $0.tasks.count ? $0.tasks[at].state : nil }
            let after = new.flatMap { at < $0.tasks.count ? $0.tasks[at].state : nil }
            let task = TaskID(unit: id, ordinal: at)
            switch (before == .unsent, after == .unsent) {
            case (false, true): unsent.insert(task.rawValue)
            case (true, false): unsent.remove(task.rawValue)
            default: break
            }
            let (was, isNow) = (before?.sent, after?.sent)
            if was == isNow { continue }
            if let was { takeBack(task, was) }
            if let isNow { send(task, to: isNow.host, until: isNow.deadline) }
        }
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
    fileprivate var sent: Assignment? { if case .sent(let assignment) = self { assignment } else { nil } }
}
