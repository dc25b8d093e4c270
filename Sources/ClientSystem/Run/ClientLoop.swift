import Bytes
import CPosix
import ClientCore
import Domain
import Glibc
import Preferences
import Wire
import WorkerHost

/// The running client: takes events from its threads, asks `ClientMachine`, does what it says.
public final class ClientLoop {
    private let directory: DataDirectory
    private var machine: ClientMachine
    private var park: WorkerPark
    private let governor: CPUGovernor
    private let memoryGauge = MemoryGauge()
    private let courier: Courier
    private let mailbox: Mailbox<ClientEvent>
    private let releases: ReleaseWatch?
    /// nil: it computes whatever they say.
    private let probes: ProbeSet?
    private let say: (String) -> Void
    private var keeper: PreferenceKeeper

    /// Actions that wait for the disk, or for one that does; the order is kept.
    private var queue = ActionQueue()
    private let errand: DiskErrand
    private var retryAt = 0.0
    private var lastChores = 0.0
    private var choreCount = 0
    private var notedCPU = 0.0
    private var hasEnded = false
    private static let choreSeconds = 1.0
    private static let retrySeconds = 2.0
    /// A look at the size of task folders every so many chores.
    private static let diskChores = 20
    /// When nothing has happened, the status is written every so many chores.
    private static let statusChores = 5
    /// Without workers nobody has anything to give back; only what may start depends on it.
    private static let memoryChores = 10
    private var statusIsOld = true
    private let sandbox: ClientStatus.Sandbox

    /// Opens what a client needs; nothing is computed before `run`.
    ///
    /// - Parameter sandbox: how tasks are held; by default by all that this computer has.
    /// - Parameter preferences: nil: the file in the directory.
    /// - Parameter configure: changes settings before they are used.
    /// - Parameter say: the log, a line each.
    /// - Throws: `.configuration` when the host is not attached or there is no worker.
    public init(
        directory: DataDirectory, preferences: PreferencesFile? = nil, sandbox: WorkerSandbox = WorkerSandbox(),
        say: @escaping (String) -> Void,
        configure: (inout ClientSettings) -> Void
    ) throws(Fault) {
        let executable = try WorkerLocator.find()
        let state = try directory.loadState(say: say)
        let key = try directory.hostKey()
        var settings = ClientSettings(
            cores: HostInventory.cores, apps: try Self.apps(of: executable),
            profile: HostInventory.profile(folder: directory.path))
        self.sandbox = try SandboxRule.status(sandbox, worker: executable)
        let mailbox = Mailbox<ClientEvent>()
        let file: PreferencesFile
        if let preferences { file = preferences } else { file = try PreferencesFile(folder: directory.path) }
        keeper = PreferenceKeeper(file: file, folder: directory.path, post: { mailbox.post($0) }, say: say)
        settings.take(keeper.preferences, machineCores: HostInventory.cores)
        configure(&settings)
        let transport = HTTPTransport(
            userAgent: "millrace-client/\(HostInventory.clientVersion)", governor: keeper.governor)
        self.directory = directory
        self.mailbox = mailbox
        errand = DiskErrand(mailbox: mailbox)
        self.say = say
        machine = ClientMachine(
            state: state, settings: settings, machineCores: HostInventory.cores, now: Self.now,
            utcOffsetSeconds: keeper.utcOffsetSeconds, usage: keeper.usage)
        governor = CPUGovernor()
        park = WorkerPark(
            executable: executable, directory: directory, checkpointSeconds: settings.checkpointSeconds,
            sandbox: sandbox, mailbox: mailbox, governor: governor)
        courier = Courier(
            link: ServerLink(
                transport: transport, serverURL: state.attachment.serverURL,
                project: VerifyingKey(rawRepresentation: state.attachment.projectKey)), directory: directory,
            host: state.attachment.host, key: key, mailbox: mailbox)
        releases = VerifyingKey(rawRepresentation: state.attachment.projectKey).map { project in
            let fetcher = ReleaseFetcher(transport: transport, serverURL: state.attachment.serverURL)
            return ReleaseWatch(store: directory.releases(of: project), now: { Self.now }, read: fetcher.read)
        }
        probes = settings.idle.always ? nil : ProbeSet(settings: settings.probes) { mailbox.post(.probed($0)) }
    }

    /// Asks the client to end: workers write checkpoints and leave. Safe from any thread.
    public var stopper: @Sendable () -> Void {
        { [mailbox] in mailbox.post(.stopRequested) }
    }

    /// Runs until it is told to stop, or has nothing to do for as long as the settings say.
    ///
    /// - Throws: `.configuration` when tasks would not be held by what they must be held by: the status says so, too.
    public func run() throws(Fault) {
        if let fault = SandboxRule.refusal(sandbox) {
            var status = machine.status(now: Self.now, liveWorkerCPUSeconds: 0)
            status.sandbox = sandbox
            status.problem = fault.message
            try directory.save(status)
            throw fault
        }
        say(SandboxText.line(sandbox))
        let findings = try directory.findings(say: say)
        feed(.started(slots: findings, blobs: try directory.cachedBlobs()))
        writeStatus()
        while !hasEnded {
            for event in mailbox.take(waitSeconds: patienceSeconds()) {
                if case .workerEnded(let task, let ending) = event {
                    park.ended(task, cpuSeconds: ending.cpuSeconds)
                }
                feed(event)
                if hasEnded { break }
            }
            doChores()
        }
        probes?.stop()
        governor.end()
        keeper.settle(seconds: 5)
        errand.settle(seconds: 5)
        writeStatus()
        errand.settle(seconds: 5)
    }

