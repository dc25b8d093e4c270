import Domain

/// What `millrace-client status` shows; written by the running client, readable when none runs.
public struct ClientStatus: Hashable, Sendable, Codable {
    public var running: Bool
    public var writtenAtMs: Int64
    /// Whether a task computes.
    public var computing: Bool
    public var pause: Pause?
    /// What may be done now, and all that stands against more; nil in a status of an older client.
    public var allowance: AllowanceStatus?
    /// Why the file of preferences is not in force; nil: it is, or there is none.
    public var preferencesProblem: String?
    /// What was found damaged when the client started, and what was done about it; nil: nothing.
    public var repairs: [String]?
    /// What the command line says in place of the file.
    public var preferenceOptions: [PreferenceOptionStatus]?
    public var probes: [Probe]
    /// Filled in by the shell, which bounds the workers.
    public var processor: ProcessorLimit?
    /// What holds the tasks of this client; nil: not found out yet.
    public var sandbox: Sandbox?
    /// Filled in by the shell; nil: an older client wrote this.
    public var transfers: Transfers?
    /// In order of their folders' names.
    public var projects: [Project]

    /// - Parameter policy: of any of the projects, since all hear the same; nil: there is none.
    /// - Parameter cores: that tasks of all projects together may use now.
    public init(writtenAt: Timestamp, policy: IdlePolicy?, cores: Int, projects: [Project]) {
        running = true
        writtenAtMs = writtenAt.milliseconds
        let hold = Self.pauseOfAll(projects)
        computing = projects.contains { $0.tasks.contains { $0.state == "computing" } }
        if let hold {
            // Whoever is at the keyboard knows best why nothing runs.
            pause = Pause(
                probe: nil, reason: hold.reason, sinceMs: hold.sinceMs ?? writtenAt.milliseconds, until: hold.until)
        } else if let policy, let why = policy.pause {
            // The pause began when it began, whoever objects now.
            pause = Pause(
                probe: why.probe?.rawValue, reason: why.reason,
                sinceMs: (policy.pausedSince ?? why.since).milliseconds, until: why.until)
        }
        allowance = policy.map { AllowanceStatus($0.allowance, cores: cores) }
        probes = (policy?.readings ?? []).map {
            Probe(name: $0.kind.rawValue, value: $0.value.words, atMs: $0.at.milliseconds)
        }
        self.projects = projects
    }

    /// The user's pause, if it holds for all projects that are worked for, or were when the client ended: the one that
    /// ends last.
    public static func pauseOfAll(_ projects: [Project]) -> Hold? {
        let working = projects.filter { ["working", "stopping"].contains($0.state) }
        let counted = working.isEmpty ? projects.filter { $0.state == "stopped" } : working
        let pauses = counted.compactMap { $0.holds?.first { $0.code == .paused } }
        guard !pauses.isEmpty, pauses.count == counted.count else { return nil }
        return pauses.max { $0.untilMs ?? .max < $1.untilMs ?? .max }
    }

    public struct Sandbox: Hashable, Sendable, Codable {
        /// Whether it is on; off only when somebody said so.
        public var isOn: Bool
        /// Of the kernels that are part of Millrace.
        public var layers: SandboxLayers
        /// What it must have and lacks, in words; then nothing is computed while it is on.
        public var lacking: String?
        /// Why programs of scientists are not started; nil: they are, or an older client wrote this.
        public var programs: String?

        public init(isOn: Bool, layers: SandboxLayers, lacking: String?) {
            self.isOn = isOn
            self.layers = layers
            self.lacking = lacking
        }
    }

    /// One project that this host is attached to.
    public struct Project: Hashable, Sendable, Codable {
        /// Of its folder, and for commands.
        public var name: String
        /// working, stopping, stopped, set aside
        public var state: String
        /// Weight against the other projects.
        public var share: Double
        /// Tasks that it may run at once now.
        public var cores: Int
        public var server: String
        public var site: String
        public var volunteer: String
        public var host: Int64
        public var tasks: [Task] = []
        public var creditCobblestones = 0.0
        /// Earned with results that are not final yet; not part of the above.
        public var provisionalCobblestones: Double?
        public var validTasks: Int64 = 0
        public var invalidTasks: Int64 = 0
        public var reportedResults = 0
        public var reportedFailures = 0
        public var failuresInRow = 0
        public var lastContactMs: Int64?
        public var nextCallMs: Int64?
        /// Why the server gave no work; empty while a held task can be computed.
        public var noWorkReasons: [String] = []
        public var problem: String?
        /// What the user or the client's own rules hold up; nil: an older client wrote this.
        public var holds: [Hold]?
        /// A version of the client that the project knows of, newer than this one; it comes by the package manager
        /// only.
        public var newerClient: String?
        /// As `ClientStatus.repairs`, of this project's folder.
        public var repairs: [String]?
        /// Why the project's signed releases could not be brought up to date.
        public var releaseTrouble: String?
        /// CPU seconds since the host attached: inside kernels, of workers as a whole, of the client itself.
        public var kernelCPUSeconds = 0.0
        public var workerCPUSeconds = 0.0
        public var clientCPUSeconds = 0.0

