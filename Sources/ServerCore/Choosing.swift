import Domain
import Engine
import Storage

/// Who asks for work, and what is known of him.
struct Asker {
    var host: HostRecord
    var view: HostView
    var want: WorkRequest
    var crowd: Crowd
    /// Where in the queue this call looks.
    var places: Places
}

extension ProjectServer {
    /// Looks at places of the oldest batch that a secret draws for this call, so that the order in which tasks leave
    /// tells nothing and nobody can come by a certain one by asking at the right moment. Only when that does not give
    /// what is wanted does it go through the queue in order, from its head, so that nothing waits for ever.
    func choose(
        _ asker: Asker, in tx: any StoreTransaction, now: Timestamp
    ) throws -> (Choice, [TaskID: SchedulableTask]) {
        guard asker.want.tasks > 0 else { return (Choice(tasks: [], refusals: []), [:]) }
        // A host at its limit gets nothing whatever waits: no queue is read for it.
        if let limit = Scheduler.limit(of: asker.view) { return (Choice(tasks: [], refusals: [limit]), [:]) }
        var programs = ProgramGate(core: self, tx: tx, now: now)
        var gate = PairingGate(core: self, asker: asker, tx: tx, now: now)
        var batches = BatchGate(tx: tx)
        let head = try batches.head { try tx.unsentTasks(notOf: asker.view.volunteer, after: $0, limit: 1).first?.id }
        let scattered = try scattered(for: asker, from: head, in: tx)
        var (limit, looks) = (0, 0)
        while true {
            let (inOrder, isAll) = try queue(for: asker, from: head, limit, &batches, in: tx)
            var seen: Set<TaskID> = []
            let tasks = (scattered + inOrder).filter { seen.insert($0.id).inserted }
            let candidates = try tasks.map { try programs.candidate($0) }
            var choice = try Scheduler.choose(
                candidates, host: asker.view, want: asker.want, now: now
            ) { task in try gate.allows(task) }
            if tasks.isEmpty { choice.refusals = try emptyQueue(choice.refusals, &batches, in: tx) }
            var isLast = choice.refusals.isEmpty || limit > 0 && (!choice.tasks.isEmpty || isAll)
            if !isLast {
                let hasPassed = passUnsuited(candidates, for: asker.view, &batches)
                isLast = looks == settings.looksMax || limit >= settings.candidatesMax && !hasPassed
            }
            if isLast { return (choice, Dictionary(tasks.map { ($0.id, $0) }) { first, _ in first }) }
            limit = limit == 0 ? settings.candidatesFirst : min(limit * 8, settings.candidatesMax)
            looks += 1
        }
    }

    /// A batch of which nothing has suited this host is passed over by the next look.
    /// - Returns: whether there is one that was not passed before, and so something else to look at.
    private func passUnsuited(_ tasks: [Candidate], for host: HostView, _ batches: inout BatchGate) -> Bool {
        var suits: [BatchID: Bool] = [:]
        let suiting = Scheduler.suiting(tasks, host: host)
        for (task, isSuited) in zip(tasks, suiting) where suits[task.id.unit.batch] != true {
            suits[task.id.unit.batch] = isSuited
        }
        var hasNew = false
        for (batch, isSuited) in suits where !isSuited && batches.pass(batch) { hasNew = true }
        return hasNew
    }

    /// The queue in order, without batches that are passed over. - Returns: at most `limit` tasks; whether that is all.
    private func queue(
        for asker: Asker, from head: TaskID?, _ limit: Int, _ batches: inout BatchGate, in tx: any StoreTransaction
    ) throws -> (tasks: [SchedulableTask], isAll: Bool) {
        guard let head else { return ([], true) }
        var found: [SchedulableTask] = []
        var after = TaskID(rawValue: head.rawValue - 1)
        while found.count < limit {
            let asked = min(limit - found.count, 256)
            let page = try tx.unsentTasks(notOf: asker.view.volunteer, after: after, limit: asked)
            let end = try page.firstIndex { try !batches.goesOn($0.id.unit.batch) }
            found += page[..<(end ?? page.count)]
            if let end {
                after = BatchGate.last(of: page[end].id.unit.batch)
            } else {
                guard page.count == asked, let last = page.last else { return (found, true) }
                after = last.id
            }
        }
        return (found, false)
    }

