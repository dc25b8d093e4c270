import CPosix
import ClientCore
import Domain
import Glibc
import Preferences
import Wire
import WorkerHost

/// The running client: takes events from its threads to the projects that they are about, divides the machine among
/// the projects, and does what is done by the clock. What a project decides and does is in `ProjectSession`.
public final class ClientLoop {
    let directory: DataDirectory
    var desk: ProjectDesk
    let mailbox = Mailbox<ClientMail>()
    private var settings: ClientSettings
    private let executable: String
    let say: (String) -> Void

    private var book: ShareBook
    private var keeper: PreferenceKeeper
    private let governor = CPUGovernor()
    private let memoryGauge = MemoryGauge()
    private let probes: ProbeSet
    /// The last of each kind, for projects that come later.
    private var readings: [ProbeKind: ProbeReading] = [:]
    private var disk: ClientEvent?

    private let errand = DiskErrand(mailbox: Postbox { _ in })
    let chronicle: Chronicle
    /// Shows the client in a browser while somebody wants to look.
    var page: PageServer?
    private var lastChores = 0.0
    private var choreCount = 0
    private var notedCPU = 0.0
    private var lastStatus = 0.0
    private var lastBook = 0.0
    private var trim = MemoryTrim()
    private var isStopping = false
    /// The user paused the client, whatever it works for; what comes later is paused with it.
    var pausedAll: UserWishes.Pause?
    /// What was found damaged at the start.
    private let repairs: [String]
    private let sandboxed: WorkerSandbox
    private let sandbox: ClientStatus.Sandbox
    private let programs: ProgramHost

    /// - Parameter directory: with at least one project, unless `waits`.
    /// - Parameter waits: go on while there is no project, and take one up when it comes.
    /// - Parameter sandbox: how tasks are held; by default by all that this computer has.
    /// - Parameter preferences: nil: the file in the directory.
    /// - Parameter say: the log, a line each.
    /// - Parameter configure: changes settings before they are used; they are the same for all projects.
    /// - Throws: `.configuration` when the host is not attached or there is no worker.
    public init(
        directory: DataDirectory, waits: Bool = false, preferences: PreferencesFile? = nil,
        sandbox: WorkerSandbox = WorkerSandbox(), say: @escaping (String) -> Void,
        configure: (inout ClientSettings) -> Void
    ) throws(Fault) {
        let attached = try ProjectNames.attached(in: directory.path)
        guard waits || !attached.isEmpty else {
            throw Fault(
                .configuration, "this host is not attached to a project",
                advice: "Run `millrace-client attach URL` first.")
        }
        executable = try WorkerLocator.find()
        var settings = ClientSettings(
            cores: HostInventory.cores, apps: try Self.apps(of: executable),
            profile: HostInventory.profile(folder: directory.path))
        sandboxed = sandbox
        let answer = try SandboxAnswer.ask(worker: executable, leftOut: sandbox.leftOut)
        self.sandbox = SandboxRule.status(sandbox, answer)
        programs = ProgramHost(
            sandbox: answer, hasRuntime: (try? ProgramRuntime.find(worker: executable)) != nil,
            isSandboxed: sandbox.isOn)
        settings.programPlatforms = programs.platforms
        settings.programsLacking = programs.lacking
        let file: PreferencesFile
        if let preferences { file = preferences } else { file = try PreferencesFile(folder: directory.path) }
        let found = Words(directory.words)
        let sayFound = { (line: String) in
            found.lines.append(line)
            say(line)
        }
        keeper = PreferenceKeeper(
            file: file, folder: directory.path, post: { [mailbox] in mailbox.post(.everybody($0)) }, say: say,
            sayDamage: sayFound)
        settings.take(keeper.preferences, machineCores: HostInventory.cores)
        configure(&settings)
        // It computes whatever they say; a network that costs by the byte is another matter.
        if settings.idle.always { settings.probes.off = Set(ProbeKind.allCases).subtracting([.network]) }
        self.settings = settings
        self.directory = directory
        self.say = say
        desk = ProjectDesk(data: directory.path, waits: waits)
        book = directory.loadShares(say: sayFound)
        chronicle = Chronicle(
            folder: directory.path,
            transport: HTTPTransport(
                userAgent: "millrace-client/\(HostInventory.clientVersion)", governor: keeper.governor))
        repairs = found.lines
        pausedAll = (try? DataDirectory.status(in: directory.path)).flatMap { ClientStatus.pauseOfAll($0.projects) }
            .map { UserWishes.Pause($0) }
        // What is never looked at is no news.
        probes = ProbeSet(settings: settings.probes) { [mailbox, off = settings.probes.off] readings in
            let seen = readings.filter { !off.contains($0.kind) }
            if !seen.isEmpty { mailbox.post(.everybody(.probed(seen))) }
        }
    }

    /// Asks the client to end: workers write checkpoints and leave. Safe from any thread.
    public var stopper: @Sendable () -> Void {
        { [mailbox] in mailbox.post(.everybody(.stopRequested)) }
    }

