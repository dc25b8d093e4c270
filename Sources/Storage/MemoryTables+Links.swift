import Domain

extension MemoryTables {
    func insertLinkCode(_ code: LinkCodeRecord) throws {
        try StoreRules.check(code)
        try requirePeople(of: code)
        guard linkRows[code.digest] == nil else { throw StoreError.duplicate("link code") }
        set(code.digest, of: \.linkRows, to: code)
    }

    func linkCode(_ digest: Digest) throws -> LinkCodeRecord? { linkRows[digest] }

    func updateLinkCode(_ code: LinkCodeRecord) throws {
        guard let old = linkRows[code.digest] else { throw StoreError.missing("link code") }
        try StoreRules.check(code, replacing: old)
        try requirePeople(of: code)
        set(code.digest, of: \.linkRows, to: code)
    }

    func linkCodes(of volunteer: VolunteerID) throws -> [LinkCodeRecord] {
        linkRows.values.filter { $0.volunteer == volunteer }.sorted {
            $0.createdAt == $1.createdAt
                ? $0.digest.bytes.lexicographicallyPrecedes($1.digest.bytes) : $0.createdAt < $1.createdAt
        }
    }

    func removeLinkCodes(of volunteer: VolunteerID, before moment: Timestamp?) throws {
        for code in try linkCodes(of: volunteer) where moment.map({ code.createdAt < $0 }) ?? true {
            set(code.digest, of: \.linkRows, to: nil)
        }
    }

    private func requirePeople(of code: LinkCodeRecord) throws {
        guard try volunteer(code.volunteer) != nil else { throw StoreError.missing("volunteer \(code.volunteer)") }
        for id in [code.host, code.usedBy].compactMap({ $0 }) {
            guard try host(id) != nil else { throw StoreError.missing("host \(id)") }
        }
    }

    // MARK: What one volunteer has

    func tasks(of volunteer: VolunteerID, after: WorkUnitID?, look: Int) throws -> Looked<TaskRecord, WorkUnitID> {
        let numbers = Array(unitOrder.from(after.map { $0.rawValue + 1 } ?? 0).prefix(max(look, 1) + 1))
        let looked = numbers.prefix(max(look, 1))
        let rows = looked.flatMap { units[$0]?.tasks ?? [] }.filter { $0.state.assignment?.volunteer == volunteer }
        let last = numbers.count > looked.count ? looked.last : nil
        return Looked(rows: rows, last: last.map { WorkUnitID(rawValue: $0) })
    }

    func ledger(of volunteer: VolunteerID, after number: Int64, look: Int) throws -> Looked<LedgerEntry, Int64> {
        let start = min(max(number, 0), Int64(ledgerRows.count))
        let page = try ledger(fromNumber: start + 1, limit: max(look, 1))
        let owned = try page.filter { entry in
            try [entry.debit, entry.credit].contains { account in
                try account.host.flatMap { try host($0) }?.volunteer == volunteer
            }
        }
        let last = page.last?.number ?? start
        return Looked(rows: owned, last: last < Int64(ledgerRows.count) ? last : nil)
    }
}
