import Domain

/// What `millrace-client status` shows; written by the running client, readable when none runs.
public struct ClientStatus: Hashable, Sendable, Codable {
    public var server: String
    public var site: String
    public var volunteer: String
    public var host: Int64
    public var running: Bool
    public var writtenAtMs: Int64
    public var computing: Bool
    public var pause: Pause?
    public var probes: [Probe]
    public var tasks: [Task]
    public var creditCobblestones: Double
    /// Earned with results that are not final yet; not part of the above.
    public var provisionalCobblestones: Double?
    public var validTasks: Int64
    public var invalidTasks: Int64
    public var reportedResults: Int
    public var reportedFailures: Int
    public var failuresInRow: Int
    public var lastContactMs: Int64?
    public var nextCallMs: Int64?
    /// Why the server gave no work; empty while a held task can be computed.
    public var noWorkReasons: [String]
    public var problem: String?
    /// What the user or the client's own rules hold up; nil: an older client wrote this.
    public var holds: [Hold]?
    /// CPU seconds since the host attached: inside kernels, of workers as a whole, of the client itself.
    public var kernelCPUSeconds: Double
    public var workerCPUSeconds: Double
    public var clientCPUSeconds: Double
    /// Filled in by the shell, which bounds the workers.
    public var processor: ProcessorLimit?

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
        /// waiting for its work unit, waiting for inputs, ready, suspended, computing, paused, finished, failed
        public var state: String
        public var fraction: Double
        public var cpuSeconds: Double
        public var deadlineMs: Int64
        public var message: String?
    }
}

extension ClientMachine {
    /// The client as seen from outside.
    ///
    /// - Parameter liveWorkerCPUSeconds: of workers that have not ended yet.
    public func status(now: Timestamp, liveWorkerCPUSeconds: Double) -> ClientStatus {
        var pause: ClientStatus.Pause?
        if let hold = holds.first, hold.code == .paused {
            // Whoever is at the keyboard knows best why nothing runs.
            pause = ClientStatus.Pause(
                probe: nil, reason: hold.reason, sinceMs: hold.sinceMs ?? now.milliseconds, until: hold.until)
        } else if case .paused(let why) = policy.mode {
            pause = ClientStatus.Pause(
                probe: why.probe?.rawValue, reason: why.reason, sinceMs: why.since.milliseconds, until: why.until)
        }
        return ClientStatus(
            server: state.attachment.serverURL, site: PrintableText.clean(state.attachment.site),
            volunteer: state.attachment.volunteerName, host: state.attachment.host.rawValue, running: true,
            writtenAtMs: now.milliseconds, computing: isComputing, pause: pause,
            probes: policy.readings.map {
                ClientStatus.Probe(name: $0.kind.rawValue, value: words($0.value), atMs: $0.at.milliseconds)
            },
            tasks: state.tasks.map(row),
            creditCobblestones: Double(state.account.creditMicrocobblestones) / 1e6,
            provisionalCobblestones: state.account.provisionalMicrocobblestones.map { Double($0) / 1e6 },
            validTasks: state.account.validTasks, invalidTasks: state.account.invalidTasks,
            reportedResults: state.totals.reportedResults, reportedFailures: state.totals.reportedFailures,
            failuresInRow: state.failuresInRow, lastContactMs: call.lastContact?.milliseconds,
            nextCallMs: call.notBefore?.milliseconds,
            noWorkReasons: state.tasks.allSatisfy(\.stage.isOver) ? call.noWorkReasons : [], problem: problem,
            holds: holds,
            kernelCPUSeconds: state.tasks.reduce(state.totals.kernelSeconds) { $0 + $1.used.kernelSeconds },
            workerCPUSeconds: state.totals.workerCPUSeconds + liveWorkerCPUSeconds,
            clientCPUSeconds: state.totals.clientCPUSeconds)
    }

    private func row(_ task: HeldTask) -> ClientStatus.Task {
        let (word, message): (String, String?) =
            switch task.stage {
            case .offered: ("waiting for its work unit", nil)
            case .ready:
                switch runs[task.id]?.phase {
                case nil where task.suspendedSince != nil:
                    ("suspended", "you suspended it; it goes on when you resume it")
                case nil where inputsAreHere(task): ("ready", isComputing ? memoryObjection(to: task) : nil)
                case nil: ("waiting for inputs", nil)
                case .starting?, .computing?: ("computing", nil)
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

    private func words(_ value: ProbeReading.Value) -> String {
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
