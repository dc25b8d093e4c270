import Domain
import Storage

private enum LedgerSQL {
    static let row = Columns(
        "number at_ms kind debit_project:t debit_host credit_project:t credit_host amount task project:t")
    static let columns = row.list
    static let nextNumber = Query("SELECT coalesce(max(number), 0) + 1 FROM ledger")
    static let insert = row.insert(into: "ledger")
    static let byUnit = Query("SELECT \(columns) FROM ledger WHERE task BETWEEN $1 AND $1 + 63 ORDER BY number")
    static let page = Query("SELECT \(columns) FROM ledger WHERE number >= $1 ORDER BY number LIMIT $2")
    static let ofVolunteer = Query(
        """
        SELECT \(columns) FROM ledger WHERE number > $1 AND number <= $2
            AND coalesce(credit_host, debit_host) IN (SELECT id FROM host WHERE volunteer = $3) ORDER BY number
        """)
    static let summary = Query(
        """
        SELECT (SELECT coalesce(max(number), 0) FROM ledger),
            (SELECT coalesce(sum(balance), 0)::bigint FROM host_balance),
            (SELECT coalesce(sum(provisional), 0)::bigint FROM host_balance),
            (SELECT coalesce(sum(credit), 0)::bigint FROM host),
            (SELECT coalesce(sum(provisional_credit), 0)::bigint FROM host),
            (SELECT coalesce(sum(credit), 0)::bigint FROM volunteer)
        """)
    static let projectBalance = Query("SELECT balance FROM project_balance WHERE project = $1")
    static let hostBalance = Query("SELECT balance FROM host_balance WHERE host = $1")
    static let provisionalBalance = Query("SELECT provisional FROM host_balance WHERE host = $1")
}

extension PostgresTransaction {
    func appendLedger(_ entry: LedgerEntry) throws -> LedgerEntry {
        try StoreRules.check(entry)
        guard try !ledgerEntries(for: entry.task).contains(where: { $0.kind == entry.kind }) else {
            throw StoreError.duplicate("ledger entry of kind \(entry.kind) for task \(entry.task)")
        }
        for account in [entry.debit, entry.credit] {
            if let id = account.host { try requireHost(id) }
        }
        var numbered = entry
        let next = try appended.nextEntry ?? first(LedgerSQL.nextNumber, { _ in }, { $0.integer() }) ?? 1
        numbered.number = next
        try countDays(numbered)
        appended.append(numbered)
        try settleIfLarge()
        return numbered
    }

    func ledgerEntries(for task: TaskID) throws -> [LedgerEntry] {
        try alive()
        return try writtenEntries(of: task.unit).filter { $0.task == task } + appended.unwrittenEntries(for: task)
    }

    /// Entries of all tasks of a unit, which are asked for one after the other.
    private func writtenEntries(of unit: WorkUnitID) throws -> [LedgerEntry] {
        if let known = aside.entries.value(unit) { return known }
        let found = try all(LedgerSQL.byUnit, { $0.integer(unit.rawValue << 6) }, readEntry)
        aside.entries.keep(unit, found)
        return found
    }

    func writeAppended() throws {
        let (entries, days, leaves) = appended.take()
        for part in Array(entries).parts {
            try write(LedgerSQL.insert) { to in for entry in part { bind(entry, &to) } }
        }
        for entry in entries {
            let unit = entry.task.unit
            if let known = aside.entries.value(unit) { aside.entries.keep(unit, known + [entry]) }
            note.units.append(ChangeNote.Unit(id: entry.task.unit))
        }
        try writeDays(days)
        try writeLeaves(leaves)
    }

    func ledger(fromNumber number: Int64, limit: Int) throws -> [LedgerEntry] {
        try settle()
        return try all(
            LedgerSQL.page,
            {
                $0.integer(number)
                $0.integer(max(limit, 0))
            }, readEntry)
    }

    func ledger(of volunteer: VolunteerID, after number: Int64, look: Int) throws -> Looked<LedgerEntry, Int64> {
        try settle()
        let end = try first(LedgerSQL.nextNumber, { _ in }, { $0.integer() }) ?? 1
        let start = min(max(number, 0), end - 1)
        let last = min(start + Int64(max(look, 1)), end - 1)
        let rows = try all(
            LedgerSQL.ofVolunteer,
            {
                $0.integer(start)
                $0.integer(last)
                $0.integer(volunteer.rawValue)
            }, readEntry)
        return Looked(rows: rows, last: last < end - 1 ? last : nil)
    }

    func ledgerSummary() throws -> LedgerSummary {
        try settle()
        let summary = try first(LedgerSQL.summary) { row in
            LedgerSummary(
                entries: row.integer(), granted: Credit(microcobblestones: row.integer()),
                provisional: Credit(microcobblestones: row.integer()),
                hostsTotal: Credit(microcobblestones: row.integer()),
                hostsProvisional: Credit(microcobblestones: row.integer()),
                volunteersTotal: Credit(microcobblestones: row.integer())
            )
        }
        guard let summary else { throw StoreError.corrupt("the ledger has no summary") }
        return summary
    }

    func balance(of account: Account) throws -> Credit {
        try settle()
        let balance: Int64? =
            switch account {
            case .project(let name):
                try first(LedgerSQL.projectBalance, { $0.text(name) }, { $0.integer() })
            case .host(let id):
                try first(LedgerSQL.hostBalance, { $0.integer(id.rawValue) }, { $0.integer() })
            case .provisional(let id):
                try first(LedgerSQL.provisionalBalance, { $0.integer(id.rawValue) }, { $0.integer() })
            }
        return Credit(microcobblestones: balance ?? 0)
    }

    private func bind(_ entry: LedgerEntry, _ to: inout Binder) {
        to.integer(entry.number)
        to.time(entry.at)
        to.integer(entry.kind.rawValue)
        to.account(entry.debit)
        to.account(entry.credit)
        to.integer(entry.amount.microcobblestones)
        to.integer(entry.task.rawValue)
        to.text(entry.project)
    }

    private func readEntry(_ row: inout Row) throws -> LedgerEntry {
        let number = row.integer()
        let at = row.time()
        guard let kind = LedgerKind(rawValue: row.int()) else {
            throw StoreError.corrupt("ledger entry \(number): unknown kind")
        }
        let debit = try row.account(isProvisional: LedgerColumns.debitsProvisional(kind))
        let credit = try row.account(isProvisional: LedgerColumns.creditsProvisional(kind))
        return LedgerEntry(
            number: number, at: at, kind: kind, debit: debit, credit: credit,
            amount: Credit(microcobblestones: row.integer()), task: TaskID(rawValue: row.integer()),
            project: row.text()
        )
    }
}

/// Which account of a host a column means: the kind says it, and `StoreRules` holds entries to it.
private enum LedgerColumns {
    static func debitsProvisional(_ kind: LedgerKind) -> Bool { kind == .release || kind == .void }
    static func creditsProvisional(_ kind: LedgerKind) -> Bool { kind == .hold }
}

extension Binder {
    /// Two columns, one of them NULL: project, host.
    fileprivate mutating func account(_ account: Account) {
        switch account {
        case .project(let name):
            text(name)
            null()
        case .host(let id), .provisional(let id):
            null()
            integer(id.rawValue)
        }
    }
}

extension Row {
    fileprivate mutating func account(isProvisional: Bool) throws -> Account {
        let project = optionalText()
        let host = optionalInteger()
        if let project { return .project(project) }
        guard let host else { throw StoreError.corrupt("a ledger entry without an account") }
        return isProvisional ? .provisional(HostID(rawValue: host)) : .host(HostID(rawValue: host))
    }
}