    /// Unsent tasks behind random places of the oldest batch that has any for this volunteer: one behind each place,
    /// then a second, so that the tasks of one reply lie apart.
    private func scattered(
        for asker: Asker, from first: TaskID?, in tx: any StoreTransaction
    ) throws -> [SchedulableTask] {
        let volunteer = asker.view.volunteer
        guard let first else { return [] }
        let batch = first.unit.batch
        let end = try tx.unsentNumbers(
            after: TaskID(rawValue: first.rawValue - 1), skipping: max(0, settings.placesAmong), limit: 1
        ).first?.unit
        let units = try end.flatMap { $0.batch == batch ? $0.index : nil } ?? tx.batch(batch)?.workUnitCount ?? 1
        var places = asker.places
        var rows: [[SchedulableTask]] = []
        for _ in 0..<min(2 * asker.want.tasks + 2, settings.placesMax) {
            let head = first.unit.index
            let unit = WorkUnitID(batch: batch, index: head + places.next(below: max(1, units - head)))
            // Not the first behind the place: that one lies behind whatever was given before, more often than not.
            var found = try tx.unsentNumbers(after: TaskID(rawValue: unit.rawValue << 6 - 1), limit: 16)
            // Behind the last one the queue goes on at its head.
            if found.first?.unit.batch != batch {
                found = try tx.unsentNumbers(after: TaskID(rawValue: first.rawValue - 1), limit: 16)
            }
            found.removeAll { $0.unit.batch != batch }
            var row: [SchedulableTask] = []
            while row.count < 2, !found.isEmpty {
                let task = found.remove(at: Int(places.next(below: Int64(found.count))))
                if let task = try tx.unsentTask(task, notOf: volunteer) { row.append(task) }
            }
            rows.append(row)
        }
        let all = (0..<2).flatMap { column in rows.compactMap { $0.count > column ? $0[column] : nil } }
        // Units that somebody has begun first: what waits for a second result does not wait long.
        return all.filter(\.isBegun) + all.filter { !$0.isBegun }
    }

    /// The store passes over tasks of units that this volunteer has had. When that leaves none, those may still wait
    /// for others, and a volunteer who is told that nothing waits would look for a fault.
    private func emptyQueue(
        _ refusals: [Refusal], _ batches: inout BatchGate, in tx: any StoreTransaction
    ) throws -> [Refusal] {
        guard refusals.map(\.reason) == [.noTasks],
            try batches.head({ try tx.unsentNumbers(after: $0 ?? TaskID(rawValue: -1), limit: 1).first }) != nil
        else { return refusals }
        let text = "tasks wait, but this volunteer has had a task of each of their work units already; others must come"
        return [Refusal(reason: .sameVolunteer, count: 0, text: text)]
    }
}

/// Which batches one call looks at: not those that were cancelled or have failed, whose tasks wait for a tick to end
/// them, and not those that do not suit the host.
struct BatchGate {
    let tx: any StoreTransaction
    private var known: [BatchID: Bool] = [:]

    init(tx: any StoreTransaction) {
        self.tx = tx
    }

    /// Nothing more of this batch is looked at. - Returns: false when that was so already.
    mutating func pass(_ id: BatchID) -> Bool { known.updateValue(false, forKey: id) != false }

    static func last(of batch: BatchID) -> TaskID {
        let next = WorkUnitID(batch: BatchID(rawValue: batch.rawValue + 1), index: 0)
        return TaskID(rawValue: TaskID(unit: next, ordinal: 0).rawValue - 1)
    }

    mutating func goesOn(_ id: BatchID) throws -> Bool {
        if let known = known[id] { return known }
        let goesOn = try tx.batch(id).map { !$0.state.hasEnded } ?? false
        known[id] = goesOn
        return goesOn
    }

    /// The first of the queue of a batch that goes on.
    /// - Parameter first: of those behind a task.
    mutating func head(_ first: (TaskID?) throws -> TaskID?) throws -> TaskID? {
        var after: TaskID?
        while let task = try first(after) {
            let batch = task.unit.batch
            if try goesOn(batch) { return task }
            after = Self.last(of: batch)
        }
        return nil
    }
}

/// Asks `Pairing` about single tasks: loads a unit, and of the hosts that share it what matters, once for a call.
struct PairingGate {
    let core: ProjectServer
    let asker: Asker
    let tx: any StoreTransaction
    let now: Timestamp
    private var spreads: [BatchID: SpreadRule?] = [:]
    private var hosts: [HostID: HostRecord] = [:]
    private var crowds: [String: [Int64: Pairing.Crowd]] = [:]

