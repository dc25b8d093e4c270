import Domain

extension MemoryTables {
    func appendLedger(_ entry: LedgerEntry) throws -> LedgerEntry {
        try StoreRules.check(entry)
        guard ledgerByTask[entry.task] == nil else { throw StoreError.duplicate("ledger entry for task \(entry.task)") }
        for account in [entry.debit, entry.credit] {
            if case .host(let id) = account, try host(id) == nil { throw StoreError.missing("host \(id)") }
        }
        var numbered = entry
        numbered.number = Int64(ledgerRows.count) + 1
        append(numbered, to: \.ledgerRows)
        set(\.ledgerByTask[entry.task], to: ledgerRows.count - 1)
        return numbered
    }

    func ledgerEntry(for task: TaskID) throws -> LedgerEntry? {
        ledgerByTask[task].map { ledgerRows[$0] }
    }

    func ledger(fromNumber number: Int64, limit: Int) throws -> [LedgerEntry] {
        Array(ledgerRows.dropFirst(Int(max(number, 1) - 1)).prefix(max(limit, 0)))
    }

    func ledgerSummary() throws -> LedgerSummary {
        var granted = Credit.zero
        for entry in ledgerRows {
            if case .host = entry.credit { granted = granted + entry.amount }
            if case .host = entry.debit { granted = granted + -entry.amount }
        }
        return LedgerSummary(
            entries: Int64(ledgerRows.count), granted: granted,
            hostsTotal: hostRows.reduce(.zero) { $0 + $1.credit },
            volunteersTotal: volunteerRows.reduce(.zero) { $0 + $1.credit }
        )
    }

    func balance(of account: Account) throws -> Credit {
        var balance = Credit.zero
        for entry in ledgerRows {
            if entry.credit == account { balance = balance + entry.amount }
            if entry.debit == account { balance = balance + -entry.amount }
        }
        return balance
    }
}
