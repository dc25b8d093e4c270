import Bytes
import Domain
import FoundationEssentials
import ServerCore
import Storage
import Wire

/// One run: a server, hosts, what lies between them, and the checkers. One thread, one queue of events.
final class World {
    let seed: UInt64
    let options: SimOptions
    private(set) var now: Int64 = 0
    private(set) var step = 0
    private var queue = EventQueue<SimEvent>()
    private var trace = Trace()
    private let checkers: [any Checker]
    private(set) var violation: Violation?

    private var serverInPlace: SimServer?
    private var networkInPlace: Network?
    private(set) var hosts: [SimHost] = []

    var app: SimulatedApp
    var rumours = Rumours()
    /// The containers of the units that were made.
    var unitContainers: [WorkUnitID: Digest] = [:]
    /// The units as after the last commit.
    private var mirror: [WorkUnitID: WorkUnitAggregate] = [:]
    private var openUnits = 0
    private var healed = false
    private(set) var healedAt: Int64 = 0
    /// Set when the time is over rather than the run cut short.
    private(set) var isOver = false
    /// The calls whose work is in the transaction, by host.
    var callsInProgress: [HostID: ServerCore.SchedulerCall] = [:]
    var isPlantDone = false
    private var receiptsOfReply: (bytes: Data, receipts: WireReceipts)?

    private static let pauseEvery = 20_000

    /// - Parameter store: what the server keeps its rows in; the default is the memory twin.
    init(seed: UInt64, options: SimOptions, store: any Store, show: ((String) -> Void)?) throws {
        self.seed = seed
        self.options = options
        checkers = Checkers.all(options)
        app = SimulatedApp(seed: seed)
        trace.show = show
        networkInPlace = Network(world: self)
        let server = try SimServer(world: self, store: store)
        serverInPlace = server
        for kind in PopulationKind.allCases {
            for number in 0..<options[kind] {
                hosts.append(SimHost(world: self, place: hosts.count, kind: kind, number: number))
            }
        }
        try server.submit()
        plan(.serverBoot, after: 0)
        plan(.heal, after: Int64(options.faultSeconds) * 1000)
        var draws = Draws(seed: seed, purpose: 0x10)
        for host in hosts {
            plan(.power(host: host.place, .on), after: draws.whole(100...60_000))
            if has(.clocks), host.kind == .wrongClock {
                plan(.power(host: host.place, .clockJump), after: draws.wait(mean: 1_200_000))
            }
        }
    }

    var server: SimServer {
        guard let serverInPlace else { preconditionFailure("the server is there before anything happens") }
        return serverInPlace
    }

    var network: Network {
        guard let networkInPlace else { preconditionFailure("the network is there before anything happens") }
        return networkInPlace
    }

    var traceHash: UInt64 { trace.hash }

    // MARK: What the parts ask for

    func plan(_ event: SimEvent, after wait: Int64) { queue.plan(event, at: now + wait) }

    /// Whether a kind of fault may happen now.
    func has(_ kind: ChaosKind) -> Bool { !healed && options.faults.contains(kind) }

    func stepped() { step += 1 }

    @inline(__always)
    func note(
        _ kind: TraceKind, who: Int, _ first: Int64, _ second: Int64, _ words: @autoclosure () -> String
    ) {
        trace.note(kind, at: now, who: who, first, second, words())
    }

    func read<T>(_ body: (any StoreTransaction) throws -> T) throws -> T {
        try server.truth.transaction(body)
    }

    /// The receipts of a reply, decoded once for all checkers.
    func receipts(_ reply: WireSchedulerReply) -> WireReceipts? {
        if reply.receipts.isEmpty { return nil }
        if let known = receiptsOfReply, known.bytes == reply.receipts { return known.receipts }
        guard
            let receipts = try? StrictDecode.message(
                WireReceipts.self, from: Array(reply.receipts), limit: Limits.rpcBytesMax)
        else { return nil }
        receiptsOfReply = (reply.receipts, receipts)
        return receipts
    }

    // MARK: Checking

    func see(_ observation: Observation) {
        guard violation == nil else { return }
        for checker in checkers {
            do {
                guard let text = try checker.see(observation, self) else { continue }
                report(checker.name, text)
                return
            } catch {
                report(checker.name, "the checker cannot read what it must: \(error)")
                return
            }
        }
    }

    func report(_ checker: String, _ text: String) {
        guard violation == nil else { return }
        violation = Violation(checker: checker, text: text, step: step, seconds: Double(now) / 1000)
    }

    /// After each transaction, whatever was said of it: what was written is looked at.
    func committed(_ written: Written) {
        for id in written.units {
            guard let aggregate = try? read({ try $0.workUnit(id) }) else { continue }
            let before = mirror.updateValue(aggregate, forKey: id)
            if before == aggregate { continue }
            if before == nil {
                openUnits += 1
                unitContainers[id] = aggregate.unit.container
            }
            if before?.unit.state.isFinal != true, aggregate.unit.state.isFinal { openUnits -= 1 }
            note(.unit, who: -1, id.rawValue, World.code(aggregate.unit.state), "\(id) is \(aggregate.unit.state)")
            see(.unit(aggregate, before: before))
        }
        for entry in written.ledger {
            note(.receipt, who: -1, entry.task.rawValue, entry.amount.microcobblestones, "task \(entry.task) is paid")
            see(.granted(entry))
        }
        defer { callsInProgress = [:] }
        for (task, host) in written.sent {
            guard let call = callsInProgress[host.id] else { continue }
            let asked = ServerCall(
                queuedSeconds: call.queuedSeconds, availability: call.availability, cores: host.profile.cores)
            see(.sent(task, host, asked))
        }
    }