    init(core: ProjectServer, asker: Asker, tx: any StoreTransaction, now: Timestamp) {
        self.core = core
        self.asker = asker
        self.tx = tx
        self.now = now
    }

    mutating func allows(_ task: TaskID) throws -> Bool {
        guard let aggregate = try tx.workUnit(task.unit) else { return false }
        let unit = aggregate.unit
        guard aggregate.tasks.contains(where: { $0.state.assignment != nil }) else { return true }
        let needed = PairingGate.provenAfter(unit.replication)
        let app = Trust.app(unit.app)
        // Without its manifest nobody knows what the project asks for; the other batches go on.
        guard let spread = try spread(of: unit.id.batch) else { return false }
        let rule = Pairing.Rule(unit.replication, spread)
        let crowd = crowd(app, needed)
        let (lot, waited) = (core.keys.lot(of: asker.host.volunteer, for: unit.id), now - unit.updatedAt)
        // Most are refused by the lot: it is asked before others' records are looked for.
        guard Pairing.isDrawn(lot, among: crowd, rule, waited: waited) else { return false }
        var companions: [Pairing.Companion] = []
        for task in aggregate.tasks {
            guard let assignment = task.state.assignment, let host = try host(assignment.host) else { continue }
            companions.append(
                Pairing.Companion(host: try view(of: host, app, needed, spread), counts: task.state.mayCount))
        }
        return Pairing.refusal(
            of: try view(of: asker.host, app, needed, spread), beside: companions, rule, among: crowd, lot: lot,
            waited: waited) == nil
    }

    /// Counted once for a call.
    private mutating func crowd(_ app: String, _ needed: Int64) -> Pairing.Crowd {
        if let known = crowds[app]?[needed] { return known }
        let crowd = asker.crowd.among(app: app, needed: needed)
        crowds[app, default: [:]][needed] = crowd
        return crowd
    }

    /// Checked results without a failure after which a host may be in the majority: those that adaptive units ask for,
    /// elsewhere the least that is evidence at all.
    static func provenAfter(_ rule: ReplicationRule) -> Int64 {
        if case .adaptive(let adaptive) = rule.acceptance { Int64(adaptive.window) } else { Int64(Trust.evidenceMin) }
    }

    private func view(
        of host: HostRecord, _ app: String, _ needed: Int64, _ spread: SpreadRule
    ) throws -> Pairing.Host {
        let trust = try tx.trust(of: host.id, app: app)
        return Pairing.Host(
            volunteer: host.volunteer, isProven: Trust.windowMax(trust, now: now) >= needed,
            network: asker.crowd.network(host.id),
            team: spread.teams ? try tx.team(of: host.volunteer, at: now)?.rawValue : nil,
            hardware: host.profile.hardware)
    }

    private mutating func host(_ id: HostID) throws -> HostRecord? {
        if let known = hosts[id] { return known }
        let host = try tx.host(id)
        hosts[id] = host
        return host
    }

    /// - Returns: nil when the batch's manifest cannot be read.
    private mutating func spread(of batch: BatchID) throws -> SpreadRule? {
        if let known = spreads[batch] { return known }
        let manifest = try tx.batch(batch)?.manifest
        let spread = manifest.flatMap { try? core.spec($0).spread }
        spreads[batch] = .some(spread)
        return spread
    }
}

extension TaskState {
    /// Whether its result is or may come to be one of a quorum.
    var mayCount: Bool {
        switch self {
        case .sent, .reported, .expired: true
        case .decided(_, _, let verdict): verdict.outcome == .valid
        case .unsent, .failed, .aborted, .notNeeded: false
        }
    }
}

extension HostProfile {
    /// What floating-point results depend on: platform, and the processor's maker and family without its clock and
    /// model number, for example `x86_64-linux amd epyc`.
    public var hardware: String {
        let words = cpuModel.lowercased().split { !($0.isLetter || $0.isNumber) }.map(String.init)
        let noise: Set = ["r", "tm", "gen", "cpu", "processor", "core", "ghz", "with", "graphics"]
        let names = words.filter { word in !noise.contains(word) && word.allSatisfy(\.isLetter) }
        return ([platform] + names.prefix(2)).joined(separator: " ")
    }
}

extension Candidate {
    init(_ task: SchedulableTask) {
        self.init(
            id: task.id, app: task.app, flops: task.flops, flopsBound: task.flopsBound,
            memoryBytes: task.memoryBytes, diskBytes: task.diskBytes, outputBytesMax: task.outputBytesMax,
            deadlineSpan: task.deadlineSpan)
    }
}