    // MARK: One step

    private func feed(_ event: ClientEvent) {
        let actions = machine.handle(event, now: Self.now, random: Double.random(in: 0..<1))
        if !actions.isEmpty { statusIsOld = true }
        for action in queue.add(actions) { perform(action) }
        for task in queue.withdrawStarts(unless: { machine.isStartWanted($0) }) { feed(.startWithdrawn(task)) }
        perform()
    }

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
            say("\(fault); trying again")
            retryAt = millrace_monotonic_seconds() + Self.retrySeconds
        } else {
            say("\(fault)")
        }
    }

    /// What an action does with the disk.
    private func work(_ action: ClientAction) -> @Sendable () throws(Fault) -> Void {
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
        case .upload(let task, let result, let ticket): courier.upload(task, result, ticket: ticket)
        case .startWorker(let task): startWorker(task)
        case .suspendWorker(let task): park.suspend(task)
        case .resumeWorker(let task): park.resume(task)
        case .stopWorker(let task): park.stop(task)
        case .killWorker(let task): park.kill(task)
        case .limitWorkers(let percent): park.limit(cpuPercent: percent)
        case .say(let text): say(text)
        case .exit: hasEnded = true
        case .storeTask, .save, .keepReceipts, .dropTask, .dropBlob, .keepBlobs: break
        }
    }

    private func startWorker(_ task: TaskID) {
        guard let held = machine.state[task: task] else { return }
        do throws(Fault) {
            try park.start(held)
            mailbox.post(.workerStarted(task))
        } catch {
            mailbox.post(.workerNotStarted(task, "\(error.message)"))
        }
    }

    // MARK: What is done by the clock

    /// How long to wait for events: until the next chore, or until something is due.
    private func patienceSeconds() -> Double {
        let now = millrace_monotonic_seconds()
        var patience = lastChores + Self.choreSeconds - now
        if queue.isReady { patience = min(patience, retryAt - now) }
        if let due = machine.wakeAt { patience = min(patience, (due - Self.now).seconds + 0.001) }
        return max(0, patience)
    }

    private func doChores() {
        let now = millrace_monotonic_seconds()
        if queue.isReady, now >= retryAt { perform() }
        if let due = machine.wakeAt, due <= Self.now { feed(.tick) }
        guard now - lastChores >= Self.choreSeconds, !hasEnded else { return }
        lastChores = now
        choreCount += 1
        releases?.tend(at: now) { [mailbox] in mailbox.post(.tick) }
        let ownCPU = millrace_own_cpu_seconds()
        machine.note(clientCPUSeconds: ownCPU - notedCPU)
        notedCPU = ownCPU
        probes?.tend(isComputing: machine.policy.isComputing) {
            ownCPU + park.endedCPUSeconds + park.liveCPUSeconds
        }
        if !park.isEmpty || choreCount % Self.memoryChores == 0, let reading = memoryGauge.read() {
            feed(.memoryRead(reading))
        }
        for event in keeper.tend(mayUseNetwork: machine.policy.allowance.mayUseNetwork) {
            if case .settingsChanged(let new) = event { park.checkpointSeconds = new.checkpointSeconds }
            feed(event)
        }
        for (task, progress) in park.progress() { feed(.workerProgressed(task, progress)) }
        if choreCount % Self.diskChores == 0 { checkDisk() }
        feed(.tick)
        if statusIsOld || choreCount % Self.statusChores == 0 { writeStatus() }
    }

    private func checkDisk() {
        for (task, bytes) in park.diskBytes() {
            guard let bound = machine.state[task: task]?.unit?.diskBytes, bytes > bound else { continue }
            feed(.diskBoundPassed(task, bytes: bytes))
        }
    }

    private func writeStatus() {
        var status = machine.status(now: Self.now, liveWorkerCPUSeconds: park.liveCPUSeconds)
        status.sandbox = sandbox
        status.newerClient = releases?.news.newerClient
        status.releaseTrouble = releases?.news.trouble
        status.processor = park.processorLimit
        for words in governor.takeWords() { say(words) }
        status.preferencesProblem = keeper.problem
        status.preferenceOptions = keeper.optionStatus
        statusIsOld = !errand.write(status, to: directory)
    }

    private static var now: Timestamp { Timestamp(milliseconds: millrace_wall_milliseconds()) }

    /// What the worker beside this client can compute, as "name/version".
    private static func apps(of executable: String) throws(Fault) -> [String] {
        let servant = WorkerServant(executable: executable)
        defer { servant.stop() }
        var job = WireWorkerJob()
        job.describe = WireDescribeJob()
        let reply = try servant.perform(job, timeoutSeconds: 30)
        return reply.catalogue.apps.map { "\($0.name)/\($0.version)" }.sorted()
    }
}
