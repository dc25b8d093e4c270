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

    static let app = "no-op"

    /// Splits the batch into units that are all in the store when this returns.
    init(store: any Store, units: Int, quorum: Int) throws {
        self.store = store
        unitCount = units
        blobs = MemoryBlobStore(hash: BlobHash.factory)
        guard let key = SigningKey(rawRepresentation: [UInt8](repeating: 3, count: 32)) else {
            throw Fault(.software, "the project's key")
        }
        let spec = Self.spec(quorum)
        var settings = ServerSettings(site: "Bench", resultsPath: "/results")
        settings.splitDrafts = 1000
        settings.readyUnitsMax = Int64(units) + 1
        let core = ProjectServer(settings: settings, keys: ServerKeys(project: key), blobs: blobs) { _ in spec }
        self.core = core
        let manifest = try blobs.put(Array("bench".utf8))
        let time = now
        batch = try store.transaction { tx in
            try core.submit(spec, manifest: manifest, inputs: [], in: tx, now: time).id
        }
        var made = 0
        while made < units { made = try split() }
    }

    private static func spec(_ quorum: Int) -> ProjectSpec {
        ProjectSpec(
            name: "bench", title: "Bench", description: "", scienceArea: "none", licence: "CC0-1.0", app: app,
            parameters: [], inputs: [], split: SplitRule(stepsPerUnit: 1),
            replication: ReplicationRule(
                quorum: quorum, initial: quorum, maxTotal: 8, maxErrors: 4, deadline: TimeSpan(seconds: 1e6)),
            resources: ResourceRule(
                flopsPerStep: nil, flopsBoundFactor: 10, memoryBytes: 1 << 20, diskBytes: 1 << 16,
                outputBytes: 1 << 10),
            validation: ValidationRule(checkEach: false, relativeTolerance: nil, absoluteTolerance: nil),
            credit: CreditRule(factor: 1))
    }

    /// One piece of the batch. - Returns: units so far.
    private func split() throws -> Int {
        let jobs = try tick()
        for job in jobs {
            guard case .split(let split) = job.message.job else { continue }
            var reply = WireWorkerReply()
            let first = Int(job.batch.workUnitCount)
            let count = min(Int(split.limit), unitCount - first)
            reply.split.drafts = (first..<(first + count)).map { index in
                var draft = WireUnitDraftMessage()
                draft.label = "unit \(index)"
                draft.flops = 1e9
                draft.sections = [
                    SectionCodec.stored(
                        name: "number", kind: .elementInt64, bytes: LittleEndian.bytes(of: [Int64(index)]))
                ]
                return draft
            }
            reply.split.cursor = Data(LittleEndian.bytes(of: [Int64(first + count)]))
            reply.split.finished = first + count == unitCount
            reply.split.appVersion = 1
            try finish(job, reply)
        }
        return Int(try store.transaction { tx in try tx.batch(batch)?.workUnitCount } ?? 0)
    }

    func register(_ number: Int) throws -> BenchHost {
        var request = WireRegisterRequest()
        let seed = HMACSHA256.code(for: LittleEndian.bytes(of: [Int64(number)]), key: Array("bench".utf8))
        guard let key = SigningKey(rawRepresentation: seed) else { throw Fault(.software, "a host's key") }
        request.publicKey = Data(key.publicKey.rawRepresentation)
        request.volunteerName = "volunteer \(number)"
        request.profile = Self.profile
        let body = try StrictDecode.bytes(of: request)
        let signed = RequestSignature.message(method: "POST", path: "/v1/register", sequence: 0, body: body)
        let call = try core.checkRegister(request, body: body, path: "/v1/register", signature: key.sign(signed))
        let reply = try store.transaction { tx in try core.register(call, in: tx, now: now) }
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
        request.apps = ["\(Self.app)/1"]
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
        let jobs = try store.transaction { tx in try core.tick(board, in: tx, now: now) }.jobs
        core.started(jobs, on: &board)
        return jobs
    }

    /// Compares by hash, all ends of one tick in one transaction. - Returns: how many jobs there were.
    func validate() throws -> Int {
        var events: [(ServerJob, JobEvent)] = []
        for job in try tick() {
            guard case .compare(let compare) = job.message.job else { continue }
            var reply = WireWorkerReply()
            let results = compare.results.map(\.path)
            for first in results.indices {
                for second in results.indices.dropFirst(first + 1) {
                    var pair = WirePairReply()
                    pair.first = UInt32(first)
                    pair.second = UInt32(second)
                    pair.agree = results[first] == results[second]
                    reply.compare.pairs.append(pair)
                }
            }
            events.append((job, try core.event(job, .reply(reply), board: board, now: now)))
        }
        try store.transaction { tx in
            for (_, event) in events { try tx.savepoint { try core.commit(event, in: $0, now: now) } }
        }
        for (job, event) in events { core.ended(job, event, on: &board, now: now) }
        return events.count
    }

    private func finish(_ job: ServerJob, _ reply: WireWorkerReply) throws {
        let event = try core.event(job, .reply(reply), board: board, now: now)
        try store.transaction { tx in try core.commit(event, in: tx, now: now) }
        core.ended(job, event, on: &board, now: now)
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
