import Domain
import Storage

/// One random call on a store, chosen without looking at the store, so that two stores can be given the same.
enum RandomOperation {
    case insertBatch(BatchState)
    case updateBatch(Int64, cursor: UInt8, BatchState)
    case insertVolunteer(name: Int)
    case insertHost(volunteer: Int64, key: UInt8)
    case updateHost(Int64, key: UInt8, name: Int, sequence: Int64)
    case insertUnits(batch: Int64, from: Int64, count: Int64, tasks: Int)
    case removeUnits(batch: Int64, limit: Int)
    case change(WorkUnitID, seed: UInt64, stale: Bool)
    case transfer(LedgerKind, TaskID, host: Int64, amount: Int64)
    case saveTrust(host: Int64, app: String)
    case insertSeries(TaskID, host: Int64, sequence: Int64, SeriesEntry.State)
    case updateSeries(TaskID, SeriesEntry.State)
    case appendLeaf(UInt8)
    case saveEdge(UInt8)
    case insertTeam(name: Int, founder: Int64)
    case join(volunteer: Int64, team: Int64, from: Int64)
    case leave(volunteer: Int64, until: Int64)
    case erase(volunteer: Int64, removing: Int64)
    case insertLink(Int64, volunteer: Int64, host: Int64)
    case useLink(Int64, by: Int64)
    case removeLinks(volunteer: Int64, before: Int64)
    case query(seed: UInt64)

    static func draw(_ random: inout TestGenerator) -> RandomOperation {
        let unit = WorkUnitID(batch: BatchID(rawValue: Int64(random.below(3) + 1)), index: Int64(random.below(12)))
        let states: [BatchState] = [.running, .running, .assembling, .finished, .failed("no"), .cancelled]
        switch random.below(50) {
        case 40: return .insertTeam(name: random.below(5), founder: Int64(random.below(6) + 1))
        case 41, 42:
            return .join(
                volunteer: Int64(random.below(6) + 1), team: Int64(random.below(4) + 1),
                from: 400 + Int64(random.below(150)))
        case 44: return .removeUnits(batch: unit.batch.rawValue, limit: random.below(3))
        case 43: return .leave(volunteer: Int64(random.below(6) + 1), until: 501 + Int64(random.below(100)))
        case 45: return .erase(volunteer: Int64(random.below(6) + 1), removing: Int64(random.below(6) + 1))
        case 46, 47:
            return .insertLink(
                Int64(random.below(9)), volunteer: Int64(random.below(6) + 1), host: Int64(random.below(6) + 1))
        case 48: return .useLink(Int64(random.below(9)), by: Int64(random.below(6) + 1))
        case 49: return .removeLinks(volunteer: Int64(random.below(6) + 1), before: Int64(random.below(9)))
        case 0: return .insertBatch(states[random.below(6)])
        case 1: return .updateBatch(unit.batch.rawValue, cursor: UInt8(random.below(256)), states[random.below(6)])
        case 2: return .insertVolunteer(name: random.below(8))
        case 3: return .insertHost(volunteer: Int64(random.below(6) + 1), key: UInt8(random.below(10)))
        case 4:
            return .updateHost(
                Int64(random.below(6) + 1), key: UInt8(random.below(10)), name: random.below(3), sequence: 5)
        case 5, 6:
            return .insertUnits(
                batch: unit.batch.rawValue, from: unit.index, count: Int64(random.below(4)),
                tasks: random.below(4))
        case 7...9:
            return .transfer(
                LedgerKind.allCases[random.below(4)], TaskID(unit: unit, ordinal: random.below(4)),
                host: Int64(random.below(6) + 1), amount: Int64(random.below(1000) - 5))
        case 25:
            return random.below(4) == 0 ? .saveEdge(UInt8(random.below(256))) : .appendLeaf(UInt8(random.below(256)))
        case 20: return .saveTrust(host: Int64(random.below(6) + 1), app: "app \(random.below(3))")
        case 21, 22:
            return .insertSeries(
                TaskID(unit: unit, ordinal: random.below(4)), host: Int64(random.below(6) + 1),
                sequence: Int64(random.below(9)), SeriesEntry.State.allCases[random.below(8)])
        case 23, 24:
            return .updateSeries(
                TaskID(unit: unit, ordinal: random.below(4)), SeriesEntry.State.allCases[random.below(8)])
        case 10...19: return .query(seed: random.next())
        default: return .change(unit, seed: random.next(), stale: random.below(20) == 0)
        }
    }

    /// - Returns: what the store answered, as text; a refusal is an answer too.
    func apply(_ tx: any StoreTransaction) -> String {
        do { return try answer(tx) } catch let error as StoreError { return error.kind } catch { return "\(error)" }
    }

