import Domain
import Storage

/// A point to which a transaction can return.
struct Savepoint {
    var hosts: Int
    var volunteers: Int
    var units: Int
    var teams: Int
    var trust: Int
    var open: Int
    var appended: Appended.Mark
    /// How to undo it was dropped; this was changed before it and may not have been written outside of it.
    var lost: Unwritten?
}

/// Rows that only memory knows.
struct Unwritten {
    var hosts: [HostRecord]
    var volunteers: [VolunteerRecord]
    var units: [WorkUnitAggregate]
    var teams: [TeamRecord]
    var trust: [TrustRecord]
    var appended: Appended
}

extension PostgresTransaction {
    private static let release = Query("RELEASE part")
    private static let backToMark = Query("ROLLBACK TO part")

    func savepoint<T>(_ body: (any StoreTransaction) throws -> T) throws -> T {
        try alive()
        savepoints.append(
            Savepoint(
                hosts: hostRows.mark, volunteers: volunteerRows.mark, units: unitRows.mark, teams: teamRows.mark,
                trust: trustRows.mark, open: openChanges.count, appended: appended.mark))
        defer { savepoints.removeLast() }
        let depth = savepoints.count
        do {
            let value = try body(self)
            if issued == depth {
                try link().send(PostgresTransaction.release)
                issued -= 1
            }
            return value
        } catch {
            // When the transaction is lost nothing can be undone alone, and `whole` throws what broke it.
            if connection?.broken == nil { try undo(depth) }
            throw error
        }
    }

    /// Undoes the innermost savepoint.
    private func undo(_ depth: Int) throws {
        let mark = savepoints[depth - 1]
        if issued == depth {
            try link().send(PostgresTransaction.backToMark)
            try link().send(PostgresTransaction.release)
            issued -= 1
            knownHosts.removeAll()
            knownVolunteers.removeAll()
            aside.forget()
        }
        if let lost = mark.lost { return try restore(lost) }
        hostRows.undo(to: mark.hosts)
        volunteerRows.undo(to: mark.volunteers)
        unitRows.undo(to: mark.units)
        teamRows.undo(to: mark.teams)
        trustRows.undo(to: mark.trust)
        undoOpen(to: mark.open)
        appended.undo(to: mark.appended)
    }

    /// After a savepoint of which nobody knows what it changed: all rows are read again, but for those that were
    /// changed before it.
    private func restore(_ lost: Unwritten) throws {
        forgetRows()
        // Until it is loaded, and after it, nobody knows how to come back to what was before this transaction.
        hasOverflowed = true
        open = try readOpenWork()
        for row in lost.hosts { hostRows.change(row.id, to: row, from: row, isStored: false) }
        for row in lost.volunteers { volunteerRows.change(row.id, to: row, from: row, isStored: false) }
        for row in lost.teams { teamRows.change(row.id, to: row, from: row, isStored: false) }
        for row in lost.trust { trustRows.change(row.key, to: row, from: row, isStored: false) }
        for row in lost.units {
            open.replace(try storedUnit(row.unit.id), by: row)
            unitRows.change(row.unit.id, to: row, from: row, isStored: false)
        }
        appended = lost.appended
    }

    private func undoOpen(to mark: Int) {
        while openChanges.count > mark, let last = openChanges.popLast() { open.replace(last.new, by: last.old) }
    }

    func replaceOpen(_ id: WorkUnitID, _ old: WorkUnitAggregate?, by new: WorkUnitAggregate?) {
        open.replace(old, by: new)
        openChanges.append((id, old, new))
    }

    /// Everything is durable: nothing can be undone any more.
    func kept() {
        hostRows.commit()
        volunteerRows.commit()
        unitRows.commit()
        teamRows.commit()
        trustRows.commit()
        openChanges.removeAll(keepingCapacity: true)
        appended.commit()
        hasOverflowed = false
    }

    /// Everything of this transaction is undone.
    func forget() {
        issued = 0
        // What cannot be taken back is read again.
        if hasOverflowed { seen = nil } else { undoOpen(to: 0) }
        forgetRows()
    }

    func forgetRows() {
        hostRows.forget()
        volunteerRows.forget()
        unitRows.forget()
        teamRows.forget()
        trustRows.forget()
        aside.forget()
        knownHosts.removeAll()
        knownVolunteers.removeAll()
        openChanges.removeAll()
        appended.forget()
        hasOverflowed = false
    }

    // MARK: Writing

    /// Writes what only memory knows: sends it, and waits for nothing.
    func settle() throws {
        try alive()
        let dirty =
            hostRows.dirtyCount + volunteerRows.dirtyCount + unitRows.dirtyCount + teamRows.dirtyCount
            + trustRows.dirtyCount
        if dirty == 0, !appended.hasUnwritten { return }
        try issue()
        try writeHosts(hostRows.takeDirty().map(\.row))
        try writeVolunteers(volunteerRows.takeDirty().map(\.row))
        try writeTeams(teamRows.takeDirty().map(\.row))
        try writeTrust(trustRows.takeDirty().map(\.row))
        try writeUnits(unitRows.takeDirty())
        try writeAppended()
    }

    /// Keeps memory bounded in a transaction without an end.
    func settleIfLarge() throws {
        if unitRows.dirtyCount >= PostgresTransaction.changesMax { try settle() }
        let changes = unitRows.mark + hostRows.mark + volunteerRows.mark + trustRows.mark + appended.count
        let isCrowded =
            unitRows.isCrowded || hostRows.isCrowded || volunteerRows.isCrowded || teamRows.isCrowded
            || trustRows.isCrowded
        guard isCrowded || changes >= 8 * PostgresTransaction.changesMax else { return }
        for at in savepoints.indices where savepoints[at].lost == nil {
            savepoints[at].lost = unwritten(before: savepoints[at])
        }
        try settle()
        hostRows.commit()
        volunteerRows.commit()
        unitRows.commit()
        teamRows.commit()
        trustRows.commit()
        openChanges.removeAll()
        appended.commit()
        hasOverflowed = true
    }

    /// What was changed before a savepoint and is not in the database outside of it.
    private func unwritten(before mark: Savepoint) -> Unwritten {
        var (hosts, volunteers, units, appended) = (hostRows, volunteerRows, unitRows, appended)
        var (teams, trust) = (teamRows, trustRows)
        hosts.undo(to: mark.hosts)
        volunteers.undo(to: mark.volunteers)
        units.undo(to: mark.units)
        teams.undo(to: mark.teams)
        trust.undo(to: mark.trust)
        appended.undo(to: mark.appended)
        return Unwritten(
            hosts: hosts.takeDirty().map(\.row), volunteers: volunteers.takeDirty().map(\.row),
            units: units.takeDirty().map(\.row), teams: teams.takeDirty().map(\.row),
            trust: trust.takeDirty().map(\.row), appended: appended.unwritten)
    }
}

extension TrustRecord {
    var key: TrustKey { TrustKey(host: host, app: app) }
}