    /// Runs until it is told to stop, or has nothing to do for as long as the settings say.
    ///
    /// - Throws: why no project can be worked for, where that is so from the start; `.unreachable` when a single round
    ///   of work was given up; `.configuration` when tasks would
    ///   not be held by what they must be held by: the status says so, too.
    public func run() throws(Fault) {
        if let fault = SandboxRule.refusal(sandbox) {
            try directory.save(status())
            throw fault
        }
        say(SandboxText.line(sandbox))
        let control = listen()
        defer { control?.end() }
        lookForProjects()
        while true {
            for mail in mailbox.take(waitSeconds: patienceSeconds()) { take(mail) }
            divide()
            doChores()
            closeEnded()
            if let fault = desk.startFault { throw fault }
            if desk.isDone(isStopping: isStopping) { break }
        }
        probes.stop()
        governor.end()
        keeper.settle(seconds: 5)
        errand.settle(seconds: 5)
        page?.end()
        let (status, book, directory) = (self.status(), self.book, self.directory)
        settleHistory(status)
        errand.note { () throws(Fault) in
            try directory.save(status)
            try directory.save(book)
        }
        errand.settle(seconds: 5)
        if let fault = desk.endFault(isStopping: isStopping) { throw fault }
    }

    /// Without the socket the client computes all the same: not every file system has any.
    private func listen() -> ControlSocket? {
        do throws(Fault) {
            return try ControlSocket(folder: directory.path) { [mailbox] in mailbox.post(.asked($0, $1)) }
        } catch {
            say("\(error); it cannot be asked while it runs")
            return nil
        }
    }

    // MARK: Events

    private func take(_ mail: ClientMail) {
        switch mail {
        case .session(let number, let event): desk.sessions[number]?.feed(event)
        case .everybody(let event):
            note(event)
            for session in desk.inOrder { session.feed(event) }
        case .asked(let request, let answer): self.answer(request, answer)
        case .opened(let name, .success(let project)): begin(project, name)
        case .opened(let name, .failure(let fault)):
            if desk.setAside(name, fault) { tell(name, "\(fault)") }
        case .closed(let name): desk.closing.remove(name)
        }
    }

    /// Remembers what projects must know that come later.
    private func note(_ event: ClientEvent) {
        switch event {
        case .stopRequested: isStopping = true
        case .probed(let new): for reading in new { readings[reading.kind] = reading }
        case .settingsChanged(let new):
            settings.take(new, machineCores: HostInventory.cores)
            probes.take(settings.probes)
        case .diskMeasured: disk = event
        default: break
        }
    }

    private func begin(_ project: OpenedProject, _ name: String) {
        for line in project.words { tell(name, line) }
        let number = desk.nextNumber()
        let session = ProjectSession(
            project,
            ProjectSession.Common(
                settings: settings, executable: executable, utcOffsetSeconds: keeper.utcOffsetSeconds,
                usage: keeper.usage, sandbox: sandboxed, programs: programs, governor: governor,
                transfers: keeper.governor),
            mailbox: mailbox.postbox { .session(number, $0) }, say: { [unowned self] in tell(name, $0) })
        desk.add(session, number: number)
        session.feed(.started(slots: project.findings, blobs: project.blobs))
        if let disk { session.feed(disk) }
        if !readings.isEmpty { session.feed(.probed(readings.values.sorted { $0.at < $1.at })) }
        if let pausedAll, session.machine.state.wishes.pause == nil, pausedAll.until.map({ $0 > Self.now }) ?? true {
            session.feed(.userPaused(until: pausedAll.until))
        }
        if isStopping { session.feed(.stopRequested) }
    }

    /// A line for the log, with the project's name where there are several.
    private func tell(_ name: String, _ line: String) {
        say(desk.hasSeveral ? "\(ProjectNames.readable(name)): \(line)" : line)
    }

    // MARK: Projects

    /// Takes up what was attached meanwhile, lets go what a detach wants, and drops what is gone.
    private func lookForProjects() {
        let look = desk.look(now: millrace_monotonic_seconds())
        for session in look.gone {
            tell(session.name, "its folder was taken away; its workers are ended")
            session.abandon()
        }
        for session in look.leaving where !session.isStopping {
            tell(session.name, "is let go for a detach")
            session.feed(.stopRequested)
        }
        guard !isStopping else { return }
        for name in look.new {
            desk.opening.insert(name)
            let (path, mailbox) = (ProjectNames.path(name, in: directory.path), self.mailbox)
            BlockingThread.start("open") {
                let outcome = Result { () throws(Fault) in try OpenedProject.open(path) }
                mailbox.post(.opened(name, outcome))
            }
        }
    }

    func closeEnded() {
        for session in desk.takeEnded(shares: keeper.preferences) {
            let (closing, name, mailbox) = (session.closing, session.name, self.mailbox)
            BlockingThread.start("close") {
                closing()
                mailbox.post(.closed(name))
            }
        }
    }

    private func divide() {
        let sessions = desk.inOrder
        let claims = sessions.map {
            ShareBook.Claim(project: $0.name, share: ProjectDesk.share($0, keeper.preferences), demand: $0.demand())
        }
        let machine = sessions.first?.machine
        let grants = book.divide(
            claims, cores: settings.cores, coresNow: machine?.machineCoresNow,
            memoryBytes: machine?.policy.allowance.memoryBytes, now: Self.now)
        for session in sessions { if let grant = grants[session.name] { session.take(grant) } }
    }