    private func answer(_ tx: any StoreTransaction) throws -> String {
        switch self {
        case .insertBatch(let state): return "\(try tx.insertBatch { Samples.batch($0, state: state) })"
        case .updateBatch(let id, let cursor, let state):
            var batch = Samples.batch(BatchID(rawValue: id), state: state)
            batch.cursor = [cursor]
            batch.inputs = Array(batch.inputs.prefix(Int(cursor % 3)))
            try tx.updateBatch(batch)
        case .insertVolunteer(let name):
            return "\(try tx.insertVolunteer { Samples.volunteer($0, name: "name \(name)") })"
        case .insertHost(let volunteer, let key):
            return "\(try tx.insertHost { Samples.host($0, of: VolunteerID(rawValue: volunteer), key: key) })"
        case .updateHost(let id, let key, let name, let sequence):
            guard var host = try tx.host(HostID(rawValue: id)) else { return "no host" }
            (host.publicKey[0], host.profile.name) = (key, "host \(name)")
            host.sequence += sequence
            try tx.updateHost(host)
        case .insertUnits(let batch, let from, let count, let tasks):
            let id = BatchID(rawValue: batch)
            try tx.insertWorkUnits((0..<count).map { Samples.unit(id, from + $0, tasks: tasks) })
        case .removeUnits(let batch, let limit):
            return "\(try tx.removeWorkUnits(of: BatchID(rawValue: batch), limit: limit))"
        case .change(let unit, let seed, let stale):
            guard var aggregate = try tx.workUnit(unit) else { return "no unit" }
            var random = TestGenerator(seed: seed)
            aggregate.scramble(&random)
            if stale { aggregate.unit.revision -= 1 }
            try tx.saveWorkUnit(aggregate)
        case .transfer(let kind, let task, let host, let amount):
            return "\(try transfer(kind, task, host, amount, tx))"
        case .appendLeaf(let byte): return "\(try tx.appendLogLeaf([UInt8](repeating: byte, count: Int(byte) % 7)))"
        case .saveEdge(let byte): try tx.saveLogEdge([byte])
        case .insertTeam(let name, let founder):
            return "\(try tx.insertTeam { Samples.team($0, name: "team \(name)", founder: founder) })"
        case .join(let volunteer, let team, let from):
            // Credit that was counted is not moved: the server begins no membership before it.
            let earned = try tx.volunteer(VolunteerID(rawValue: volunteer))?.recent.at.milliseconds ?? 0
            let from = Timestamp(milliseconds: max(from, earned + 1))
            try tx.insertMembership(
                Membership(volunteer: VolunteerID(rawValue: volunteer), team: TeamID(rawValue: team), from: from))
        case .leave(let volunteer, let until):
            try tx.closeMembership(of: VolunteerID(rawValue: volunteer), at: Timestamp(milliseconds: until))
        case .saveTrust(let host, let app): try tx.saveTrust(Samples.trust(host, app: app))
        case .insertSeries(let task, let host, let sequence, let state):
            try tx.insertSeriesEntry(Samples.series(task, host: host, sequence, state))
        case .updateSeries(let task, let state):
            guard var entry = try tx.seriesEntry(for: task) else { return "no entry" }
            entry.state = state
            try tx.updateSeriesEntry(entry)
        case .erase(let volunteer, let host):
            guard var row = try tx.volunteer(VolunteerID(rawValue: volunteer)) else { return "no volunteer" }
            (row.name, row.erasedAt) = (VolunteerRecord.erasedName, Timestamp(milliseconds: host))
            try tx.updateVolunteer(row)
            guard var removed = try tx.host(HostID(rawValue: host)) else { return "no host" }
            removed.removedAt = Timestamp(milliseconds: volunteer)
            try tx.updateHost(removed)
        case .insertLink(let seed, let volunteer, let host):
            try tx.insertLinkCode(Samples.linkCode(seed, volunteer: volunteer, host: host, at: seed / 2))
        case .useLink(let seed, let host):
            guard var code = try tx.linkCode(Samples.digest(seed)) else { return "no code" }
            (code.usedBy, code.usedAt) = (HostID(rawValue: host), Timestamp(milliseconds: host))
            try tx.updateLinkCode(code)
        case .removeLinks(let volunteer, let before):
            let moment = before == 0 ? nil : Timestamp(milliseconds: before)
            try tx.removeLinkCodes(of: VolunteerID(rawValue: volunteer), before: moment)
        case .query(let seed):
            var random = TestGenerator(seed: seed)
            return try query(&random, tx)
        }
        return "done"
    }

    /// Ledger, host and volunteer in step, as the server does it.
    private func transfer(
        _ kind: LedgerKind, _ task: TaskID, _ host: Int64, _ amount: Int64, _ tx: any StoreTransaction
    ) throws -> LedgerEntry {
        guard var record = try tx.host(HostID(rawValue: host)), var owner = try tx.volunteer(record.volunteer) else {
            return try tx.appendLedger(Samples.entry(task, host: host, amount: amount, kind: kind))
        }
        // What is not there cannot be moved: the rows would go below zero.
        let takes = kind == .release || kind == .void
        let amount = takes ? min(amount, record.provisionalCredit.microcobblestones) : amount
        let entry = try tx.appendLedger(Samples.entry(task, host: host, amount: amount, kind: kind))
        if kind == .hold { record.provisionalCredit = record.provisionalCredit + entry.amount }
        if takes { record.provisionalCredit = record.provisionalCredit + -entry.amount }
        if kind == .grant || kind == .release {
            try Samples.earn(entry, &record, &owner, tx)
        }
        try tx.updateHost(record)
        try tx.updateVolunteer(owner)
        return entry
    }

