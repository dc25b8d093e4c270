import Bytes
import CPosix
import ClientCore
import Domain
import Preferences
import Wire
import WorkerHost

/// What a running client knows of a project before it works for it; read from its folder on a thread of its own, since
/// results are hashed and a disk may be slow.
struct OpenedProject: Sendable {
    var directory: ProjectDirectory
    var state: ClientState
    var key: SigningKey
    var findings: [SlotFinding]
    var blobs: [Digest]
    /// What was found damaged or odd.
    var words: [String]

    /// Takes the folder's lock and reads everything; what is damaged is repaired or set aside.
    ///
    /// - Throws: why the project cannot be worked for; its folder is as it was.
    static func open(_ path: String) throws(Fault) -> OpenedProject {
        var words: [String] = []
        let directory = try ProjectDirectory(path: path)
        do throws(Fault) {
            try directory.repairIdentity { words.append($0) }
            guard let identity = try directory.identity() else {
                throw Fault(
                    .configuration, "\(path) does not say where this host is attached",
                    advice: "Run `millrace-client attach URL` with the same address: tasks and results stay.")
            }
            guard ProjectNames.name(for: identity.serverURL) == directory.name else {
                throw Fault(
                    .configuration, "\(path) is the folder of \(identity.serverURL) under another name, perhaps a copy",
                    advice: "Two folders must not work as one host. Remove it, or name it "
                        + "\(ProjectNames.name(for: identity.serverURL)).")
            }
            let key = try directory.hostKey()
            guard directory.isRegistered(key) else {
                throw Fault(
                    .configuration, "\(path)/host.key is damaged: it is not the key that this host was registered with",
                    advice: "Restore it from a copy, or attach again: this folder is then set aside.")
            }
            let state = try directory.loadState { words.append($0) }
            try ReceiptFile(folder: path).repair { words.append($0) }
            // It only informs: what is wrong with it keeps nobody from working.
            try? HistoryFile(folder: path).repair { words.append($0) }
            let findings = try directory.mended(try directory.findings { words.append($0) }, state) {
                words.append($0)
            }
            return OpenedProject(
                directory: directory, state: state, key: key, findings: findings, blobs: try directory.cachedBlobs(),
                words: words)
        } catch {
            directory.release()
            throw error
        }
    }
}

/// One attachment at work: its machine, its workers, its transfers, and what waits for its disk. It knows nothing of
/// the others; `ClientLoop` calls it on the client's deciding thread only.
final class ProjectSession {
    let name: String
    private(set) var machine: ClientMachine
    private(set) var park: WorkerPark
    /// Nothing more comes of it: it was told to stop, or had nothing to do for so long.
    private(set) var hasEnded = false
    private(set) var isStopping = false
    /// Its folder was taken away.
    private(set) var isAbandoned = false
    /// Set when something was decided, for the status.
    var hasNews = true

    private let directory: ProjectDirectory
    private let courier: Courier
    private let releases: ReleaseWatch?
    private let programs: ProgramDesk?
    private let mailbox: Postbox<ClientEvent>
    private let say: (String) -> Void
    /// What was found damaged or odd when the folder was opened.
    private let words: [String]
    /// Actions that wait for the disk, or for one that does; the order is kept.
    private var queue = ActionQueue()
    private let errand: DiskErrand
    private var retryAt = 0.0
    private var disk = Repeated()
    private static let retrySeconds = 2.0

    /// What all projects of a client have in common.
    struct Common {
        var settings: ClientSettings
        var executable: String
        var utcOffsetSeconds: Int
        var usage: NetworkUsage
        /// How tasks are held.
        var sandbox: WorkerSandbox
        /// Which scientists' programs can be started.
        var programs: ProgramHost
        /// Bounds the workers' processor time.
        var governor: CPUGovernor
        /// Bounds what is sent and fetched.
        var transfers: TransferGovernor
    }

    /// - Parameter mailbox: for the events of this session.
    init(
        _ opened: OpenedProject, _ common: Common, mailbox: Postbox<ClientEvent>, say: @escaping (String) -> Void
    ) {
        name = opened.directory.name
        words = opened.words
        directory = opened.directory
        self.mailbox = mailbox
        self.say = say
        machine = ClientMachine(
            state: opened.state, settings: common.settings, machineCores: HostInventory.cores, now: Self.now,
            utcOffsetSeconds: common.utcOffsetSeconds, usage: common.usage)
        errand = DiskErrand(mailbox: mailbox)
        park = WorkerPark(
            executable: common.executable, directory: directory,
            checkpointSeconds: common.settings.checkpointSeconds, sandbox: common.sandbox, mailbox: mailbox,
            governor: common.governor)
        let attachment = opened.state.attachment
        let project = VerifyingKey(rawRepresentation: attachment.projectKey)
        let transport = HTTPTransport(
            userAgent: "millrace-client/\(HostInventory.clientVersion)", governor: common.transfers)
        courier = Courier(
            link: ServerLink(transport: transport, serverURL: attachment.serverURL, project: project),
            directory: directory, host: attachment.host, key: opened.key, mailbox: mailbox)
        let store = project.map { opened.directory.releases(of: $0) }
        let releases = store.map { store in
            let fetcher = ReleaseFetcher(transport: transport, serverURL: attachment.serverURL)
            return ReleaseWatch(store: store, now: { Self.now }, read: fetcher.read)
        }
        self.releases = releases
        programs = store.map { ProgramDesk(store: $0, host: common.programs) { releases?.refresh() } }
    }

