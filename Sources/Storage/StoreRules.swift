import Domain

extension WorkUnitAggregate {
    /// Whether the validator has something to do: the unit compares, a check is pending, or a result came after the
    /// canonical one was found and waits to be compared with it. The same as `WorkUnitMachine.validationWork` finds.
    public var awaitsValidation: Bool {
        switch unit.state {
        case .comparing: true
        case .ready, .active, .provisional: hasReport { $0 == .pending }
        case .validated, .assembled: hasReport { _ in true }
        case .purged, .failed, .cancelled: false
        }
    }

    private func hasReport(where holds: (CheckState) -> Bool) -> Bool {
        tasks.contains { task in
            if case .reported(_, _, let check) = task.state { holds(check) } else { false }
        }
    }

    /// Whether the volunteer holds, or ever held, a task of this unit.
    public func holds(_ volunteer: VolunteerID) -> Bool {
        tasks.contains { $0.state.assignment?.volunteer == volunteer }
    }
}

extension SchedulableTask {
    /// - Parameter task: an unsent or sent task of `unit`.
    public init(_ task: TaskRecord, of unit: WorkUnitRecord) {
        self.init(
            id: task.id, app: unit.app, flops: unit.flops, flopsBound: unit.flopsBound, memoryBytes: unit.memoryBytes,
            diskBytes: unit.diskBytes, outputBytesMax: unit.outputBytesMax, deadlineSpan: unit.replication.deadline,
            container: unit.container, containerBytes: unit.containerBytes, assignment: task.state.assignment,
            isBegun: unit.state != .ready
        )
    }
}

/// What every store refuses, whatever lies under it: records that no state machine may produce.
///
/// A database repeats most of it as constraints; here it gives every store the same answer.
public enum StoreRules {
    /// - Throws: `StoreError.conflict` for units of which something is still to come.
    public static func checkRemoval(of units: [WorkUnitAggregate]) throws {
        for aggregate in units {
            let isOver =
                aggregate.unit.state.isFinal
                && aggregate.tasks.allSatisfy { task in
                    switch task.state {
                    case .unsent, .sent, .reported: false
                    case .decided, .failed, .expired, .aborted, .notNeeded: true
                    }
                }
            if !isOver { throw StoreError.conflict("work unit \(aggregate.unit.id) has not ended") }
        }
    }

    /// - Throws: `StoreError.conflict` with what is wrong.
    public static func check(_ aggregate: WorkUnitAggregate) throws {
        let unit = aggregate.unit
        func require(_ holds: Bool, _ what: @autoclosure () -> String) throws {
            if !holds { throw StoreError.conflict("work unit \(unit.id): \(what())") }
        }
        try require(unit.id.rawValue >= 0, "number is negative")
        try require(unit.revision >= 0, "revision is negative")
        try require(unit.containerBytes >= 0, "container size is negative")
        try require(unit.credit >= .zero, "credit is negative")
        try require(!unit.flops.isNaN && !unit.flopsBound.isNaN, "FLOP count is not a number")
        for (ordinal, task) in aggregate.tasks.enumerated() {
            try require(ordinal < 64, "more than 64 tasks")
            try require(task.id == TaskID(unit: unit.id, ordinal: ordinal), "task \(task.id) at place \(ordinal)")
            if let report = task.state.report {
                try require(report.resultBytes >= 0, "task \(task.id): result size is negative")
                try require(
                    !report.cpuSeconds.isNaN && !report.wallSeconds.isNaN, "task \(task.id): time is not a number")
            }
        }
        if let canonical = unit.state.canonical ?? unit.state.provisional {
            try require(aggregate.tasks.contains { $0.id == canonical }, "canonical task \(canonical) is not its own")
        }
    }

    /// - Throws: `StoreError.conflict` when `new` may not take the place of `old`.
    public static func check(_ new: WorkUnitAggregate, replacing old: WorkUnitAggregate) throws {
        try check(new)
        guard new.unit.revision == old.unit.revision else {
            throw StoreError.conflict(
                "work unit \(new.unit.id): revision \(new.unit.revision), stored is \(old.unit.revision)")
        }
        guard new.tasks.count >= old.tasks.count else {
            throw StoreError.conflict("work unit \(new.unit.id): \(old.tasks.count - new.tasks.count) tasks removed")
        }
        var expected = old.unit
        expected.state = new.unit.state
        expected.updatedAt = new.unit.updatedAt
        guard new.unit == expected else {
            throw StoreError.conflict("work unit \(new.unit.id): a field that never changes was changed")
        }
    }

    /// - Throws: `StoreError.conflict` with what is wrong.
    public static func check(_ batch: BatchRecord) throws {
        guard batch.id.rawValue >= 1, batch.id.rawValue < 1 << 21 else {
            throw StoreError.conflict("batch number \(batch.id) is not in 1 ... 2097151")
        }
        guard batch.workUnitCount >= 0, batch.inputs.allSatisfy({ $0.size >= 0 }) else {
            throw StoreError.conflict("batch \(batch.id): a count or size is negative")
        }
    }

