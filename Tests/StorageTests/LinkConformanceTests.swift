import Domain
import Storage
import Testing

/// Link codes, and looks at what one volunteer has, for every store.
struct LinkConformanceTests {
    @Test("codes are kept by digest, used once, and go with their volunteer", arguments: StoreKind.allCases)
    func codes(kind: StoreKind) throws {
        let bench = try StoreBench(kind)
        try bench.store.transaction { tx in
            try Samples.addHosts(3, tx)
            let codes = [3, 1, 2].map { Samples.linkCode($0, at: 5000) } + [Samples.linkCode(9, at: 4000)]
            for code in codes { try tx.insertLinkCode(code) }
            try tx.insertLinkCode(Samples.linkCode(4, volunteer: 2, host: 3))
            #expect(try tx.linkCode(Samples.digest(1)) == codes[1])
            #expect(try tx.linkCode(Samples.digest(77)) == nil)
            let order = codes.sorted {
                $0.createdAt == $1.createdAt
                    ? $0.digest.bytes.lexicographicallyPrecedes($1.digest.bytes) : $0.createdAt < $1.createdAt
            }
            #expect(try tx.linkCodes(of: VolunteerID(rawValue: 1)) == order)
            #expect(refusal { try tx.insertLinkCode(codes[0]) } == "duplicate")
            #expect(refusal { try tx.insertLinkCode(Samples.linkCode(5, volunteer: 9)) } == "missing")
            #expect(refusal { try tx.insertLinkCode(Samples.linkCode(5, host: 9)) } == "missing")
            #expect(refusal { try tx.updateLinkCode(Samples.linkCode(5)) } == "missing")

            var used = codes[0]
            used.usedBy = HostID(rawValue: 2)
            #expect(refusal { try tx.updateLinkCode(used) } == "conflict", "used, and at no time")
            used.usedAt = Timestamp(milliseconds: 5001)
            used.expiresAt = Timestamp(milliseconds: 5002)
            try tx.updateLinkCode(used)
            #expect(try tx.linkCode(used.digest) == used)
            var again = used
            again.usedBy = HostID(rawValue: 3)
            #expect(refusal { try tx.updateLinkCode(again) } == "conflict", "used twice")
            again = used
            again.volunteer = VolunteerID(rawValue: 2)
            #expect(refusal { try tx.updateLinkCode(again) } == "conflict")

            let moment = Timestamp(milliseconds: 5000)
            try tx.removeLinkCodes(of: VolunteerID(rawValue: 1), before: moment)
            #expect(try tx.linkCodes(of: VolunteerID(rawValue: 1)).count == 3)
            struct Undo: Error {}
            #expect(throws: Undo.self) {
                try tx.savepoint { tx in
                    try tx.removeLinkCodes(of: VolunteerID(rawValue: 1), before: nil)
                    #expect(try tx.linkCodes(of: VolunteerID(rawValue: 1)).isEmpty)
                    throw Undo()
                }
            }
            #expect(try tx.linkCodes(of: VolunteerID(rawValue: 1)).count == 3)
            try tx.removeLinkCodes(of: VolunteerID(rawValue: 1), before: nil)
            #expect(try tx.linkCodes(of: VolunteerID(rawValue: 1)).isEmpty)
            #expect(try tx.linkCodes(of: VolunteerID(rawValue: 2)).count == 1)
        }
    }

    @Test("a look at a volunteer's tasks goes by units, and misses none", arguments: StoreKind.allCases)
    func tasks(kind: StoreKind) throws {
        let bench = try StoreBench(kind)
        let mine = VolunteerID(rawValue: 2)
        try bench.store.transaction { tx in
            try Samples.addHosts(3, tx)
            #expect(try tx.tasks(of: mine, after: nil, look: 3).last == nil)
            for _ in 0..<2 { _ = try tx.insertBatch { Samples.batch($0) } }
            for batch in [1, 2] as [Int64] {
                var units = (0..<5).map { Samples.unit(BatchID(rawValue: batch), $0, tasks: 3) }
                for at in units.indices {
                    units[at].tasks[0].state = .sent(Samples.assignment(1, 1))
                    if at % 2 == 0 { units[at].tasks[2].state = .expired(Samples.assignment(2, 2)) }
                }
                try tx.insertWorkUnits(units)
            }
        }
        try bench.store.transaction { tx in
            let all = try tx.tasks(of: mine, after: nil, look: 100)
            #expect(all.rows.count == 6 && all.last == nil)
            #expect(all.rows.allSatisfy { $0.state.assignment?.volunteer == mine })
            for look in [-1, 1, 2, 3, 9, 10, 11] {
                var found: [TaskRecord] = []
                var after: WorkUnitID?
                var looks = 0
                repeat {
                    let page = try tx.tasks(of: mine, after: after, look: look)
                    found += page.rows
                    after = page.last
                    looks += 1
                } while after != nil
                #expect(found == all.rows, "look \(look)")
                #expect(looks == (10 + max(look, 1) - 1) / max(look, 1), "look \(look)")
            }
            // Where a look ends says which units there are, and not how many tasks they have.
            #expect(
                try tx.tasks(of: mine, after: nil, look: 5).last == WorkUnitID(batch: BatchID(rawValue: 1), index: 4))
            // What was changed in this transaction counts.
            try Samples.change(WorkUnitID(batch: BatchID(rawValue: 1), index: 1), tx) {
                $0.tasks[1].state = .sent(Samples.assignment(2, 2))
            }
            #expect(try tx.tasks(of: mine, after: nil, look: 100).rows.count == 7)
        }
    }

    @Test("a look at the ledger finds the entries of all hosts of a volunteer", arguments: StoreKind.allCases)
    func ledger(kind: StoreKind) throws {
        let bench = try StoreBench(kind)
        let mine = VolunteerID(rawValue: 2)
        try bench.store.transaction { tx in
            try Samples.addHosts(2, tx)
            let second = try tx.insertHost { Samples.host($0, of: mine) }
            #expect(second.id.rawValue == 3)
            #expect(try tx.ledger(of: mine, after: 0, look: 5).rows.isEmpty)
            let kinds: [(Int64, LedgerKind)] = [
                (1, .grant), (2, .hold), (2, .release), (3, .hold), (3, .void), (1, .grant), (3, .grant),
            ]
            for (at, entry) in kinds.enumerated() {
                let task = TaskID(unit: WorkUnitID(batch: BatchID(rawValue: 1), index: Int64(at)), ordinal: 1)
                let same = entry.1 == .release || entry.1 == .void
                let earlier = TaskID(rawValue: task.rawValue - (same ? 64 : 0))
                _ = try tx.appendLedger(Samples.entry(earlier, host: entry.0, amount: 5, kind: entry.1))
            }
            #expect(try tx.ledger(of: mine, after: 0, look: 100).rows.map(\.number) == [2, 3, 4, 5, 7])
        }
        try bench.store.transaction { tx in
            for look in [0, 1, 2, 3, 6, 7, 8] {
                var found: [Int64] = []
                var after: Int64? = 0
                while let place = after {
                    let page = try tx.ledger(of: mine, after: place, look: look)
                    found += page.rows.map(\.number)
                    after = page.last
                }
                #expect(found == [2, 3, 4, 5, 7], "look \(look)")
            }
            #expect(try tx.ledger(of: mine, after: .max, look: 5).last == nil)
            #expect(try tx.ledger(of: VolunteerID(rawValue: 9), after: 0, look: 100).rows.isEmpty)
        }
    }
}
