import Domain

extension MemoryTables {
    func appendLedger(_ entry: LedgerEntry) throws -> LedgerEntry {
        try StoreRules.check(entry)
        let others = ledgerByTask[entry.task] ?? []
        guard !others.contains(where: { ledgerRows[$0].kind == entry.kind }) else {
            throw StoreError.duplicate("ledger entry of kind \(entry.kind) for task \(entry.task)")
        }
        for account in [entry.debit, entry.credit] {
            if let id = account.host, try host(id) == nil { throw StoreError.missing("host \(id)") }
        }
        var numbered = entry
        numbered.number = Int64(ledgerRows.count) + 1
        append(numbered, to: \.ledgerRows)
        set(entry.task, of: \.ledgerByTask, to: others + [ledgerRows.count - 1])
        try countDays(numbered)
        return numbered
    }

    func ledgerEntries(for task: TaskID) throws -> [LedgerEntry] {
        (ledgerByTask[task] ?? []).map { ledgerRows[$0] }
    }

    func ledger(fromNumber number: Int64, limit: Int) throws -> [LedgerEntry] {
        Array(ledgerRows.dropFirst(Int(max(number, 1) - 1)).prefix(max(limit, 0)))
    }

    func ledgerSummary() throws -> LedgerSummary {
        var granted = Credit.zero
        var provisional = Credit.zero
        for entry in ledgerRows {
            for (account, amount) in [(entry.credit, entry.amount), (entry.debit, -entry.amount)] {
                switch account {
                case .host: granted = granted + amount
                case .provisional: provisional = provisional + amount
                case .project: break
                }
            }
        }
        return LedgerSummary(
            entries: Int64(ledgerRows.count), granted: granted, provisional: provisional,
            hostsTotal: hostRows.reduce(.zero) { $0 + $1.credit },
            hostsProvisional: hostRows.reduce(.zero) { $0 + $1.provisionalCredit },
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

extension MemoryTables {
    func appendLogLeaf(_ leaf: [UInt8]) throws -> Int64 {
        append(leaf, to: \.logRows)
        return Int64(logRows.count) - 1
    }

    func logLeafCount() throws -> Int64 { Int64(logRows.count) }

    func logLeaves(from index: Int64, limit: Int) throws -> [[UInt8]] {
        Array(logRows.dropFirst(Int(max(index, 0))).prefix(max(limit, 0)))
    }

    func logEdge() throws -> [UInt8]? { logEdgeRow }
    func saveLogEdge(_ edge: [UInt8]) throws { set(\.logEdgeRow, to: edge) }
}
