import Domain
import Engine
import Storage

/// Invariant 2: credit is granted once per task, for a valid result, from the unit's own count, and held only while a
/// result stands; and the sums over ledger, hosts and volunteers are equal to the unit.
final class CreditChecker: Checker {
    let name = "credit"
    private var entries: [TaskID: [LedgerKind]] = [:]

    func see(_ observation: Observation, _ world: World) throws -> String? {
        switch observation {
        case .granted(let entry): return try granted(entry, world)
        case .pause, .serverDied, .end: return try sums(world)
        default: return nil
        }
    }

    private func granted(_ entry: LedgerEntry, _ world: World) throws -> String? {
        let before = entries[entry.task, default: []]
        entries[entry.task] = before + [entry.kind]
        guard let aggregate = try world.read({ try $0.workUnit(entry.task.unit) }),
            let assignment = aggregate.tasks[entry.task.ordinal].state.assignment
        else { return "task \(entry.task) has a ledger entry and was never sent" }
        if entry.amount != aggregate.unit.credit {
            return "task \(entry.task) was paid \(entry.amount.microcobblestones)"
        }
        let isPaid = before.contains(.grant) || before.contains(.release)
        switch entry.kind {
        case .hold:
            if !before.isEmpty { return "task \(entry.task) was held after \(before)" }
            return entry.credit == .provisional(assignment.host) ? nil : "task \(entry.task): held for another"
        case .void: return before.last == .hold ? nil : "task \(entry.task) was voided after \(before)"
        case .grant, .release:
            if isPaid { return "task \(entry.task) was paid twice" }
            if entry.kind == .release, before.last != .hold { return "task \(entry.task): released after \(before)" }
            guard case .decided(_, _, let verdict) = aggregate.tasks[entry.task.ordinal].state else {
                return "task \(entry.task) was paid without a verdict"
            }
            if verdict.outcome != .valid { return "task \(entry.task) was paid and is \(verdict.outcome)" }
            return entry.credit == .host(assignment.host) ? nil : "task \(entry.task) was paid to \(entry.credit)"
        }
    }

    private func sums(_ world: World) throws -> String? {
        try world.read { tx in
            var byHost: [HostID: Int64] = [:]
            var audit = LedgerAudit()
            for entry in try tx.ledger(fromNumber: 1, limit: .max) {
                if let wrong = audit.add(entry) { return wrong }
                if entries[entry.task]?.contains(entry.kind) != true {
                    return "ledger entry \(entry.number) was never granted"
                }
                if case .host(let host) = entry.credit { byHost[host, default: 0] += entry.amount.microcobblestones }
            }
            if let wrong = audit.violationOfSum() { return wrong }
            var byVolunteer: [VolunteerID: Int64] = [:]
            for host in try tx.hosts() {
                let sum = byHost[host.id, default: 0]
                guard host.credit.microcobblestones == sum else {
                    return "host \(host.id) has \(host.credit.microcobblestones), its entries sum to \(sum)"
                }
                byVolunteer[host.volunteer, default: 0] += sum
            }
            for (id, sum) in byVolunteer.sorted(by: { $0.key < $1.key }) {
                let stored = try tx.volunteer(id)?.credit.microcobblestones ?? 0
                if stored != sum { return "volunteer \(id) has \(stored), the hosts sum to \(sum)" }
            }
            return try StoreAudit.differences(tx).first
        }
    }
}