    private static func code(_ state: WorkUnitState) -> Int64 {
        switch state {
        case .ready: 1
        case .active: 2
        case .comparing: 3
        case .validated(let task): 4 << 8 | Int64(task.ordinal)
        case .assembled(let task): 5 << 8 | Int64(task.ordinal)
        case .purged(let task): 6 << 8 | Int64(task.ordinal)
        case .failed: 7
        case .cancelled: 8
        case .provisional(let task): 9 << 8 | Int64(task.ordinal)
        }
    }

    /// Whether two results say the same, by their bytes.
    func agree(_ first: Digest, _ second: Digest, of unit: WorkUnitRecord) throws -> Bool {
        if first == second { return true }
        guard let one = try value(first, of: unit), let other = try value(second, of: unit) else { return false }
        return one == other
    }

    private func value(_ result: Digest, of unit: WorkUnitRecord) throws -> UInt64? {
        let container = try server.trueBlobs.read(unit.container, limit: Limits.workUnitBytesMax)
        let facts = try app.facts(of: container, named: unit.container)
        let bytes = try server.trueBlobs.read(result, limit: Limits.resultBytesMax)
        return try? SimulatedApp.value(in: bytes, of: facts, limit: Int(unit.outputBytesMax))
    }

    func isTrue(_ task: TaskID, of aggregate: WorkUnitAggregate) throws -> Bool {
        guard let report = aggregate.tasks[task.ordinal].state.report else { return false }
        let container = try server.trueBlobs.read(aggregate.unit.container, limit: Limits.workUnitBytesMax)
        let facts = try app.facts(of: container, named: aggregate.unit.container)
        return try value(report.result, of: aggregate.unit) == facts.truth
    }

    // MARK: Running

    /// Runs to the end, to the first violation, or to the last step that the options allow.
    func run() {
        let end = Int64(options.faultSeconds + options.boundSeconds) * 1000
        while violation == nil {
            if let last = options.lastStep, step >= last { return }
            guard let (at, event) = queue.next(), at <= end else { break }
            now = at
            stepped()
            if options.plant == .unseeded { disturb() }
            happen(event)
            if step % World.pauseEvery == 0 { see(.pause) }
            if healed, openUnits == 0, !mirror.isEmpty, isQuiet { break }
        }
        guard violation == nil else { return }
        isOver = true
        see(.end)
    }

    /// Every unit has ended and the batch with them; late results may still come, and change nothing that is promised.
    private var isQuiet: Bool {
        guard step % 64 == 0, mirror.count == options.units, now - healedAt > 60_000 else { return false }
        return hasEnded
    }

    /// Whether the batch has its answer, or a reason why there is none.
    var hasEnded: Bool {
        let batch = try? read { try $0.batch(BatchID(rawValue: 1)) }
        switch batch?.state {
        case .finished, .failed, .cancelled: return true
        case .running, .assembling, nil: return false
        }
    }

    /// The canary of the trace: a number that no seed determines.
    private func disturb() {
        if step % 64 == 0 { note(.clock, who: -1, Int64.random(in: 0...Int64.max), 0, "noise") }
    }

    private func happen(_ event: SimEvent) {
        switch event {
        case .chores(let place, let life): if let host = living(place, life) { host.chores() }
        case .wake(let place, let life): if let host = living(place, life) { host.wake() }
        case .input(let place, let life, let input): if let host = living(place, life) { host.feed(input) }
        case .disk(let place, let life): if let host = living(place, life) { host.diskDone() }
        case .worker(let place, let life, let task, let run):
            if let host = living(place, life) { host.workerDone(task, number: run) }
        case .power(let place, let change): hosts[place].change(change)
        case .answer(let place, let life, let call, let answer):
            if let host = living(place, life) { host.take(answer, of: call) }
        case .arrive(let request): server.arrive(request)
        case .writer(let life): if server.life == life { server.commit() }
        case .serverTick(let life, let number):
            if server.life == life, server.tickNumber == number { server.tick() }
        case .jobEnd(let life, let job, let result): if server.life == life { server.jobEnded(job, result) }
        case .serverDeath: if has(.serverDeath) { server.die() }
        case .serverBoot: server.boot()
        case .heal: heal()
        }
    }

    private func living(_ place: Int, _ life: Int) -> SimHost? {
        let host = hosts[place]
        return host.life == life && host.isUp ? host : nil
    }

    private func heal() {
        healed = true
        healedAt = now
        server.faults.heal()
        note(.heal, who: -1, 0, 0, "faults end")
        // Whoever is down comes up by the plan that its death has made.
    }
}

extension World {
    /// Units that ended with a result, without one, and with a wrong one.
    func outcome() -> RunOutcome {
        var outcome = RunOutcome()
        for (_, aggregate) in mirror {
            outcome.tasks += aggregate.tasks.filter { $0.state.assignment != nil }.count
            guard let canonical = aggregate.unit.state.canonical else {
                if aggregate.unit.state.isFinal { outcome.failed += 1 } else { outcome.open += 1 }
                continue
            }
            outcome.validated += 1
            if (try? isTrue(canonical, of: aggregate)) == false { outcome.wrong += 1 }
        }
        return outcome
    }
}

/// What became of the units of a run.
public struct RunOutcome: Hashable, Sendable {
    public var validated = 0
    public var failed = 0
    public var open = 0
    /// Validated units whose value is not the true one.
    public var wrong = 0
    /// Tasks that were ever sent.
    public var tasks = 0

    public init() {}
}