    /// Takes one event in, and does what follows from it.
    func feed(_ event: ClientEvent) {
        guard !hasEnded else { return }
        takeNote(event)
        let before = machine.policy.isComputing
        let actions = machine.handle(event, now: Self.now, random: Double.random(in: 0..<1))
        if !actions.isEmpty || machine.policy.isComputing != before { hasNews = true }
        for action in queue.add(actions) { perform(action) }
        for task in queue.withdrawStarts(unless: { machine.isStartWanted($0) }) { feed(.startWithdrawn(task)) }
        perform()
    }

    /// What this shell must know of it before the machine does.
    private func takeNote(_ event: ClientEvent) {
        switch event {
        case .workerStarted: park.adopt()
        case .workerEnded(let task, let ending):
            park.adopt()
            park.ended(task, cpuSeconds: ending.cpuSeconds)
        case .workerProgressed(let task, let progress): tellOfLoss(task, progress)
        case .stopRequested: isStopping = true
        case .settingsChanged(let new): park.checkpointSeconds = new.checkpointSeconds
        default: break
        }
    }

    /// When this session is due, by the monotonic clock; nil: only an event makes it so.
    func dueAt(now: Double) -> Double? {
        let queued = queue.isReady ? retryAt : nil
        let awaited = machine.wakeAt.map { now + max(0, ($0 - Self.now).seconds) + 0.001 }
        return [queued, awaited].compactMap { $0 }.min()
    }

    /// Does what is due.
    func goOn(now: Double) {
        if queue.isReady, now >= retryAt { perform() }
        if let due = machine.wakeAt, due <= Self.now { feed(.tick) }
    }

    /// What is done now and then.
    ///
    /// - Parameter checkingDisk: whether the sizes of task folders are looked at, too.
    func doChores(clientCPUSeconds: Double, checkingDisk: Bool) {
        machine.note(clientCPUSeconds: clientCPUSeconds)
        releases?.tend(at: millrace_monotonic_seconds()) { [mailbox] in mailbox.post(.tick) }
        if !park.isEmpty { look(checkingDisk: checkingDisk) }
        feed(.tick)
    }

    /// At what workers say and take; where the disk is slow, the news is late, and nobody waits for it.
    private func look(checkingDisk: Bool) {
        let (progress, diskBytes) = (park.progress, park.diskBytes)
        let bounds = park.tasks.compactMap { task in machine.state[task: task]?.unit.map { (task, $0.diskBytes) } }
        let bound = Dictionary(uniqueKeysWithValues: bounds)
        let withdrawn = withdrawn
        errand.note { [mailbox] () throws(Fault) in
            if checkingDisk { for (task, why) in withdrawn() { mailbox.post(.programAnswered(task, .refused(why))) } }
            for (task, said) in progress() { mailbox.post(.workerProgressed(task, said)) }
            for (task, bytes) in checkingDisk ? diskBytes() : [] {
                if let bound = bound[task], bytes > bound { mailbox.post(.diskBoundPassed(task, bytes: bytes)) }
            }
        }
    }

    /// A run began before the place at which the last one ended: after a crash, or since a checkpoint is damaged.
    private func tellOfLoss(_ task: TaskID, _ progress: WorkerProgress) {
        guard let before = machine.state[task: task]?.fraction, progress.fraction + 0.01 < before else { return }
        say(
            "task \(task) goes on at \(Int(progress.fraction * 100)) %: its last checkpoint is not newer, or could not "
                + "be used; it had been at \(Int(before * 100)) %")
    }

    /// Why a single round of work was given up; nil: it was not.
    var giveUp: Fault? {
        machine.gaveUp.map { Fault(.unreachable, "\(machine.state.attachment.serverURL): \($0)") }
    }

    func demand() -> ProjectDemand { machine.demand(now: Self.now) }

    /// Takes what the machine was divided into, where that is something new.
    func take(_ grant: CoreGrant) {
        if grant != machine.grant { feed(.granted(grant)) }
    }

    func status(share: Double) -> ClientStatus.Project {
        var status = machine.status(
            name: name, share: share, now: Self.now, liveWorkerCPUSeconds: park.liveCPUSeconds)
        status.repairs = words.isEmpty ? nil : words
        status.newerClient = releases?.news.newerClient
        status.releaseTrouble = releases?.news.trouble
        return status
    }

