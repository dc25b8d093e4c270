import CPosix
import Confinement
import Domain
import FoundationEssentials
import Glibc

/// Tries all ways out of both sandboxes for real, with the worker program that computes tasks.
public struct SandboxSelftest {
    /// What came of one probe in one sandbox.
    public struct Row: Sendable, Hashable, Codable {
        public var name: String
        public var tried: String
        public var sandbox: EscapeProbe.Sandbox
        public var outcome: EscapeFinding.Outcome
        /// By what it was denied, or how far it came.
        public var how: String
        /// What came of it without a sandbox; nil: not tried.
        public var control: EscapeFinding.Outcome?
        public var controlHow: String?
        /// The probe got nowhere without a sandbox either, where it should: then the row shows nothing.
        public var isWorthless: Bool

        package init(
            name: String, tried: String, sandbox: EscapeProbe.Sandbox, outcome: EscapeFinding.Outcome, how: String,
            control: EscapeFinding.Outcome?, controlHow: String?, isWorthless: Bool
        ) {
            self.name = name
            self.tried = tried
            self.sandbox = sandbox
            self.outcome = outcome
            self.how = how
            self.control = control
            self.controlHow = controlHow
            self.isWorthless = isWorthless
        }

        public var isGood: Bool { outcome != .open && !isWorthless }
    }

    /// The whole test.
    public struct Report: Sendable, Hashable, Codable {
        public var answer: SandboxAnswer
        /// What a sandbox lacks that it must have; then nothing was tried in it.
        public var lacking: [String: String]
        public var rows: [Row]
        /// Seconds that a task of each kind takes longer to start than without its sandbox, median; by sandbox.
        public var startSeconds: [String: Double]

        package init(
            answer: SandboxAnswer, lacking: [String: String], rows: [Row], startSeconds: [String: Double]
        ) {
            self.answer = answer
            self.lacking = lacking
            self.rows = rows
            self.startSeconds = startSeconds
        }

        /// 0 all denied, 1 something is open, 78 there is no sandbox.
        public var exitCode: Int32 {
            if rows.contains(where: { !$0.isGood }) { return FaultKind.negative.rawValue }
            return lacking.isEmpty ? 0 : FaultKind.configuration.rawValue
        }
    }

    private let worker: String
    private let withControl: Bool
    private let timed: Bool

    /// - Parameters:
    ///   - worker: path of `millrace-worker`.
    ///   - withControl: also tries them without a sandbox, where that harms nobody.
    ///   - timed: also measures what a sandbox costs at the start of a task.
    public init(worker: String, withControl: Bool = true, timed: Bool = false) {
        self.worker = worker
        self.withControl = withControl
        self.timed = timed
    }

    /// - Parameter progress: called with each row.
    /// - Throws: what the system refuses before anything is tried.
    public func run(progress: (Row) -> Void = { _ in }) throws(Fault) -> Report {
        let answer = try SandboxAnswer.ask(worker: worker)
        var report = Report(answer: answer, lacking: [:], rows: [], startSeconds: [:])
        if let lacking = answer.kernel.shortfall(of: .kernel) { report.lacking["kernel"] = lacking }
        if let lacking = answer.program.shortfall(of: .program) { report.lacking["program"] = lacking }
        let stage = try SelftestStage()
        var place = 0
        for probe in EscapeProbe.all {
            var control: EscapeFinding?
            if withControl && probe.control != .none {
                place += 1
                control = try tryPlain(probe, stage.scene(for: place, nil, worker: worker), stage)
            }
            for sandbox in probe.sandboxes where report.lacking[sandbox.rawValue] == nil {
                place += 1
                let scene = try stage.scene(for: place, sandbox, worker: worker)
                let finding =
                    sandbox == .kernel
                    ? try tryKernel(probe, scene, stage) : try tryProgram(probe, scene, place, stage)
                let row = Row(
                    name: probe.name, tried: probe.tried, sandbox: sandbox, outcome: finding.outcome,
                    how: finding.how, control: control?.outcome, controlHow: control?.how,
                    isWorthless: Self.isWorthless(probe, control))
                report.rows.append(row)
                progress(row)
            }
        }
        if timed { report.startSeconds = try StartCost(worker: worker).measure(lacking: report.lacking) }
        return report
    }

