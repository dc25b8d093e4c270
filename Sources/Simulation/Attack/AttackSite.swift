import Bytes
import Domain
import Engine
import FoundationEssentials
import ServerCore
import Storage
import Wire

/// A host of the attack's site: a number, and what it holds.
struct AttackHost {
    let id: HostID
    let volunteer: VolunteerID
    var sequence: Int64 = 0
    var held: [WireTaskOffer] = []
}

/// The real server core on a memory store, driven call by call: no network, no disks, no faults. What a host reports is
/// eight bytes, the worker compares results by their hashes, and time goes on by a minute with every call.
final class AttackSite {
    let fixture: AttackFixture
    let core: ProjectServer
    let store: any Store
    let blobs: any BlobStore
    let batch: BatchID
    private(set) var now = AttackFixture.start
    private var board = JobBoard()
    private var crowd = CrowdGauge()
    var draws: Draws
    private let seed: UInt64
    /// How many answers an honest host may find; 0: any.
    var answers: UInt64 = 0

    init(_ fixture: AttackFixture, seed: UInt64) throws {
        self.fixture = fixture
        self.seed = seed
        draws = Draws(seed: seed, purpose: 0xA7)
        let blobs = MemoryBlobStore(hash: BlobHash.factory)
        self.blobs = blobs
        let store = MemoryStore()
        self.store = store
        let core = fixture.server(blobs, seed: seed)
        self.core = core
        let manifest = try blobs.put(Array("attacked project".utf8))
        let input = InputReference(
            name: "table", digest: try blobs.put(Array("table".utf8)), size: 5, packing: .plain)
        let now = now
        batch = try store.transaction { tx in
            try core.submit(fixture.spec, manifest: manifest, inputs: [input], in: tx, now: now).id
        }
        try work()
    }

    func wait(_ seconds: Double) { now = now + TimeSpan(seconds: seconds) }

    // MARK: Values

    func truth(_ unit: WorkUnitID) -> UInt64 {
        let value = scrambled(scrambled(seed) ^ UInt64(bitPattern: unit.rawValue))
        return answers > 0 ? value % answers : value
    }

    /// What all attackers of a seed agree on.
    func forgery(_ unit: WorkUnitID) -> UInt64 { ~truth(unit) }

    static func bytes(_ value: UInt64) -> [UInt8] { LittleEndian.bytes(of: [Int64(bitPattern: value)]) }

    // MARK: Hosts

    /// The task that an offer is about; hosts know it by another number.
    func task(_ offer: WireTaskOffer) -> TaskID { core.keys.task(numbered: Int64(clamping: offer.taskID)) }

    func register(_ number: Int) throws -> AttackHost {
        let call = try fixture.registration(number, by: core)
        let reply = try store.transaction { tx in try core.register(call, in: tx, now: now).get() }
        return AttackHost(
            id: HostID(rawValue: Int64(reply.hostID)), volunteer: VolunteerID(rawValue: Int64(reply.volunteerID)))
    }

    /// One call of the scheduler: reports what the host says of tasks, and fetches others.
    func call(
        _ host: inout AttackHost, says: [(TaskID, UInt64)] = [], want: Int = 0, after seconds: Double = 60
    ) throws {
        wait(seconds)
        host.sequence += 1
        var request = WireSchedulerRequest()
        request.profile = AttackFixture.profile
        request.heldTasks = host.held.map(\.taskID)
        request.reports = says.map { report($0.0, Self.bytes($0.1)) }
        request.wantTasks = UInt32(want)
        request.wantSeconds = 1e9
        request.apps = AttackFixture.apps
        let call = try core.checkScheduler(request, now: now)
        let (id, sequence) = (host.id, host.sequence)
        let wanted = try store.transaction { tx in
            try core.wantedInline(call, host: id, sequence: sequence, in: tx)
        }
        try core.storeInline(call, wanted)
        let outcome = try store.transaction { tx in
            try core.schedule(
                call, host: id, sequence: sequence, sentLastDay: 0,
                crowd: fixture.isInOrder ? ServerCore.Crowd() : crowd.current(core, in: tx, now: now), in: tx, now: now)
        }
        let done = Set(says.map { core.keys.number(of: $0.0) })
        host.held.removeAll { done.contains($0.taskID) }
        host.held += try outcome.get().reply.tasks.map(\.message)
    }