    /// The folder was taken away: there is nothing left to save for.
    func abandon() {
        isAbandoned = true
        hasEnded = true
        park.killAll()
    }

    /// Lets the folder go, after what is being written; only when it has ended. Safe on any thread, and may block.
    var closing: @Sendable () -> Void {
        { [courier, errand, directory] in
            courier.close()
            errand.settle(seconds: 5)
            directory.release()
        }
    }

    // MARK: Actions

    /// Goes on with what waits, as far as the disk lets it.
    private func perform() {
        while !hasEnded {
            if let outcome = errand.takeOutcome() { takeIn(outcome) }
            guard millrace_monotonic_seconds() >= retryAt, let action = queue.next() else { return }
            if action.usesDisk {
                errand.begin(work(action))
            } else {
                perform(action)
                _ = queue.ended(failed: false)
            }
        }
    }

    private func takeIn(_ outcome: Result<Void, Fault>) {
        guard case .failure(let fault) = outcome else {
            _ = queue.ended(failed: false)
            return
        }
        if queue.ended(failed: true) {
            if disk.isDue("\(fault)", now: millrace_monotonic_seconds()) { say("\(fault); trying again") }
            retryAt = millrace_monotonic_seconds() + Self.retrySeconds
        } else {
            say("\(fault)")
        }
    }

    /// What an action does with the disk.
    private func work(_ action: ClientAction) -> @Sendable () throws(Fault) -> Void {
        if case .startWorker(let task) = action { return starting(task) }
        let (directory, state) = (self.directory, machine.state)
        return { () throws(Fault) in
            switch action {
            case .storeTask(let offer, let unit): try directory.store(offer, unit: unit)
            case .save: try directory.save(state)
            case .keepReceipts(let receipts): try ReceiptFile(folder: directory.path).append(receipts)
            case .dropTask(let task): try Files.remove(directory.slot(task))
            case .dropBlob(let digest): try Files.remove(directory.blob(digest))
            case .keepBlobs(let digests): try directory.keepBlobs(digests)
            default: break
            }
        }
    }

    private func perform(_ action: ClientAction) {
        switch action {
        case .call(let call): courier.call(call)
        case .fetchUnit(let task, let digest, let bytes): courier.fetchUnit(task, digest, bytes: bytes)
        case .fetchBlob(let input): courier.fetchBlob(input)
        case .findProgram(let task, let program): find(program, of: task)
        case .upload(let task, let result, let ticket): courier.upload(task, result, ticket: ticket)
        case .suspendWorker(let task): park.suspend(task)
        case .resumeWorker(let task): park.resume(task)
        case .stopWorker(let task): park.stop(task)
        case .killWorker(let task): park.kill(task)
        case .limitWorkers(let percent): park.limit(cpuPercent: percent)
        case .say(let text): say(text)
        case .exit: hasEnded = true
        case .startWorker, .storeTask, .save, .keepReceipts, .dropTask, .dropBlob, .keepBlobs: break
        }
    }

    /// How it went comes as an event: a start that has failed is not tried again by itself.
    private func starting(_ task: TaskID) -> @Sendable () throws(Fault) -> Void {
        guard let held = machine.state[task: task] else { return { () throws(Fault) in } }
        let (start, program) = (park.starting(held), held.unit?.program)
        return { [mailbox, programs] () throws(Fault) in
            // A release may have been withdrawn, or be too old, since its file was fetched.
            if let program {
                guard let file = program.file, programs?.believed(program, now: Self.now) == .file(file) else {
                    return mailbox.post(.programDoubted(task))
                }
            }
            do throws(Fault) {
                try start()
                mailbox.post(.workerStarted(task))
            } catch { mailbox.post(.workerNotStarted(task, "\(error.message)")) }
        }
    }

    /// The answer may have to wait for the server.
    private func find(_ program: UnitProgram, of task: TaskID) {
        guard let programs else {
            mailbox.post(.programAnswered(task, .refused("the project's pinned key is no Ed25519 key")))
            return
        }
        BlockingThread.start("program") { [mailbox] in
            mailbox.post(.programAnswered(task, programs.find(program, now: { Self.now })))
        }
    }

    /// A project that takes a program back does not want its results, and perhaps wants it to do no more harm. To be
    /// called on a thread that may wait for a disk.
    private var withdrawn: @Sendable () -> [(TaskID, String)] {
        let running = park.tasks.compactMap { task in machine.state[task: task]?.unit?.program.map { (task, $0) } }
        return { [programs] in
            running.compactMap { task, program in
                programs?.withdrawal(of: program, now: Self.now).map { (task, $0) }
            }
        }
    }

    private static var now: Timestamp { Timestamp(milliseconds: millrace_wall_milliseconds()) }
}
