import Bytes
import Domain
import FoundationEssentials
import Glibc
import Logging
import ServerCore
import ServerHTTP
import Storage
import StoragePostgres
import StorageSQLite
import Wire
import WorkerHost

/// The real server in this process, on a free port of loopback, with an app that computes nothing.
struct BenchServer {
    let parts: ServerStart.Parts
    let port: Int
    private let serving: Task<Void, any Error>

    /// - Parameters:
    ///   - hosts: registered before anybody may call: the server lets only a few through a second.
    ///   - volunteers: who share the hosts; 0: each has one.
    ///   - database: of PostgreSQL, in place of SQLite.
    ///   - batch: what each submitted batch has.
    static func start(
        path: String, hosts: Int = 0, volunteers: Int = 0, port: Int = 0, database: String? = nil,
        batch: BenchBatch = BenchBatch()
    ) async throws -> BenchServer {
        let directory = try DataDirectory(
            path: path, hash: BlobHash.factory, shared: database.map { PostgresSmallBlobs($0) })
        let open = { @Sendable () throws -> any Store in
            if let database { try PostgresStore(database) } else { try directory.openStore() }
        }
        LoggingSystem.bootstrap { StreamLogHandler.standardError(label: $0) }
        var log = Logger(label: "millrace-bench")
        log.logLevel = .error
        var options = ServerStart.Options(site: "Bench", workers: 1, webFolder: nil)
        options.limits = .withoutRates
        options.readyUnitsMax = batch.ready.map(Int64.init)
        let files = ServerFiles(path: path)
        if hosts > 0 {
            let core = ProjectServer(
                settings: ServerSettings(site: "Bench", resultsPath: path),
                keys: ServerKeys(project: try files.projectKey()), blobs: directory.blobs
            ) { _ in throw Fault(.software, "there is no batch") }
            try register(hosts, volunteers: volunteers, in: try open(), core)
        }
        let parts = try ServerStart.start(
            files: files, blobs: directory.blobs,
            options: options, log: log,
            clock: { Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000)) },
            makePerformer: { NoOpPerformer(units: batch.units) },
            leadership: database.map { PostgresElection($0) } ?? SoleLeadership(),
            makeStore: open)
        let server = WebServer(routes: parts.routes, address: try WebServer.Address("127.0.0.1:\(port)"), log: log)
        let (ports, found) = AsyncStream.makeStream(of: Int.self)
        let serving = Task {
            defer { found.finish() }
            try await server.run(signals: []) { found.yield($0.port) }
        }
        var iterator = ports.makeAsyncIterator()
        guard let port = await iterator.next() else {
            try await serving.value
            throw Fault(.software, "the server ended before it listened")
        }
        return BenchServer(parts: parts, port: port, serving: serving)
    }

    /// As if each had called at some time; a later start finds them.
    /// - Parameter volunteers: who share the hosts; 0: each has one.
    static func register(_ count: Int, volunteers: Int = 0, in store: any Store, _ core: ProjectServer) throws {
        let now = Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000))
        for first in stride(from: 0, to: count, by: 1000) {
            let calls = try (first..<min(first + 1000, count)).map { number in
                let (request, body, signature) = try BenchIdentity(number).registration(of: number)
                let call = try core.checkRegister(request, body: body, path: "/v1/register", signature: signature)
                return (number, call)
            }
            try store.transaction { tx in
                for (number, call) in calls {
                    guard volunteers > 0, number >= volunteers else {
                        _ = try core.register(call, in: tx, now: now).get()
                        continue
                    }
                    // As if it had joined with a link code.
                    let owner = VolunteerID(rawValue: Int64(number % volunteers + 1))
                    _ = try tx.insertHost { host(call, id: $0, of: owner, now: now) }
                }
            }
        }
    }

    private static func host(
        _ call: RegisterCall, id: HostID, of volunteer: VolunteerID, now: Timestamp
    ) -> HostRecord {
        HostRecord(
            id: id, volunteer: volunteer, publicKey: call.publicKey, profile: call.profile, sequence: 0,
            measuredFlopsPerSecond: nil, validCount: 0, invalidCount: 0, errorCount: 0, credit: .zero, createdAt: now,
            lastSeenAt: now)
    }

    func stop() async {
        serving.cancel()
        _ = await serving.result
        let runtime = parts.runtime
        await withCheckedContinuation { done in
            BlockingThread.start("bench-stop") {
                runtime.stop()
                done.resume()
            }
        }
    }
}

/// A host whose key follows from its number, so that server and load know it without a word.
struct BenchIdentity {
    let number: Int
    let key: SigningKey

    init(_ number: Int) throws {
        let seed = HMACSHA256.code(for: LittleEndian.bytes(of: [Int64(number)]), key: Array("bench".utf8))
        guard let key = SigningKey(rawRepresentation: seed) else { throw Fault(.software, "a host's key") }
        self.number = number
        self.key = key
    }

    func registration(of volunteer: Int) throws -> (WireRegisterRequest, body: [UInt8], signature: [UInt8]) {
        var request = WireRegisterRequest()
        request.publicKey = Data(key.publicKey.rawRepresentation)
        request.volunteerName = "volunteer \(volunteer)"
        request.profile = BenchSite.profile
        let body = try StrictDecode.bytes(of: request)
        let signed = RequestSignature.message(method: "POST", path: "/v1/register", sequence: 0, body: body)
        return (request, body, key.sign(signed))
    }
}

/// The batches of a server.
struct BenchBatch: Sendable {
    var units = NoOp.unitsMax
    /// How many are made ahead of the hosts; nil: as the server has it.
    var ready: Int?
}

struct NoOpPerformer: JobPerformer {
    let units: Int

    func perform(_ job: WireWorkerJob, timeoutSeconds: Double) throws(Fault) -> WireWorkerReply {
        NoOp.answer(job, units: units)
    }

    func abandon() {}
}