    private func report(_ task: TaskID, _ bytes: [UInt8]) -> WireTaskReportMessage {
        var report = WireTaskReportMessage()
        report.taskID = core.keys.number(of: task)
        report.success.resultSha256 = Data(SHA256Hash.digest(of: bytes).bytes)
        report.success.resultBytes = UInt64(bytes.count)
        report.success.resultInline = Data(bytes)
        report.success.cpuSeconds = 40
        report.success.wallSeconds = 40
        report.success.fingerprint = "attack"
        return report
    }

    // MARK: The worker

    /// Ticks until the server asks for nothing more. Jobs of a tick end in any order, as those of several workers do.
    func work() throws {
        repeat {
            let report = try store.transaction { tx in try core.tick(board, in: tx, now: now) }
            core.started(report, on: &board)
            var jobs = report.jobs
            for at in jobs.indices.reversed() { jobs.swapAt(at, draws.index(below: at + 1)) }
            for job in jobs { try run(job) }
        } while try store.transaction { tx in try !tx.unitsAwaitingValidation(limit: 1).isEmpty }
    }

    private func run(_ job: ServerJob) throws {
        let event: JobEvent
        var reply = WireWorkerReply()
        switch job.message.job {
        case .split:
            event = try fixture.split(job, by: core, now: now)
        case .compare(let compare):
            // The names of the results are their hashes: the app is exact.
            let results = compare.results.map(\.path)
            for first in results.indices {
                for second in results.indices.dropFirst(first + 1) {
                    var pair = WirePairReply()
                    pair.first = UInt32(first)
                    pair.second = UInt32(second)
                    pair.agree = results[first] == results[second]
                    pair.difference.element = "value"
                    pair.difference.distance = 1
                    reply.compare.pairs.append(pair)
                }
            }
            event = try core.event(job, .reply(reply), board: board, now: now)
        case .assemble:
            reply.assemble.files = ["answer.csv"]
            event = try core.event(job, .reply(reply), board: board, now: now)
        case .check, .describe, nil:
            throw Fault(.software, "a job that an exact app has no need of")
        }
        var rest: JobEvent? = event
        while let event = rest { rest = try store.transaction { tx in try core.commit(event, in: tx, now: now) } }
        core.ended(job, event, on: &board, now: now)
    }

    // MARK: Looking

    /// Whether a task waits of a unit that somebody has had: older units come first.
    func hasReplicaWaiting() throws -> Bool {
        try store.transaction { tx in
            try tx.unsentTasks(notOf: VolunteerID(rawValue: 0), after: nil, limit: 1).contains { $0.id.ordinal > 0 }
        }
    }

    func isRunning() throws -> Bool {
        try store.transaction { tx in try tx.batch(batch)?.state == .running }
    }

    /// What was reported by some hosts, and what of it is final although it is forged.
    func tally(of hosts: Set<HostID>) throws -> AttackTally {
        var tally = AttackTally()
        let units = try store.transaction { tx in try tx.workUnits(of: batch, fromIndex: 0, limit: .max) }
        for aggregate in units {
            let truth = SHA256Hash.digest(of: Self.bytes(truth(aggregate.unit.id)))
            for task in aggregate.tasks {
                guard let assignment = task.state.assignment, hosts.contains(assignment.host),
                    let report = task.state.report
                else { continue }
                tally.results += 1
                if case .decided(_, _, let verdict) = task.state, verdict.outcome == .valid, report.result != truth {
                    tally.accepted += 1
                }
            }
        }
        return tally
    }
}
