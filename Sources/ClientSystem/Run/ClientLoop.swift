import CPosix
import ClientCore
import Domain
import Glibc
import Wire
import WorkerHost

/// The running client: takes events from its threads to the projects that they are about, divides the machine among
/// the projects, and does what is done by the clock. What a project decides and does is in `ProjectSession`.
public final class ClientLoop {
    let directory: DataDirectory
    var desk: ProjectDesk
    let mailbox = Mailbox<ClientMail>()
    private let settings: ClientSettings
    private let executable: String
    private let say: (String) -> Void

    private var shares: [String: Double]
    private var book: ShareBook
    private let idleProbe: X11IdleProbe?
    private var loadProbe = OtherLoadProbe()
    /// The last of each kind, for projects that come later.
    private var readings: [ProbeKind: ProbeReading] = [:]

    private let errand = DiskErrand(mailbox: Postbox { _ in })
    private var lastChores = 0.0
    private var choreCount = 0
    private var notedCPU = 0.0
    private var lastStatus = 0.0
    private var lastBook = 0.0
    private var isStopping = false

    /// - Parameter directory: with at least one project, unless `waits`.
    /// - Parameter waits: go on while there is no project, and take one up when it comes.
    /// - Parameter shares: weights of projects by their servers' addresses; the others have 100.
    /// - Parameter say: the log, a line each.
    /// - Parameter configure: changes settings before they are used; they are the same for all projects.
    /// - Throws: `.configuration` when the host is not attached or there is no worker.
    public init(
        directory: DataDirectory, waits: Bool = false, shares: [String: Double] = [:],
        say: @escaping (String) -> Void, configure: (inout ClientSettings) -> Void
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
        configure(&settings)
        self.settings = settings
        self.directory = directory
        self.shares = shares
        self.say = say
        desk = ProjectDesk(data: directory.path, waits: waits)
        book = directory.loadShares(say: say)
        idleProbe =
            settings.idle.always
            ? nil
            : X11IdleProbe(executable: WorkerLocator.ownPath(), arguments: ["probe-x11"]) { [mailbox] in
                mailbox.post(.everybody(.probed([$0])))
            }
    }

    /// Asks the client to end: workers write checkpoints and leave. Safe from any thread.
    public var stopper: @Sendable () -> Void {
        { [mailbox] in mailbox.post(.everybody(.stopRequested)) }
    }

    /// Runs until it is told to stop, or has nothing to do for as long as the settings say.
    ///
    /// - Throws: why no project can be worked for, where that is so from the start.
    public func run() throws(Fault) {
        lookForProjects()
        while true {
            for mail in mailbox.take(waitSeconds: patienceSeconds()) { take(mail) }
            divide()
            doChores()
            closeEnded()
            if let fault = desk.startFault { throw fault }
            if desk.isDone(isStopping: isStopping) { break }
        }
        idleProbe?.stop()
        errand.settle(seconds: 5)
        let (status, book, directory) = (self.status(), self.book, self.directory)
        errand.note { () throws(Fault) in
            try directory.save(status)
            try directory.save(book)
        }
        errand.settle(seconds: 5)
    }

    // MARK: Events

    private func take(_ mail: ClientMail) {
        switch mail {
        case .session(let number, let event): desk.sessions[number]?.feed(event)
        case .everybody(let event):
            if case .stopRequested = event { isStopping = true }
            if case .probed(let new) = event { for reading in new { readings[reading.kind] = reading } }
            for session in desk.inOrder { session.feed(event) }
        case .opened(let name, .success(let project)): begin(project, name)
        case .opened(let name, .failure(let fault)):
            if desk.setAside(name, fault) { tell(name, "\(fault)") }
        case .closed(let name): desk.closing.remove(name)
        }
    }

    private func begin(_ project: OpenedProject, _ name: String) {
        for line in project.words { tell(name, line) }
        let number = desk.nextNumber()
        let session = ProjectSession(
            project, settings: settings, machineCores: HostInventory.cores, executable: executable,
            mailbox: mailbox.postbox { .session(number, $0) }, say: { [unowned self] in tell(name, $0) })
        desk.add(session, number: number)
        session.feed(.started(slots: project.findings, blobs: project.blobs))
        if !readings.isEmpty { session.feed(.probed(readings.values.sorted { $0.at < $1.at })) }
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

    private func closeEnded() {
        for session in desk.takeEnded() {
            let (closing, name, mailbox) = (session.closing, session.name, self.mailbox)
            BlockingThread.start("close") {
                closing()
                mailbox.post(.closed(name))
            }
        }
    }

    private func share(_ session: ProjectSession) -> Double {
        shares[session.machine.state.attachment.serverURL] ?? ShareRules.standardShare
    }

    private func divide() {
        let sessions = desk.inOrder
        let claims = sessions.map { ShareBook.Claim(project: $0.name, share: share($0), demand: $0.demand()) }
        let grants = book.divide(
            claims, cores: settings.cores, memoryBytes: sessions.first?.machine.memoryShare, now: Self.now)
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
            idleProbe?.tend()
            let ownCPU = millrace_own_cpu_seconds()
            readLoad(ownCPU, now)
            let sessions = desk.inOrder
            let part = (ownCPU - notedCPU) / Double(max(1, sessions.count))
            notedCPU = ownCPU
            for session in sessions {
                session.doChores(clientCPUSeconds: part, checkingDisk: choreCount % Pace.diskChores == 0)
            }
        }
        writeStatus(now)
    }

    private func readLoad(_ ownCPU: Double, _ now: Double) {
        guard idleProbe != nil,
            let reading = loadProbe.read(
                ownCPUSeconds: ownCPU + desk.workerCPUSeconds, monotonicSeconds: now, now: Self.now)
        else { return }
        take(.everybody(.probed([reading])))
    }

    private func writeStatus(_ now: Double) {
        let old = desk.isBusy ? Pace.busyStatusSeconds : Pace.restStatusSeconds
        guard now - lastStatus >= (desk.hasNews ? Pace.newsSeconds : old) else { return }
        let (status, directory) = (self.status(), self.directory)
        guard errand.note({ () throws(Fault) in try directory.save(status) }) else { return }
        lastStatus = now
        desk.forgetNews()
        guard now - lastBook >= Pace.bookSeconds else { return }
        let book = self.book
        if errand.note({ () throws(Fault) in try directory.save(book) }) { lastBook = now }
    }

    private func status() -> ClientStatus {
        let projects = desk.inOrder.map { $0.status(share: share($0)) } + desk.asideStatus(shares: shares)
        return ClientStatus(
            writtenAt: Self.now, policy: desk.inOrder.first?.machine.policy,
            projects: projects.sorted { $0.name < $1.name })
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

/// What comes into the client's mailbox.
enum ClientMail: Sendable {
    /// For one project's session, by its number; dropped when that has ended.
    case session(Int, ClientEvent)
    /// For all of them.
    case everybody(ClientEvent)
    case opened(String, Result<OpenedProject, Fault>)
    case closed(String)
}

/// How often the client looks at things.
private enum Pace {
    static let busySeconds = 1.0
    static let restSeconds = 5.0
    /// A look at the size of task folders every so many chores.
    static let diskChores = 20
    /// The status is written so long after something happened, and when nothing has.
    static let newsSeconds = 1.0
    static let busyStatusSeconds = 5.0
    static let restStatusSeconds = 30.0
    static let bookSeconds = 600.0
}
