import Domain
import Storage

private enum LedgerSQL {
    static let columns =
        "number, at_ms, kind, debit_project, debit_host, credit_project, credit_host, amount, task, project"
    static let nextNumber = Query("SELECT coalesce(max(number), 0) + 1 FROM ledger")
    static let insert = Query("INSERT INTO ledger (\(columns)) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
    static let byUnit = Query("SELECT \(columns) FROM ledger WHERE task BETWEEN ? AND ? ORDER BY number")
    static let page = Query("SELECT \(columns) FROM ledger WHERE number >= ? ORDER BY number LIMIT ?")
    static let ofVolunteer = Query(
        """
        SELECT \(columns) FROM ledger WHERE number > ?1 AND number <= ?2
            AND coalesce(credit_host, debit_host) IN (SELECT id FROM host WHERE volunteer = ?3) ORDER BY number
        """)
    static let summary = Query(
        """
        SELECT (SELECT coalesce(max(number), 0) FROM ledger), (SELECT coalesce(sum(balance), 0) FROM host_balance),
            (SELECT coalesce(sum(provisional), 0) FROM host_balance), (SELECT coalesce(sum(credit), 0) FROM host),
            (SELECT coalesce(sum(provisional_credit), 0) FROM host), (SELECT coalesce(sum(credit), 0) FROM volunteer)
        """)
    static let addToProject = Query(
        """
        INSERT INTO project_balance (project, balance) VALUES (?, ?)
        ON CONFLICT (project) DO UPDATE SET balance = balance + excluded.balance
        """)
    static let addToHost = Query(
        """
        INSERT INTO host_balance (host, balance, provisional) VALUES (?, ?, ?)
        ON CONFLICT (host) DO UPDATE
        SET balance = balance + excluded.balance, provisional = provisional + excluded.provisional
        """)
    static let projectBalance = Query("SELECT balance FROM project_balance WHERE project = ?")
    static let hostBalance = Query("SELECT balance FROM host_balance WHERE host = ?")
    static let provisionalBalance = Query("SELECT provisional FROM host_balance WHERE host = ?")
}

extension SQLiteTransaction {
    func appendLedger(_ entry: LedgerEntry) throws -> LedgerEntry {
        try StoreRules.check(entry)
        guard try !ledgerEntries(for: entry.task).contains(where: { $0.kind == entry.kind }) else {
            throw StoreError.duplicate("ledger entry of kind \(entry.kind) for task \(entry.task)")
        }
        for account in [entry.debit, entry.credit] {
            if let id = account.host { try requireHost(id) }
        }
        var numbered = entry
        let next = try appended.nextEntry ?? connection.first(LedgerSQL.nextNumber) { $0.integer() } ?? 1
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
        let found = try connection.all(
            LedgerSQL.byUnit,
            {
                $0.integer(unit.rawValue << 6)
                $0.integer(unit.rawValue << 6 | 63)
            }, readEntry)
        aside.entries.keep(unit, found)
        return found
    }

    func writeAppended() throws {
        let (entries, days, leaves) = appended.take()
        // Those that were paid are hardly asked for again.
        for entry in entries { aside.entries.drop(entry.task.unit) }
        for entry in entries { try write(LedgerSQL.insert) { bind(entry, &$0) } }
        try addToBalances(entries)
        try writeDays(days)
        try writeLeaves(leaves)
    }

    /// Balances, credits minus debits: each account that the entries touch once.
    private func addToBalances(_ entries: ArraySlice<LedgerEntry>) throws {
        var projects: [String: Int64] = [:]
        var hosts: [HostID: (final: Int64, provisional: Int64)] = [:]
        for entry in entries {
            let amount = entry.amount.microcobblestones
            for (account, change) in [(entry.debit, -amount), (entry.credit, amount)] {
                switch account {
                case .project(let name): projects[name, default: 0] += change
                case .host(let id): hosts[id, default: (0, 0)].final += change
                case .provisional(let id): hosts[id, default: (0, 0)].provisional += change
                }
            }
        }
        for (name, change) in projects.sorted(by: { $0.key < $1.key }) {
            try write(LedgerSQL.addToProject) {
                $0.text(name)
                $0.integer(change)
            }
        }
        for (host, change) in hosts.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            try write(LedgerSQL.addToHost) {
                $0.integer(host.rawValue)
                $0.integer(change.final)
                $0.integer(change.provisional)
            }
        }
    }

    func ledger(fromNumber number: Int64, limit: Int) throws -> [LedgerEntry] {
        try settle()
        return try connection.all(
            LedgerSQL.page,
            {
                $0.integer(number)
                $0.integer(max(limit, 0))
            }, readEntry)
    }

    func ledger(of volunteer: VolunteerID, after number: Int64, look: Int) throws -> Looked<LedgerEntry, Int64> {
        try settle()
        let end = try connection.first(LedgerSQL.nextNumber, { _ in }, { $0.integer() }) ?? 1
        let start = min(max(number, 0), end - 1)
        let last = min(start + Int64(max(look, 1)), end - 1)
        let rows = try connection.all(
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
        let summary = try connection.first(LedgerSQL.summary) { row in
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
                try connection.first(LedgerSQL.projectBalance, { $0.text(name) }, { $0.integer() })
            case .host(let id):
                try connection.first(LedgerSQL.hostBalance, { $0.integer(id.rawValue) }, { $0.integer() })
            case .provisional(let id):
                try connection.first(LedgerSQL.provisionalBalance, { $0.integer(id.rawValue) }, { $0.integer() })
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