        /// A project that is set aside.
        ///
        /// - Parameter attachment: as far as its folder says.
        public init(name: String, state: String, attachment: ClientState.Attachment?, share: Double, problem: String?) {
            self.name = name
            self.state = state
            self.share = share
            cores = 0
            server = attachment?.serverURL ?? ""
            site = PrintableText.clean(attachment?.site ?? "")
            volunteer = attachment?.volunteerName ?? ""
            host = attachment?.host.rawValue ?? 0
            self.problem = problem.map(PrintableText.clean)
        }
    }

    public struct Pause: Hashable, Sendable, Codable {
        public var probe: String?
        public var reason: String
        public var sinceMs: Int64
        public var until: String
    }

    public struct Probe: Hashable, Sendable, Codable {
        public var name: String
        /// In words, for example `idle for 12 s`.
        public var value: String
        public var atMs: Int64
    }

    public struct Task: Hashable, Sendable, Codable {
        public var id: String
        public var project: String
        public var label: String
        /// waiting for its work unit, waiting for its program, waiting for inputs, ready, suspended, computing, paused,
        /// finished, failed
        public var state: String
        public var fraction: Double
        public var cpuSeconds: Double
        public var deadlineMs: Int64
        public var message: String?
        /// Seconds of computing that it still needs on one core, as far as is known; nil: none, or an older client
        /// wrote this.
        public var remainingSeconds: Double?
    }

    /// What moves over the network, and how much may.
    public struct Transfers: Hashable, Sendable, Codable {
        public var bytesToday: Int64
        /// nil: no limit, like the next two.
        public var bytesPerDay: Int64?
        public var downBytesPerSecond: Int64?
        public var upBytesPerSecond: Int64?

        public init(bytesToday: Int64, bytesPerDay: Int64?, downBytesPerSecond: Int64?, upBytesPerSecond: Int64?) {
            self.bytesToday = bytesToday
            self.bytesPerDay = bytesPerDay
            self.downBytesPerSecond = downBytesPerSecond
            self.upBytesPerSecond = upBytesPerSecond
        }
    }
}

extension ClientMachine {
    /// The project as seen from outside.
    ///
    /// - Parameter name: of its folder.
    /// - Parameter liveWorkerCPUSeconds: of workers that have not ended yet.
    public func status(
        name: String = "", share: Double = ShareRules.standardShare, now: Timestamp, liveWorkerCPUSeconds: Double
    ) -> ClientStatus.Project {
        var status = ClientStatus.Project(
            name: name, state: stopping == nil ? "working" : "stopping", attachment: state.attachment, share: share,
            problem: problem)
        status.cores = grant.cores
        status.tasks = state.tasks.map { row($0, now) }
        status.creditCobblestones = Double(state.account.creditMicrocobblestones) / 1e6
        status.provisionalCobblestones = state.account.provisionalMicrocobblestones.map { Double($0) / 1e6 }
        status.validTasks = state.account.validTasks
        status.invalidTasks = state.account.invalidTasks
        status.reportedResults = state.totals.reportedResults
        status.reportedFailures = state.totals.reportedFailures
        status.failuresInRow = state.failuresInRow
        status.lastContactMs = call.lastContact?.milliseconds
        status.nextCallMs = call.notBefore?.milliseconds
        status.noWorkReasons = state.tasks.allSatisfy(\.stage.isOver) ? call.noWorkReasons : []
        status.holds = holds
        status.kernelCPUSeconds = state.tasks.reduce(state.totals.kernelSeconds) { $0 + $1.used.kernelSeconds }
        status.workerCPUSeconds = state.totals.workerCPUSeconds + liveWorkerCPUSeconds
        status.clientCPUSeconds = state.totals.clientCPUSeconds
        return status
    }

    private func row(_ task: HeldTask, _ now: Timestamp) -> ClientStatus.Task {
        let (word, message): (String, String?) =
            switch task.stage {
            case .offered: ("waiting for its work unit", whyNoUnit(task))
            case .ready:
                switch runs[task.id]?.phase {
                case nil where task.suspendedSince != nil:
                    ("suspended", "you suspended it; it goes on when you resume it")
                case nil where programWait(task) != nil: ("waiting for its program", programWait(task))
                case nil where inputsAreHere(task): ("ready", whyNotStarted(task, now))
                case nil: ("waiting for inputs", whyNoInputs(task))
                case .starting?, .computing?:
                    ("computing", isEndangered(task, now: now) ? "its deadline is near" : nil)
                case .suspended?: ("paused", whyPaused)
                }
            case .finished(let result):
                result.isInline || result.uploaded || isUploadRefused(task)
                    ? ("finished, to be reported", whyNotReported) : ("finished, to be uploaded", whyNotUploaded(task))
            case .failed(_, let why): ("failed, to be reported", why)
            }
        let fraction: Double
        if case .finished = task.stage { fraction = 1 } else { fraction = task.fraction ?? 0 }
        return ClientStatus.Task(
            id: task.id.description, project: PrintableText.clean(task.offer.project),
            label: PrintableText.clean(task.unit?.label ?? ""), state: word,
            fraction: fraction, cpuSeconds: task.used.cpuSeconds, deadlineMs: task.offer.deadline.milliseconds,
            message: message.map(PrintableText.clean),
            remainingSeconds: task.stage.isOver ? nil : remainingSeconds(task))
    }
}
