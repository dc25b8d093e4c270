import Bytes
import Domain
import Glibc
import Logging
import ServerCore
import Storage
import Synchronization
import Wire
import WorkerHost

/// The server without HTTP: the writer, the tick, the jobs.
public final class ServerRuntime: Sendable {
    public let core: ProjectServer
    public let logs: ServerLogs
    let writer: WriterThread
    let metrics = Metrics()
    let results: ResultsFolder
    let manifests: ManifestShelf
    let publisher: LogPublisher
    let networks = NetworkBook()
    let traffic: TrafficGuard
    let disk: DiskWatch
    let stats: StatsPublisher
    let clock: SteadyClock
    let date = DateText()
    private let pool: JobPool
    let packers: Packers
    let wake = WakeUp()
    private let tickEnded = WakeUp()
    private let publishing = WakeUp()
    private let publishingEnded = WakeUp()
    private let counting = WakeUp()
    private let countingEnded = WakeUp()
    private let sweep: UploadSweep
    let leadership: any Leadership
    let memory = Mutex(Memory())
    /// Of the writer's thread.
    private let gauge = Mutex((crowd: CrowdGauge(), seconds: 0.0))

    /// What may be forgotten: a restart starts with nothing of it.
    struct Memory {
        var isStopping = false
        /// Whether the daemons run here.
        var leads = false
        var isDiskLow = false
        /// The statistics files tell of somebody who was erased.
        var mustCountAnew = false
        var troubles = TroubleBook()
        var board = JobBoard()
        var rates: [BatchID: BatchRate] = [:]
        var sent = DayCounts()
        var hostKeys: [HostID: VerifyingKey] = [:]
        /// When it was last asked who runs the daemons.
        var askedAt: ContinuousClock.Instant?
    }

    /// Every event wakes the tick at once; by itself it only looks for deadlines that have passed.
    private static let tickSeconds = 1.0
    private static let tickPauseMicroseconds: UInt32 = 4000
    /// The same where each look at the store is a turn that other processes wait for: where the daemons run, elsewhere.
    private static let sharedPausesMicroseconds = (leading: UInt32(50_000), other: UInt32(150_000))
    /// Where others serve requests, too, nobody wakes the tick for what they bring. So long, and a pause, may it take
    /// until another process takes over from one that has died.
    private static let sharedTickSeconds = 0.25
    /// How often it is looked whether the statistics files are old.
    private static let statisticsLookSeconds = 60.0
    private static let hostKeysMax = 100_000

