import Bytes
import Domain
import FoundationEssentials
import ServerCore
import Storage
import Wire

/// The server's process: the real `ProjectServer` between simulated edges.
///
/// What survives a death is what the store has committed and what lies in the blob store; the board, the counts of the
/// day and requests in progress do not. The edges follow `ServerHTTP`: blob first, row second, reply last.
final class SimServer {
    unowned let world: World
    let core: ProjectServer
    /// As the server sees it, through faults.
    let store: any Store
    /// As it is.
    let truth: any Store
    let watched: WatchedStore
    let blobs: any BlobStore
    let trueBlobs: any BlobStore
    let faults: ServerFaults
    let worker: ModelWorker
    let spec: ProjectSpec
    var draws: Draws

    // Lost with the process.
    var isUp = false
    var life = 0
    var board = JobBoard()
    var sentToday = DayCounts()
    var crowd = CrowdGauge()
    var writer = SimWriter()
    var isWriterPlanned = false
    var isTickPlanned = false
    /// A tick of another number was overtaken by a later one.
    var tickNumber = 0
    /// Requests whose connection is open.
    var open: [Request] = []
    var idleWorkers = 2
    var waitingJobs: [ServerJob] = []

    /// Batches whose answer was published.
    var published: Set<BatchID> = []

    static let epoch: Int64 = 1_800_000_000_000
    private static let keySeed = [UInt8](repeating: 7, count: 32)
    static let tickMilliseconds: Int64 = 5000

    init(world: World, store base: any Store) throws {
        self.world = world
        let options = world.options
        draws = Draws(seed: world.seed, purpose: 0x5E)
        faults = ServerFaults(seed: world.seed, options.faults)
        truth = base
        let watched = WatchedStore(base)
        self.watched = watched
        let planted = options.plant.map { PlantedStore(watched, $0) } ?? watched as any Store
        let script = faults
        store = FaultyStore(planted) { _ in script.ofTransaction() }
        let trueBlobs = MemoryBlobStore(hash: BlobHash.factory)
        self.trueBlobs = trueBlobs
        let kept: any BlobStore =
            options.plant == .losesBlob ? LosingBlobStore(trueBlobs, lostPut: options.units + 1) : trueBlobs
        blobs = FaultyBlobStore(kept, hash: BlobHash.factory) { _, _ in script.ofBlobCall() }
        worker = ModelWorker(
            units: options.units, flops: Double(options.unitSeconds) * SimulatedApp.nominalSpeed,
            agreesWithAll: options.plant == .agreesWithAll)
        let spec = SimServer.spec(options)
        self.spec = spec
        guard let key = SigningKey(rawRepresentation: SimServer.keySeed) else {
            throw StoreError.corrupt("the project's key")
        }
        // One key for all seeds, but each seed's own lots and draws.
        let seed = LittleEndian.bytes(of: [Int64(bitPattern: world.seed)])
        let keys = ServerKeys(project: key, secret: HMACSHA256.code(for: seed, key: SimServer.keySeed))
        var settings = ServerSettings(site: "Simulation", resultsPath: "/results")
        // Idle hosts call less often than in production: they learn nothing by it, and calls cost most of the time.
        settings.waitingCallSeconds = 20
        settings.idleCallSeconds = 60
        core = ProjectServer(
            settings: settings, keys: keys,
            blobs: blobs, spec: { _ in spec })
    }

    var now: Timestamp { Timestamp(milliseconds: SimServer.epoch + world.now) }

    /// The scientist's submission, before anything can fail.
    func submit() throws {
        let manifest = try trueBlobs.put(Array("simulated project".utf8))
        let table = Array("a table that every unit needs".utf8)
        let input = InputReference(
            name: SimulatedApp.inputName, digest: try trueBlobs.put(table), size: Int64(table.count), packing: .plain)
        _ = try truth.transaction { tx in
            try core.submit(spec, manifest: manifest, inputs: [input], in: tx, now: now)
        }
    }

    private static func spec(_ options: SimOptions) -> ProjectSpec {
        ProjectSpec(
            name: "simulated", title: "Simulated", description: "", scienceArea: "none", licence: "CC0-1.0",
            app: SimulatedApp.name, parameters: [],
            inputs: [InputFile(name: SimulatedApp.inputName, path: SimulatedApp.inputName, packing: .plain)],
            split: SplitRule(stepsPerUnit: 1),
            replication: ReplicationRule(
                quorum: options.quorum, initial: options.checkRate > 0 ? 1 : options.quorum,
                maxTotal: options.maxTotal, maxErrors: options.maxErrors,
                deadline: TimeSpan(seconds: Double(options.deadline)), acceptance: options.acceptance),
            resources: ResourceRule(
                flopsPerStep: nil, flopsBoundFactor: 20, memoryBytes: 1 << 20, diskBytes: 1 << 20,
                outputBytes: Int64(options.resultBytes + SimulatedApp.overheadBytes)),
            validation: ValidationRule(
                checkEach: options.checkEach, relativeTolerance: nil, absoluteTolerance: nil),
            credit: CreditRule(factor: 1))
    }

    // MARK: Life and death

    func boot() {
        guard !isUp else { return }
        life += 1
        isUp = true
        board = JobBoard()
        sentToday = DayCounts()
        crowd = CrowdGauge()
        writer = SimWriter()
        isWriterPlanned = false
        isTickPlanned = false
        idleWorkers = 2
        waitingJobs = []
        world.note(.server, who: -1, 1, Int64(life), "starts")
        planTick(after: 1)
        if world.has(.serverDeath) { world.plan(.serverDeath, after: draws.wait(mean: 900_000)) }
    }

    /// The process dies where it stands; whoever waits for it sees the connection break.
    func die() {
        guard isUp else { return }
        isUp = false
        life += 1
        world.note(.server, who: -1, 0, Int64(life), "dies")
        let broken = open
        open = []
        for request in broken where !request.isDone {
            request.isDone = true
            let reset = SimEvent.answer(host: request.host, life: request.life, call: request.call, .broken)
            world.plan(reset, after: draws.wait(mean: 40))
        }
        world.see(.serverDied)
        world.plan(.serverBoot, after: draws.wait(mean: 20_000))
    }

    /// Dies with a small chance, at one of the places where a death could hurt most.
    func mayDieHere() -> Bool {
        guard world.has(.serverDeath), draws.chance(oneIn: 400) else { return false }
        die()
        return true
    }

    // MARK: The writer

    /// Hands a closure to the writer; `done` is called when it is durable, unless the process dies before.
    func perform<T>(
        _ body: @escaping (any StoreTransaction, Timestamp) throws -> T,
        _ done: @escaping (Result<T, any Error>) -> Void
    ) {
        writer.put(body, done)
        guard !isWriterPlanned else { return }
        isWriterPlanned = true
        world.plan(.writer(life: life), after: draws.whole(0...2))
    }

    func commit() {
        isWriterPlanned = false
        let group = writer.takeGroup()
        if group.isEmpty || mayDieHere() { return }
        let answers = SimWriter.commit(group, store, now: now) { world.committed(watched.written) }
        world.note(.commit, who: -1, Int64(group.count), Int64(answers.filter { $0.1 != nil }.count), "")
        if mayDieHere() { return }
        for (item, error) in answers {
            guard isUp else { return }
            item.done(error)
        }
        if !writer.isEmpty, !isWriterPlanned {
            isWriterPlanned = true
            world.plan(.writer(life: life), after: 0)
        }
    }
}