    // MARK: What is done by the clock

    /// While nothing runs there is little to look at, and a machine at rest should not be woken for it.
    private var choreSeconds: Double { desk.isBusy ? Pace.busySeconds : Pace.restSeconds }

    /// How long to wait for events: until the next chore, or until something is due.
    private func patienceSeconds() -> Double {
        let now = millrace_monotonic_seconds()
        var until = lastChores + choreSeconds
        for session in desk.inOrder { until = min(until, session.dueAt(now: now) ?? until) }
        if desk.hasNews { until = min(until, lastStatus + Pace.newsSeconds) }
        return max(0, until - now)
    }

    private func doChores() {
        let now = millrace_monotonic_seconds()
        for session in desk.inOrder { session.goOn(now: now) }
        if now - lastChores >= choreSeconds {
            lastChores = now
            choreCount += 1
            lookForProjects()
            trim.tend(isBusy: desk.isBusy, now: now)
            let ownCPU = millrace_own_cpu_seconds()
            look(ownCPU)
            let sessions = desk.inOrder
            let part = (ownCPU - notedCPU) / Double(max(1, sessions.count))
            notedCPU = ownCPU
            for session in sessions {
                session.doChores(clientCPUSeconds: part, checkingDisk: choreCount % Pace.diskChores == 0)
                // What one gives back is for the next one to count on.
                if sessions.count > 1 { divide() }
            }
        }
        writeStatus(now)
    }

    /// At the probes, the memory and the preferences.
    private func look(_ ownCPU: Double) {
        let machine = desk.inOrder.first?.machine
        probes.tend(isComputing: machine?.policy.isComputing ?? false) { ownCPU + desk.workerCPUSeconds }
        // Without workers nobody has anything to give back; only what may start depends on it.
        if desk.isBusy || choreCount % Pace.memoryChores == 0, let reading = memoryGauge.read() {
            take(.everybody(.memoryRead(reading)))
        }
        let mayUseNetwork = machine?.policy.allowance.mayUseNetwork ?? true
        for event in keeper.tend(mayUseNetwork: mayUseNetwork) { take(.everybody(event)) }
    }

    private func writeStatus(_ now: Double) {
        let old = desk.isBusy ? Pace.busyStatusSeconds : Pace.restStatusSeconds
        guard now - lastStatus >= (desk.hasNews ? Pace.newsSeconds : old) else { return }
        let (status, directory) = (self.status(), self.directory)
        guard errand.note({ () throws(Fault) in try directory.save(status) }) else { return }
        lastStatus = now
        desk.forgetNews()
        noteHistory(status)
        guard now - lastBook >= Pace.bookSeconds else { return }
        let book = self.book
        if errand.note({ () throws(Fault) in try directory.save(book) }) { lastBook = now }
    }

    func status() -> ClientStatus {
        let machine = desk.inOrder.first?.machine
        var status = ClientStatus(
            writtenAt: Self.now, policy: machine?.policy, cores: machine?.machineCoresNow ?? 0,
            projects: desk.status(shares: keeper.preferences))
        let report = governor.report()
        status.processor = ProcessorLimit(
            cpuPercent: report.percent, method: report.method.rawValue, measuredPercent: report.measured?.percent,
            measuredSeconds: report.measured?.seconds ?? 0)
        status.sandbox = sandbox
        status.sandbox?.programs =
            keeper.preferences.allowsPrograms ? programs.lacking : "the preferences say `programs: no`"
        for words in governor.takeWords() { say(words) }
        status.transfers = keeper.transferStatus
        status.repairs = repairs.isEmpty ? nil : repairs
        status.preferencesProblem = keeper.problem
        status.preferenceOptions = keeper.optionStatus
        return status
    }

    var utcOffsetSeconds: Int { keeper.utcOffsetSeconds }
    /// Every preference and where it came from.
    var preferences: PreferencesReport { keeper.report }

    static var now: Timestamp { Timestamp(milliseconds: millrace_wall_milliseconds()) }

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

/// What comes into the client's mailbox.
enum ClientMail: Sendable {
    /// For one project's session, by its number; dropped when that has ended.
    case session(Int, ClientEvent)
    /// For all of them.
    case everybody(ClientEvent)
    /// By the user, over the socket.
    case asked(ControlRequest, ControlSocket.Answer)
    case opened(String, Result<OpenedProject, Fault>)
    case closed(String)
}

/// Lines that come from several closures.
private final class Words {
    var lines: [String]

    init(_ lines: [String]) { self.lines = lines }
}

/// How often the client looks at things.
private enum Pace {
    static let busySeconds = 1.0
    static let restSeconds = 5.0
    /// A look at the size of task folders every so many chores.
    static let diskChores = 20
    static let memoryChores = 2
    /// The status is written so long after something happened, and when nothing has.
    static let newsSeconds = 1.0
    static let busyStatusSeconds = 5.0
    static let restStatusSeconds = 30.0
    static let bookSeconds = 600.0
}
