import Bytes
import Domain
import FoundationEssentials
import ServerCore
import Storage
import Wire

/// A host of the benchmark: what it holds and how often it has called.
struct BenchHost {
    let id: HostID
    var sequence: Int64 = 0
    var held: [UInt64] = []
}

/// The real server core on a store, called without HTTP. Results are eight bytes, and equal for equal units.
final class BenchSite {
    let core: ProjectServer
    let store: any Store
    let blobs: any BlobStore
    let batch: BatchID
    let unitCount: Int
    private(set) var now = Timestamp(seconds: 1_800_000_000)
    private var board = JobBoard()
    private var crowd = CrowdGauge()

    /// - Parameter isSplitAtOnce: all units are in the store when this returns; else they come as a server makes them,
    ///   some thousands ahead of what is computed.
    init(store: any Store, units: Int, quorum: Int, isSplitAtOnce: Bool) throws {
        self.store = store
        unitCount = units
        blobs = MemoryBlobStore(hash: BlobHash.factory)
        guard let key = SigningKey(rawRepresentation: [UInt8](repeating: 3, count: 32)) else {
            throw Fault(.software, "the project's key")
        }
        let spec = Self.spec(quorum)
        var settings = ServerSettings(site: "Bench", resultsPath: "/results")
        settings.splitDrafts = 1000
        if isSplitAtOnce { settings.readyUnitsMax = Int64(units) + 1 }
        let core = ProjectServer(settings: settings, keys: ServerKeys(project: key), blobs: blobs) { _ in spec }
        self.core = core
        let manifest = try blobs.put(Array("bench".utf8))
        let time = now
        batch = try store.transaction { tx in
            try core.submit(spec, manifest: manifest, inputs: [], in: tx, now: time).id
        }
        repeat { _ = try validate() } while try isSplitAtOnce && unitsMade() < units
    }

    func unitsMade() throws -> Int {
        Int(try store.transaction { tx in try tx.batch(batch)?.workUnitCount } ?? 0)
    }

    static func spec(_ quorum: Int) -> ProjectSpec {
        ProjectSpec(
            name: "bench", title: "Bench", description: "", scienceArea: "none", licence: "CC0-1.0", app: NoOp.name,
            parameters: [], inputs: [], split: SplitRule(stepsPerUnit: 1),
            replication: ReplicationRule(
                quorum: quorum, initial: quorum, maxTotal: 8, maxErrors: 4, deadline: TimeSpan(seconds: 1e6)),
            resources: ResourceRule(
                flopsPerStep: nil, flopsBoundFactor: 10, memoryBytes: 1 << 20, diskBytes: 1 << 16,
                outputBytes: 1 << 10),
            validation: ValidationRule(checkEach: false, relativeTolerance: nil, absoluteTolerance: nil),
            credit: CreditRule(factor: 1))
    }

    func register(_ number: Int) throws -> BenchHost {
        let (request, body, signature) = try BenchIdentity(number).registration(of: number)
        let call = try core.checkRegister(request, body: body, path: "/v1/register", signature: signature)
        let reply = try store.transaction { tx in try core.register(call, in: tx, now: now).get() }
        return BenchHost(id: HostID(rawValue: Int64(reply.hostID)))
    }

    func wait(_ milliseconds: Int64) { now = now + TimeSpan(milliseconds: milliseconds) }

    // MARK: Calls

    /// What a host sends: everything that it holds, computed, and a wish for as much again.
    func request(_ host: inout BenchHost, want: Int) -> WireSchedulerRequest {
        host.sequence += 1
        var request = WireSchedulerRequest()
        request.profile = Self.profile
        request.heldTasks = host.held
        request.reports = host.held.map { number in
            let unit = core.keys.task(numbered: Int64(clamping: number)).unit
            let bytes = LittleEndian.bytes(of: [unit.rawValue])
            var report = WireTaskReportMessage()
            report.taskID = number
            report.success.resultSha256 = Data(SHA256Hash.digest(of: bytes).bytes)
            report.success.resultBytes = UInt64(bytes.count)
            report.success.resultInline = Data(bytes)
            report.success.cpuSeconds = 1
            report.success.wallSeconds = 1
            report.success.fingerprint = "bench"
            return report
        }
        host.held = []
        request.wantTasks = UInt32(want)
        request.wantSeconds = 1e9
        request.apps = ["\(NoOp.name)/1"]
        return request
    }

    /// Group commit, as the writer's thread does it.
    func schedule(_ calls: [(SchedulerCall, BenchHost)]) throws -> [ScheduleOutcome] {
        try store.transaction { tx in
            try calls.map { call, host in
                try tx.savepoint { tx in
                    try core.schedule(
                        call, host: host.id, sequence: host.sequence, sentLastDay: 0,
                        crowd: try crowd.current(core, in: tx, now: now), in: tx, now: now
                    ).get()
                }
            }
        }
    }

    // MARK: The validator

    func tick() throws -> [ServerJob] {
        let report = try store.transaction { tx in try core.tick(board, in: tx, now: now) }
        core.started(report, on: &board)
        return report.jobs
    }

    /// Does the jobs of one tick, their ends in one transaction. - Returns: how many there were.
    func validate() throws -> Int {
        var events: [(ServerJob, JobEvent)] = []
        for job in try tick() {
            let reply = NoOp.answer(job.message, units: unitCount)
            events.append((job, try core.event(job, .reply(reply), board: board, now: now)))
        }
        try store.transaction { tx in
            for (_, event) in events {
                var rest: JobEvent? = event
                while let event = rest { rest = try tx.savepoint { try core.commit(event, in: $0, now: now) } }
            }
        }
        for (job, event) in events { core.ended(job, event, on: &board, now: now) }
        return events.count
    }

    static let profile: WireHostProfileMessage = {
        var profile = WireHostProfileMessage()
        profile.name = "host"
        profile.platform = "x86_64-linux"
        profile.cores = 64
        profile.memoryBytes = 64 << 30
        profile.diskFreeBytes = 100 << 30
        profile.benchmarkFlopsPerSecond = 1e10
        profile.clientVersion = "bench"
        return profile
    }()
}
