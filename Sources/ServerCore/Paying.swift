import Domain
import Engine
import Storage

/// Ledger entries, and the same amounts on the rows of host, volunteer and team, in the caller's transaction.
extension ProjectServer {
    /// A task became valid: what it holds provisionally becomes final, or it is paid at once.
    func pay(
        _ amount: Credit, for task: TaskID, _ assignment: Assignment, in tx: any StoreTransaction, now: Timestamp
    ) throws {
        // The store refuses a second entry of a kind for a task; the machine never asks to pay twice.
        guard let kind = Ledger.payment(after: try tx.ledgerEntries(for: task)) else {
            throw StoreError.duplicate("task \(task) was paid before")
        }
        try transfer(kind, amount, for: task, assignment, in: tx, now: now)
    }

    /// A result stands provisionally.
    func hold(
        _ amount: Credit, for task: TaskID, _ assignment: Assignment, in tx: any StoreTransaction, now: Timestamp
    ) throws {
        guard amount > .zero else { return }
        try transfer(.hold, amount, for: task, assignment, in: tx, now: now)
    }

    /// A result no longer stands. Nothing happens when nothing is held for it.
    func voidHold(
        for task: TaskID, _ assignment: Assignment, in tx: any StoreTransaction, now: Timestamp
    ) throws {
        let entries = try tx.ledgerEntries(for: task)
        guard Ledger.isHeld(entries), let held = entries.last else { return }
        try transfer(.void, held.amount, for: task, assignment, in: tx, now: now)
    }

    private func transfer(
        _ kind: LedgerKind, _ amount: Credit, for task: TaskID, _ assignment: Assignment,
        in tx: any StoreTransaction, now: Timestamp
    ) throws {
        guard let batch = try tx.batch(task.unit.batch) else {
            throw StoreError.missing("batch \(task.unit.batch) of task \(task)")
        }
        _ = try tx.appendLedger(
            Ledger.entry(kind, for: task, assignment, amount: amount, project: batch.project, at: now))
        guard var host = try tx.host(assignment.host), var volunteer = try tx.volunteer(host.volunteer) else {
            throw StoreError.missing("host \(assignment.host) of task \(task)")
        }
        let isFinal = kind == .grant || kind == .release
        if isFinal { host.recent.add(amount, at: now) }
        switch kind {
        case .grant: host.credit = host.credit + amount
        case .hold: host.provisionalCredit = host.provisionalCredit + amount
        case .release:
            host.provisionalCredit = host.provisionalCredit + -amount
            host.credit = host.credit + amount
        case .void: host.provisionalCredit = host.provisionalCredit + -amount
        }
        try tx.updateHost(host)
        guard isFinal else { return }
        volunteer.credit = volunteer.credit + amount
        volunteer.recent.add(amount, at: now)
        try tx.updateVolunteer(volunteer)
        // The team of this moment, however long ago the work was done.
        guard let id = try tx.team(of: volunteer.id, at: now), var team = try tx.team(id) else { return }
        team.credit = team.credit + amount
        team.recent.add(amount, at: now)
        try tx.updateTeam(team)
    }
}