    private static func isWorthless(_ probe: EscapeProbe, _ control: EscapeFinding?) -> Bool {
        guard let control, control.outcome != .absent else { return false }
        switch probe.control {
        case .open: return control.outcome != .open
        case .openForRoot: return isWholeRoot && control.outcome != .open
        case .unknown, .none: return false
        }
    }

    /// Root of a container has not all of root's rights; then a refusal without a sandbox says nothing.
    private static let isWholeRoot: Bool = {
        guard geteuid() == 0, let status = ProcessTimes.text("/proc/self/status") else { return false }
        let line = status.split(separator: "\n").first { $0.hasPrefix("CapEff:") }
        let rights = line.flatMap { UInt64($0.dropFirst(7).drop { $0 == "\t" || $0 == " " }, radix: 16) } ?? 0
        // Of linux/capability.h, those that a container's root lacks first: SYS_MODULE, SYS_RAWIO, SYS_ADMIN, SYS_TIME.
        let needed: UInt64 = 1 << 16 | 1 << 17 | 1 << 21 | 1 << 25
        return rights & needed == needed
    }()

    static func json(_ scene: EscapeScene) throws(Fault) -> String {
        guard let json = try? JSONEncoder().encode(scene) else {
            throw Fault(.software, "a probe's scene cannot be encoded")
        }
        return String(decoding: json, as: UTF8.self)
    }

    private func tryPlain(
        _ probe: EscapeProbe, _ scene: EscapeScene, _ stage: SelftestStage
    ) throws(Fault) -> EscapeFinding {
        let end = try CapturedRun.perform(
            worker, ["probe-escape", probe.name, "plain", try Self.json(scene)],
            timeoutSeconds: ProbeVerdict.secondsMax,
            input: stage.terminal, more: [stage.treasure])
        return ProbeVerdict.finding(end.output) ?? EscapeFinding(.denied, end.words)
    }

    private func tryKernel(
        _ probe: EscapeProbe, _ scene: EscapeScene, _ stage: SelftestStage
    ) throws(Fault) -> EscapeFinding {
        let end = try CapturedRun.perform(
            worker, ["probe-escape", probe.name, "kernel", try Self.json(scene)],
            timeoutSeconds: ProbeVerdict.secondsMax,
            input: stage.terminal, more: [stage.treasure])
        return ProbeVerdict.ofKernel(output: end.output, exit: end.exit, wasCut: end.wasCut, words: end.words)
    }

    static let programBounds = Bounds(
        addressSpaceBytes: 2 << 30, fileBytes: 8 << 20, processes: 64, openFiles: 128, cpuSeconds: 60)

    private func tryProgram(
        _ probe: EscapeProbe, _ scene: EscapeScene, _ place: Int, _ stage: SelftestStage
    ) throws(Fault) -> EscapeFinding {
        var enclosure = Enclosure(
            command: ["/program/millrace-worker", "probe-escape", probe.name, "program", try Self.json(scene)],
            environment: EscapeScene.programEnvironment + ["OPENBLAS_NUM_THREADS=1"],
            folder: "/output", bounds: Self.programBounds)
        enclosure.inputs = [
            .init(path: worker, place: "/program/millrace-worker", isExecutable: true),
            .init(path: "\(scene.folder)/input", place: "/input/file"),
        ]
        enclosure.output = .init(
            path: "\(scene.folder)/slots/probe\(place)", bytesMax: 16 << 20, filesMax: 200)
        enclosure.memoryBytes = 256 << 20
        enclosure.temporaryBytes = 16 << 20
        enclosure.hasOwnLibraries = true
        let output = try ReadingEnd(bytesMax: 1 << 16, keepsEnd: false)
        let errors = try ReadingEnd(bytesMax: 1000, keepsEnd: true)
        let run = try EnclosedRun.launch(
            enclosure, [], worker, output: output.writing, errors: errors.writing)
        for end in [output, errors] { end.closeWriting() }
        let deadline = millrace_monotonic_seconds() + ProbeVerdict.secondsMax
        let cut = BoundedWait.wait(for: run.pid, until: deadline, [output, errors], whoAsks: nil)
        if cut != nil { run.kill() }
        let words = PrintableText.clean(String(decoding: errors.bytes, as: UTF8.self))
        let end = run.collect(lastWords: words)
        return ProbeVerdict.ofProgram(
            probe, output: output.bytes, cause: end.cause, wasCut: cut != nil, words: words)
    }
}