    private func query(_ random: inout TestGenerator, _ tx: any StoreTransaction) throws -> String {
        let batch = BatchID(rawValue: Int64(random.below(4) + 1))
        let limit = random.below(9)
        let index = Int64(random.below(12))
        let host = HostID(rawValue: Int64(random.below(6) + 1))
        switch random.below(23) {
        case 15:
            let first = UTCDay(number: index - 6)
            return try CreditGrouping.allCases.map { "\(try tx.creditSums(by: $0, from: first, through: .last))" }
                .joined(separator: " ")
        case 16: return "\(try tx.creditDays(of: host)) \(try tx.lastingMemberships()) \(try tx.teams())"
        case 17:
            let id = VolunteerID(rawValue: host.rawValue)
            let moment = Timestamp(milliseconds: 390 + index * 20)
            return "\(try tx.memberships(of: id)) \(String(describing: try tx.team(of: id, at: moment)))"
        case 18:
            let after = random.below(3) == 0 ? nil : WorkUnitID(batch: batch, index: index)
            return "\(try tx.tasks(of: VolunteerID(rawValue: host.rawValue), after: after, look: limit))"
        case 19: return "\(try tx.ledger(of: VolunteerID(rawValue: host.rawValue), after: index - 2, look: limit))"
        case 20: return "\(try tx.linkCodes(of: VolunteerID(rawValue: host.rawValue))) \(try tx.volunteers())"
        case 12: return "\(try tx.standingSeries(of: host, app: "pulsar", through: index, limit: limit))"
        case 13:
            let after = TaskID(unit: WorkUnitID(batch: batch, index: index), ordinal: random.below(4))
            return "\(try tx.standingSeries(in: batch, after: random.below(2) == 0 ? nil : after, limit: limit))"
        case 14:
            let first = try tx.firstChecking(of: host, app: "pulsar")
            return "\(String(describing: first)) \(try tx.trustRecords())"
        case 21, 22:
            let task = TaskID(unit: WorkUnitID(batch: batch, index: index), ordinal: random.below(4))
            return "\(try tx.ledgerEntries(for: task)) \(String(describing: try tx.seriesEntry(for: task)))"
        case 0: return "\(try tx.counts(of: batch)) \(try tx.activeHostCount(of: batch))"
        case 1: return "\(try tx.overdueTasks(before: Timestamp(milliseconds: index * 10), limit: limit))"
        case 2: return "\(try tx.sentTasks(of: host))"
        case 3: return "\(try tx.unitsAwaitingValidation(limit: limit)) \(try tx.unitsAwaitingValidationCount())"
        case 4: return "\(try tx.workUnits(of: batch, fromIndex: index, limit: limit))"
        case 5: return "\(try tx.ledger(fromNumber: index, limit: limit)) \(try tx.ledgerSummary())"
        case 6: return "\(try tx.balance(of: .host(host))) \(try tx.batches())"
        case 7:
            let after = TaskID(unit: WorkUnitID(batch: batch, index: index), ordinal: random.below(4))
            return "\(try tx.unsentTasks(notOf: VolunteerID(rawValue: host.rawValue), after: after, limit: limit))"
        default: return "\(try tx.unsentTasks(notOf: VolunteerID(rawValue: host.rawValue), limit: limit))"
        }
    }
}

extension WorkUnitAggregate {
    /// Puts a unit into some state, with no regard for what a state machine would do.
    fileprivate mutating func scramble(_ random: inout TestGenerator) {
        if tasks.count < 5, random.below(4) == 0 {
            tasks.append(TaskRecord(id: TaskID(unit: unit.id, ordinal: tasks.count), state: .unsent))
        }
        for at in tasks.indices where random.below(2) == 0 {
            let owner = Int64(random.below(5) + 1)
            let other = TaskID(unit: unit.id, ordinal: random.below(4))
            let states = Samples.states(host: owner, volunteer: owner, other: other)
            // Unsent and sent twice as often as the rest: most lists are about them.
            let pick = random.below(states.count + 4)
            tasks[at].state = pick < states.count ? states[pick] : states[pick % 2]
            if case .sent(var assignment) = tasks[at].state {
                assignment.deadline = Timestamp(milliseconds: Int64(random.below(100)))
                tasks[at].state = .sent(assignment)
            }
        }
        unit.updatedAt = Timestamp(milliseconds: Int64(random.below(1000)))
        guard let canonical = tasks.randomElement(using: &random)?.id else { return }
        let states = Samples.unitStates(canonical: canonical)
        unit.state = states[random.below(states.count)]
    }
}