    /// Opens the store on its own thread and starts ticking.
    /// - Parameters:
    ///   - options: what an operator chose.
    ///   - clock: the present time; read nowhere else but for the age of uploads, whose files have the machine's time.
    ///   - leadership: whether the daemons run in this process.
    public init(
        core: ProjectServer, manifests: ManifestShelf, performers: [any JobPerformer], logs: ServerLogs,
        files: ServerFiles, options: ServerStart.Options, clock: @escaping @Sendable () -> Timestamp,
        leadership: any Leadership = SoleLeadership(), makeStore: @escaping @Sendable () throws -> any Store
    ) throws {
        self.core = core
        self.manifests = manifests
        self.logs = logs
        let steady = SteadyClock(wall: clock)
        self.clock = steady
        self.leadership = leadership
        results = ResultsFolder(core: core)
        traffic = TrafficGuard(limits: options.limits, proxies: options.trustedProxies, metrics: metrics)
        disk = DiskWatch(path: files.path, limits: options.limits, metrics: metrics, probe: options.space)
        writer = try WriterThread(
            metrics: metrics, blobs: core.blobs, queueMax: options.limits.writerQueue, clock: steady,
            makeStore: makeStore)
        pool = JobPool(performers)
        // More than there are cores: some of them wait for the disk.
        packers = Packers(threads: min(4, max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))) + 2)
        sweep = UploadSweep(blobs: core.blobs, clock: clock)
        let epoch = try writer.performBlocking { tx, now in
            _ = try core.backfillLog(in: tx, now: now)
            return try LogPublisher.epoch(in: tx)
        }
        publisher = LogPublisher(folder: files.logPath, keys: core.keys, epoch: epoch)
        stats = StatsPublisher(folder: files.statsPath)
        let sweepEvery = options.sweepEvery
        memory.withLock { $0.leads = !leadership.isShared }
        BlockingThread.start("millrace-log") { [self] in
            var last = ContinuousClock.now
            while !memory.withLock({ $0.isStopping }) {
                let start = ContinuousClock.now
                let leaves = publish()
                publishing.wait(seconds: LogPace.pause(after: leaves, in: last.duration(to: start).inSeconds))
                last = start
            }
            publish()
            publishingEnded.signal()
        }
        BlockingThread.start("millrace-stats") { [self] in
            while !memory.withLock({ $0.isStopping }) {
                if memory.withLock({ $0.leads }) { publishStatistics() }
                counting.wait(seconds: ServerRuntime.statisticsLookSeconds)
            }
            countingEnded.signal()
        }
        BlockingThread.start("millrace-tick") { [self] in
            var swept = ContinuousClock.now
            while !memory.withLock({ $0.isStopping }) {
                let leads = takeTurn()
                if leads { tick() } else { look() }
                if leads, swept.duration(to: .now) >= sweepEvery {
                    sweepUploads()
                    swept = .now
                }
                // What comes meanwhile is one tick's work: on a busy server each call would bring one otherwise.
                let shared = ServerRuntime.sharedPausesMicroseconds
                usleep(
                    !leadership.isShared
                        ? ServerRuntime.tickPauseMicroseconds : leads ? shared.leading : shared.other)
                wake.wait(
                    seconds: leadership.isShared ? ServerRuntime.sharedTickSeconds : ServerRuntime.tickSeconds)
            }
            tickEnded.signal()
        }
    }

    /// Looks at the store now instead of at the next tick.
    func nudge() { wake.signal() }

    /// From now on `/readyz` says no, and replies ask for their connections to be closed.
    public func beginDraining() { traffic.beginDraining() }

    var isDraining: Bool { traffic.isDraining }

    /// Ends the threads in order: no new jobs, none running, then the last writes.
    public func stop() {
        let wasStopped = memory.withLock { memory in
            defer { memory.isStopping = true }
            return memory.isStopping
        }
        // The threads say only once that they have ended.
        guard !wasStopped else { return }
        wake.signal()
        tickEnded.wait(seconds: 30)
        pool.stop()
        packers.stop()
        // What was decided last is told, too.
        publishing.signal()
        publishingEnded.wait(seconds: 30)
        counting.signal()
        countingEnded.wait(seconds: 30)
        leadership.release()
        writer.stop()
    }

    // MARK: Daemons

    /// - Returns: whether the daemons run here, from now on or still.
    private func takeTurn() -> Bool {
        guard leadership.isShared else { return true }
        // Every event of this process ends in a tick; the database need not be asked each time.
        let (led, asked) = memory.withLock { ($0.leads, $0.askedAt) }
        if let asked, asked.duration(to: .now) < .seconds(ServerRuntime.sharedTickSeconds) { return led }
        let leads = leadership.hold()
        memory.withLock { memory in
            (memory.leads, memory.askedAt) = (leads, .now)
            // What ran here before does not count: it is found again in the store.
            if leads != led { memory.board = JobBoard() }
        }
        if leads != led { logs[.server].notice(leads ? "the daemons run here" : "the daemons run elsewhere") }
        return leads
    }

    /// What pages show, where no tick finds it out.
    private func look() {
        publisher.rest()
        do {
            let (ended, now) = try writer.performBlocking { tx, now in
                (
                    try tx.openBatches().filter { $0.state == .running }.map {
                        ($0.id, try tx.counts(of: $0.id).ended)
                    }, now
                )
            }
            metrics.store(error: nil)
            noteRates(ended, at: now)
        } catch {
            metrics.store(error: "\(error)")
            logs[.jobs].error("the store does not answer", metadata: ["error": "\(error)"])
        }
    }

    private func noteRates(_ ended: [(BatchID, Int64)], at now: Timestamp) {
        memory.withLock { memory in
            for (batch, units) in ended { memory.rates[batch, default: BatchRate()].note(ended: units, at: now) }
            let open = Set(ended.map(\.0))
            memory.rates = memory.rates.filter { open.contains($0.key) }
        }
    }

    private func tick() {
        let board = memory.withLock { $0.board }
        do {
            var (report, now) = try writer.performBlocking { [core, leadership] tx, now in
                try leadership.confirm(in: tx)
                return (try core.tick(board, in: tx, now: now), now)
            }
            // New units need space. What is not started now is asked for again at the next tick.
            if noteDisk() { report.jobs.removeAll { $0.key.isSplit } }
            metrics.store(error: nil)
            let lag = report.oldestAwaiting.map { (now - $0).seconds } ?? 0
            metrics.ticked(awaiting: report.awaitingValidation, lagSeconds: lag, expired: report.expired)
            memory.withLock { core.started(report, on: &$0.board) }
            noteRates(report.ended.map { ($0.batch, $0.units) }, at: now)
            say(report.troubles)
            if report.unitsEnded > 0 { wake.signal() }
            if report.expired > 0 { logs[.jobs].info("deadlines passed", metadata: ["tasks": "\(report.expired)"]) }
            for job in report.jobs { pool.put { [self] performer in run(job, performer) } }
        } catch {
            metrics.store(error: "\(error)")
            logs[.server].error("the tick failed", metadata: ["error": "\(error)"])
        }
    }

    private func say(_ troubles: [String]) {
        let (new, areOver) = memory.withLock { $0.troubles.tick(troubles) }
        for trouble in new { logs[.jobs].warning("a batch cannot go on", metadata: ["reason": "\(trouble)"]) }
        if areOver { logs[.jobs].notice("batches that could not go on do, or have ended") }
    }

    /// Says once that the disk is low, and once that it is not any more. - Returns: whether it is low.
    private func noteDisk() -> Bool {
        let trouble = disk.reading()?.trouble
        let before = memory.withLock { memory in
            defer { memory.isDiskLow = trouble != nil }
            return memory.isDiskLow
        }
        if let trouble, !before { logs[.disk].error("\(trouble)") }
        if trouble == nil, before { logs[.disk].notice("the disk has space again") }
        return trouble != nil
    }

    /// A log that cannot be published (the disk is full, the database was changed) stops nothing else; it is said once,
    /// and `/healthz`, `/metrics` and `millrace status` go on saying it.
    /// - Returns: how many leaves the public has learned of.
    @discardableResult
    private func publish() -> Int64 {
        guard memory.withLock({ $0.leads }) else { return 0 }
        let attempt = publisher.attempt(DaemonWriter(writer: writer, leadership: leadership))
        switch attempt.news {
        case .behind(let trouble): logs[.ledger].error("the public log is behind", metadata: ["error": "\(trouble)"])
        case .caughtUp: logs[.ledger].notice("the public log has caught up")
        case nil: break
        }
        return attempt.leaves
    }

    /// Nothing waits for these files either; the old ones stay.
    private func publishStatistics() {
        let anew = memory.withLock { memory in
            defer { memory.mustCountAnew = false }
            return memory.mustCountAnew
        }
        do {
            try stats.publishIfDue(DaemonWriter(writer: writer, leadership: leadership), core, anew: anew)
        } catch {
            if anew { memory.withLock { $0.mustCountAnew = true } }
            logs[.disk].warning("the statistics files are behind", metadata: ["error": "\(error)"])
        }
    }

    /// Makes the statistics files anew, however old they are. Where the daemons run in another process, it does so
    /// within the hour.
    func renewStatistics() {
        memory.withLock { $0.mustCountAnew = true }
        counting.signal()
    }

    /// Off the writer: it only looks at files.
    private func sweepUploads() {
        do {
            try sweep.run()
        } catch {
            logs[.disk].warning("stale uploads cannot be removed", metadata: ["error": "\(error)"])
        }
    }

    // MARK: What requests need

    /// The key of a host; looked up once, since it never changes. Whether the host may still call, each request asks
    /// the store.
    /// - Throws: the refusal of a host that is not known, or may not call any more.
    func key(of host: HostID) async throws -> VerifyingKey {
        if let key = memory.withLock({ $0.hostKeys[host] }) { return key }
        let raw = try await writer.perform { [core] tx, _ in try core.caller(host, in: tx) }.get()
        guard let key = VerifyingKey(rawRepresentation: raw) else {
            throw RequestRefusal(.unknownHost, "host \(host) has no key", advice: "attach again")
        }
        memory.withLock {
            if $0.hostKeys.count >= ServerRuntime.hostKeysMax { $0.hostKeys.removeAll() }
            $0.hostKeys[host] = key
        }
        return key
    }

    /// A host was removed or erased: nothing of it stays in memory. Other processes on the same database forget its key
    /// at their next start; their calls ask the store, too.
    func forget(_ hosts: [HostID]) {
        memory.withLock { memory in for host in hosts { memory.hostKeys[host] = nil } }
        for host in hosts { networks.note(host, nil) }
    }

    /// Called inside of a transaction, by the writer's thread.
    func crowd(_ core: ProjectServer, in tx: any StoreTransaction, now: Timestamp) throws -> Crowd {
        // All hosts are read for it: the more there are, the longer it stays.
        var crowd = try gauge.withLock { gauge in
            let start = ContinuousClock.now
            let (crowd, isNew) = try gauge.crowd.current(core, in: tx, now: now, stays: 200 * gauge.seconds)
            if isNew { gauge.seconds = start.duration(to: .now).inSeconds }
            return crowd
        }
        crowd.network = { [networks] host in networks.network(of: host) }
        return crowd
    }

    func sentLastDay(_ host: HostID, now: Timestamp) -> Int { memory.withLock { $0.sent.count(host, now: now) } }

    func noteSent(_ tasks: Int, to host: HostID, now: Timestamp) {
        memory.withLock { $0.sent.add(tasks, to: host, now: now) }
    }

    func rate(of batch: BatchID) -> BatchRate { memory.withLock { $0.rates[batch] ?? BatchRate() } }

    var runningJobs: Int { memory.withLock { $0.board.running.count } }
}