    /// - Throws: `StoreError.conflict` with what is wrong.
    public static func check(_ host: HostRecord) throws {
        guard host.publicKey.count == 32 else {
            throw StoreError.conflict("host \(host.id): public key has \(host.publicKey.count) bytes, not 32")
        }
        guard host.provisionalCredit >= .zero else {
            throw StoreError.conflict("host \(host.id): provisional credit is negative")
        }
        guard host.validCount >= 0, host.invalidCount >= 0, host.errorCount >= 0 else {
            throw StoreError.conflict("host \(host.id): a count is negative")
        }
        guard host.recent.perDay.isFinite else {
            throw StoreError.conflict("host \(host.id): recent average is \(host.recent.perDay)")
        }
        guard !host.profile.benchmarkFlopsPerSecond.isNaN, host.measuredFlopsPerSecond.map({ !$0.isNaN }) ?? true
        else { throw StoreError.conflict("host \(host.id): speed is not a number") }
    }

    /// - Throws: `StoreError.conflict` with what is wrong.
    public static func check(_ entry: LedgerEntry) throws {
        guard entry.amount >= .zero else {
            throw StoreError.conflict("ledger entry for task \(entry.task): amount is negative")
        }
        func isProvisional(_ account: Account) -> Bool { if case .provisional = account { true } else { false } }
        guard isProvisional(entry.debit) == (entry.kind == .release || entry.kind == .void),
            isProvisional(entry.credit) == (entry.kind == .hold)
        else {
            throw StoreError.conflict(
                "ledger entry for task \(entry.task): a \(entry.kind) from \(entry.debit) to \(entry.credit)")
        }
    }

    /// - Throws: `StoreError.conflict` with what is wrong.
    public static func check(_ record: TrustRecord) throws {
        guard record.lastSequence >= 0, record.streak >= 0, record.passed >= 0, record.failed >= 0 else {
            throw StoreError.conflict("trust of host \(record.host): a count is negative")
        }
        guard record.evidence >= 0, record.evidence.isFinite else {
            throw StoreError.conflict("trust of host \(record.host): evidence is \(record.evidence)")
        }
    }

    /// - Throws: `StoreError.conflict` with what is wrong.
    public static func check(_ entry: SeriesEntry) throws {
        guard entry.sequence >= 1, entry.task.rawValue >= 0 else {
            throw StoreError.conflict("series entry for task \(entry.task): sequence is \(entry.sequence)")
        }
    }

    /// - Throws: `StoreError.conflict` when `new` may not take the place of `old`.
    public static func check(_ new: SeriesEntry, replacing old: SeriesEntry) throws {
        var expected = old
        expected.state = new.state
        guard new == expected else {
            throw StoreError.conflict("series entry for task \(new.task): a field that never changes was changed")
        }
    }

    /// - Throws: `StoreError.conflict` with what is wrong.
    public static func check(_ volunteer: VolunteerRecord) throws {
        guard volunteer.recent.perDay.isFinite else {
            throw StoreError.conflict("volunteer \(volunteer.id): recent average is \(volunteer.recent.perDay)")
        }
    }

    /// - Throws: `StoreError.conflict` with what is wrong.
    public static func check(_ team: TeamRecord) throws {
        guard team.recent.perDay.isFinite else {
            throw StoreError.conflict("team \(team.id): recent average is \(team.recent.perDay)")
        }
    }

    /// - Throws: `StoreError.conflict` when `new` may not take the place of `old`.
    public static func check(_ new: TeamRecord, replacing old: TeamRecord) throws {
        try check(new)
        var expected = old
        expected.credit = new.credit
        expected.recent = new.recent
        guard new == expected else {
            throw StoreError.conflict("team \(new.id): a field that never changes was changed")
        }
    }

    /// - Parameter last: the volunteer's membership before this one.
    /// - Throws: `StoreError.conflict` when the new one may not follow it.
    public static func check(_ membership: Membership, after last: Membership?) throws {
        guard membership.until == nil else {
            throw StoreError.conflict("a membership of volunteer \(membership.volunteer) that is closed already")
        }
        guard let last else { return }
        guard let end = last.until else {
            throw StoreError.conflict("volunteer \(membership.volunteer) is in team \(last.team)")
        }
        guard membership.from >= end else {
            throw StoreError.conflict(
                "a membership of volunteer \(membership.volunteer) that begins before the last ended")
        }
    }

    /// - Throws: `StoreError.conflict` when it began later.
    public static func closed(_ membership: Membership, at moment: Timestamp) throws -> Membership {
        guard moment >= membership.from else {
            throw StoreError.conflict("a membership of volunteer \(membership.volunteer) that ends before it began")
        }
        var closed = membership
        closed.until = moment
        return closed
    }

    /// - Throws: `StoreError.conflict` with what is wrong.
    public static func check(_ code: LinkCodeRecord) throws {
        guard (code.usedBy == nil) == (code.usedAt == nil) else {
            throw StoreError.conflict("a link code of volunteer \(code.volunteer) that is used by nobody, or never")
        }
    }

    /// - Throws: `StoreError.conflict` when `new` may not take the place of `old`.
    public static func check(_ new: LinkCodeRecord, replacing old: LinkCodeRecord) throws {
        try check(new)
        var expected = old
        expected.expiresAt = new.expiresAt
        // Used once: by whom it was, stays.
        if old.usedBy == nil { (expected.usedBy, expected.usedAt) = (new.usedBy, new.usedAt) }
        guard new == expected else {
            throw StoreError.conflict(
                "a link code of volunteer \(new.volunteer): a field that never changes was changed")
        }
    }
}
