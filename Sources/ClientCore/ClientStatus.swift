import Domain

/// What `millrace-client status` shows; written by the running client, readable when none runs.
public struct ClientStatus: Hashable, Sendable, Codable {
    public var running: Bool
    public var writtenAtMs: Int64
    /// Whether nobody objects to computing; false while nothing is attached.
    public var computing: Bool
    public var pause: Pause?
    public var probes: [Probe]
    /// In order of their folders' names.
    public var projects: [Project]

    public init(writtenAt: Timestamp, policy: IdlePolicy?, projects: [Project]) {
        running = true
        writtenAtMs = writtenAt.milliseconds
        computing = policy?.isComputing ?? false
        if case .paused(let why)? = policy?.mode {
            pause = Pause(
                probe: why.probe?.rawValue, reason: why.reason, sinceMs: why.since.milliseconds, until: why.until)
        }
        probes = (policy?.readings ?? []).map {
            Probe(name: $0.kind.rawValue, value: Self.words($0.value), atMs: $0.at.milliseconds)
        }
        self.projects = projects
    }

    /// One project that this host is attached to.
    public struct Project: Hashable, Sendable, Codable {
        /// Of its folder, and for commands.
        public var name: String
        /// working, leaving, set aside
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
        /// waiting for its work unit, waiting for inputs, ready, computing, paused, finished, failed
        public var state: String
        public var fraction: Double
        public var cpuSeconds: Double
        public var deadlineMs: Int64
        public var message: String?
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
            name: name, state: stopping == nil ? "working" : "leaving", attachment: state.attachment, share: share,
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
        status.kernelCPUSeconds = state.tasks.reduce(state.totals.kernelSeconds) { $0 + $1.used.kernelSeconds }
        status.workerCPUSeconds = state.totals.workerCPUSeconds + liveWorkerCPUSeconds
        status.clientCPUSeconds = state.totals.clientCPUSeconds
        return status
    }

    private func whyNotStarted(_ task: HeldTask) -> String? {
        if runs.count >= grant.cores, grant.cores < settings.cores {
            return "waits for its project's turn"
        }
        return memoryObjection(to: task)
    }

    private func row(_ task: HeldTask, _ now: Timestamp) -> ClientStatus.Task {
        let (word, message): (String, String?) =
            switch task.stage {
            case .offered: ("waiting for its work unit", nil)
            case .ready:
                switch runs[task.id]?.phase {
                case nil where inputsAreHere(task): ("ready", policy.isComputing ? whyNotStarted(task) : nil)
                case nil: ("waiting for inputs", nil)
                case .starting?, .computing?:
                    ("computing", isEndangered(task, now: now) ? "its deadline is near" : nil)
                case .suspended?: ("paused", nil)
                }
            case .finished(let result):
                result.isInline || result.uploaded || isUploadRefused(task)
                    ? ("finished, to be reported", nil) : ("finished, to be uploaded", nil)
            case .failed(_, let why): ("failed, to be reported", why)
            }
        let fraction: Double
        if case .finished = task.stage { fraction = 1 } else { fraction = task.fraction ?? 0 }
        return ClientStatus.Task(
            id: task.id.description, project: PrintableText.clean(task.offer.project),
            label: PrintableText.clean(task.unit?.label ?? ""), state: word,
            fraction: fraction, cpuSeconds: task.used.cpuSeconds, deadlineMs: task.offer.deadline.milliseconds,
            message: message)
    }

}

extension ClientStatus {
    private static func words(_ value: ProbeReading.Value) -> String {
        switch value {
        case .idle(let milliseconds): "idle for \(milliseconds / 1000) s"
        case .busy(let cores): "\(Double(Int(cores * 100)) / 100) cores busy"
        case .program(let name): name.map { "\($0) runs" } ?? "none runs"
        case .fullScreen(let window): window.map { "\($0) fills the screen" } ?? "no window fills the screen"
        case .power(let isOnBattery, let charge):
            (isOnBattery ? "on battery" : "on mains") + (charge.map { ", charge \($0) %" } ?? "")
        case .temperature(let degrees, let sensor): "\(Int(degrees.rounded())) °C (\(sensor))"
        case .pressure(let cpu, let memory, let disk):
            "processor \(Int(cpu)) %, memory \(Int(memory)) %, disk \(Int(disk)) %"
        case .metered(let isMetered): isMetered ? "costs by the byte" : "does not cost by the byte"
        case .permission(let isGiven, let reason): "\(isGiven ? "given" : "not given"): \(reason)"
        case .unavailable(let why): "not available: \(why)"
        }
    }
}
