import Domain
import WorkerHost

/// `millrace dry-run [PATH] [--unit N]`.
public struct DryRunCommand: Sendable {
    private let path: String
    private let unit: Int
    private let executable: String

    /// - Parameter unit: from 0.
    /// - Parameter executable: the path of millrace-worker.
    public init(path: String, unit: Int, executable: String) {
        self.path = path
        self.unit = unit
        self.executable = executable
    }

    /// - Returns: 0 when the result passed its check within every bound, 1 otherwise.
    public func run(_ context: CommandContext) throws(Fault) -> Int32 {
        guard unit >= 0 else { throw Fault(.usage, "--unit \(unit) is negative", advice: "Units are numbered from 0.") }
        Interruption.listen()
        let servant = WorkerServant(executable: executable)
        defer { servant.stop() }
        let catalogue = try AppCatalogue.load(servant)
        let project = try CheckedProject.open(path, catalogue, context)
        let report = try ScratchFolder.with { (scratch) throws(Fault) -> DryRunReport in
            let packed = try PackedProject.pack(project, into: scratch.path, context)
            let run = DryRun(
                packed: packed, executable: executable, servant: servant, pause: SystemPause(), context: context)
            return try run.perform(index: unit, in: scratch)
        }
        context.answer(report.json, text: report.text)
        return report.passed ? 0 : FaultKind.negative.rawValue
    }
}
