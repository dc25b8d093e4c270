import Domain

/// Walks over everything a store holds and compares it with what the store says in short: the counters, lists and
/// balances that exist so that nobody has to walk.
public enum StoreAudit {
    /// - Returns: one line for each difference; empty when all is well. Costs time in proportion to all rows.
    public static func differences(_ tx: any StoreTransaction) throws -> [String] {
        try units(tx) + ledger(tx) + series(tx)
    }

    private static func units(_ tx: any StoreTransaction) throws -> [String] {
        var found: [String] = []
        var awaiting: [WorkUnitID] = []
        var out: [HostID: Int] = [:]
        for batch in try tx.batches().reversed() {
            var counts = BatchCounts()
            var hosts: Set<HostID> = []
            var next: Int64 = 0
            while true {
                let page = try tx.workUnits(of: batch.id, fromIndex: next, limit: 1000)
                guard let last = page.last else { break }
                next = last.unit.id.index + 1
                for aggregate in page {
                    counts.count(aggregate)
                    if aggregate.awaitsValidation { awaiting.append(aggregate.unit.id) }
                    for task in aggregate.tasks {
                        guard case .sent(let assignment) = task.state else { continue }
                        hosts.insert(assignment.host)
                        out[assignment.host, default: 0] += 1
                    }
                }
            }
            let stored = try tx.counts(of: batch.id)
            if stored != counts { found.append("batch \(batch.id): counters say \(stored), rows say \(counts)") }
            let active = try tx.activeHostCount(of: batch.id)
            if active != hosts.count { found.append("batch \(batch.id): \(active) hosts, rows say \(hosts.count)") }
        }
        let list = try tx.unitsAwaitingValidation(limit: awaiting.count + 1)
        if list != awaiting { found.append("validator's list: \(list.count) units, rows say \(awaiting.count)") }
        let inProgress = try tx.inProgressCounts()
        if inProgress != out { found.append("tasks out by host differ from the rows") }
        return found
    }

    private static func ledger(_ tx: any StoreTransaction) throws -> [String] {
        var found: [String] = []
        var balances: [Account: Credit] = [:]
        var count: Int64 = 0
        var derived = DerivedCredit()
        while true {
            let page = try tx.ledger(fromNumber: count + 1, limit: 1000)
            if page.isEmpty { break }
            for entry in page {
                count += 1
                if entry.number != count { found.append("ledger entry \(entry.number) stands at place \(count)") }
                // At most four, by an index: a set of all tasks would grow with the ledger.
                let same = try tx.ledgerEntries(for: entry.task).filter { $0.kind == entry.kind }
                if let first = same.first, first.number != entry.number {
                    found.append("task \(entry.task) has two ledger entries of kind \(entry.kind)")
                }
                balances[entry.credit, default: .zero] = balances[entry.credit, default: .zero] + entry.amount
                balances[entry.debit, default: .zero] = balances[entry.debit, default: .zero] + -entry.amount
                try derived.add(entry, tx)
            }
        }
        for (account, sum) in balances.sorted(by: { $0.key < $1.key }) {
            let stored = try tx.balance(of: account)
            if stored != sum { found.append("\(account): balance \(stored), entries say \(sum)") }
        }
        var byVolunteer: [VolunteerID: Credit] = [:]
        var granted = Credit.zero
        var held = Credit.zero
        for host in try tx.hosts() {
            let sum = balances[.host(host.id), default: .zero]
            granted = granted + sum
            let provisional = balances[.provisional(host.id), default: .zero]
            held = held + provisional
            if host.provisionalCredit != provisional {
                found.append("host \(host.id): provisional \(host.provisionalCredit), ledger says \(provisional)")
            }
            if host.credit != sum { found.append("host \(host.id): credit \(host.credit), ledger says \(sum)") }
            byVolunteer[host.volunteer] = byVolunteer[host.volunteer, default: .zero] + sum
        }
        for (id, sum) in byVolunteer.sorted(by: { $0.key < $1.key }) {
            let stored = try tx.volunteer(id)?.credit ?? .zero
            if stored != sum { found.append("volunteer \(id): credit \(stored), hosts say \(sum)") }
        }
        let summary = try tx.ledgerSummary()
        let expected = LedgerSummary(
            entries: count, granted: granted, provisional: held, hostsTotal: granted, hostsProvisional: held,
            volunteersTotal: granted)
        if summary != expected { found.append("ledger summary \(summary), rows say \(expected)") }
        return try found + derived.differences(tx)
    }

    /// Every unit that stands provisionally has its entry in a series and its credit held, and nothing else has.
    private static func series(_ tx: any StoreTransaction) throws -> [String] {
        var found: [String] = []
        for batch in try tx.batches().reversed() {
            var standing: Int64 = 0
            var after: TaskID?
            while true {
                let page = try tx.standingSeries(in: batch.id, after: after, limit: 1000)
                guard let last = page.last else { break }
                after = last.task
                for entry in page {
                    standing += 1
                    if try tx.workUnit(entry.task.unit)?.unit.state.provisional != entry.task {
                        found.append("task \(entry.task) stands in its series, and not in its unit")
                    }
                }
            }
            let counted = try tx.counts(of: batch.id).provisional
            if counted != standing {
                found.append("batch \(batch.id): \(counted) provisional units, \(standing) in series")
            }
        }
        return found
    }
}
