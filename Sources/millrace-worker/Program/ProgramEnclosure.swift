import Confinement
import Domain
import Glibc
import Wire
import WorkerHost

/// What a program sees and may take, by its unit and its release.
struct ProgramEnclosure {
    let enclosure: Enclosure
    /// Where the program's file is, inside.
    let place: String

    /// Bytes of address space of a process beyond the unit's memory: interpreters and threads reserve more than they
    /// use. What is used is watched.
    private static let addressHeadroom = 4 << 30
    private static let processesMax = 256
    private static let openFilesMax = 1024
    private static let searched = ["/usr/local/bin", "/usr/bin", "/bin"]

    /// - Throws: `.configuration` when this computer lacks what starts the file.
    init(plan: ProgramPlan, job: WireRunJob, input: String, output: String, _ shelter: Shelter) throws(Fault) {
        let isModule = job.program.platform == ProgramApp.wasmPlatform
        place = "/program/\(ProgramFileName.isValid(plan.name) ? plan.name : "program")\(isModule ? ".wasm" : "")"
        let outputMax = max(0, plan.diskBytes - plan.inputBytes)
        var inputs: [Enclosure.Input] = [.init(path: input, place: "/input")]
        for raw in plan.rawInputs {
            inputs.append(.init(path: Shelter.absolute(job.inputs[raw.place].path), place: "/input/\(raw.name)"))
        }
        let command: [String]
        if isModule {
            let runtime = try ProgramRuntime.find()
            let folder = "/runtime"
            for (path, name) in [
                (runtime.program, ProgramRuntime.name), (runtime.library, ProgramRuntime.libraryName),
            ] { inputs.append(.init(path: path, place: "\(folder)/\(name)", isExecutable: true)) }
            let range = ProgramRuntime.memoryRange
            command = [
                "\(folder)/\(ProgramRuntime.name)", "--fuel", "\(plan.fuel)", "--memory",
                "\(min(max(plan.memoryBytes, range.lowerBound), range.upperBound))", "--dir", "/input", "--dir",
                "/output",
                place,
            ]
        } else if job.program.interpreter.isEmpty {
            command = [place]
        } else {
            command = [try Self.interpreter(job.program.interpreter), place]
        }
        var enclosure = Enclosure(
            command: command + plan.arguments, environment: Self.environment(plan), folder: "/output",
            bounds: Bounds(
                // A runtime of modules reserves far more than it uses, and holds to its own bound.
                addressSpaceBytes: isModule ? nil : Self.sum(plan.memoryBytes, Self.addressHeadroom),
                fileBytes: outputMax, processes: Self.processesMax, openFiles: Self.openFilesMax,
                cpuSeconds: plan.cpuSeconds))
        enclosure.inputs = inputs
        enclosure.output = .init(path: output, bytesMax: outputMax)
        enclosure.memoryBytes = isModule ? Self.sum(plan.memoryBytes, ProgramRuntime.ownBytes) : plan.memoryBytes
        enclosure.isInBackground = true
        enclosure.hasOwnLibraries = isModule
        enclosure.leftOut = shelter.leftOut
        self.enclosure = enclosure
    }

    private static func sum(_ a: Int, _ b: Int) -> Int { a > .max - b ? .max : a + b }

    private static func environment(_ plan: ProgramPlan) -> [String] {
        var variables = [
            "PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/tmp", "LANG=C.UTF-8", "OMP_NUM_THREADS=1",
            "OPENBLAS_NUM_THREADS=1", "MILLRACE_INPUT=/input", "MILLRACE_OUTPUT=/output",
            "MILLRACE_LABEL=\(plan.label)",
        ]
        if let first = plan.first { variables.append("MILLRACE_FIRST=\(first)") }
        if let count = plan.count { variables.append("MILLRACE_COUNT=\(count)") }
        return variables
    }

    private static func interpreter(_ name: String) throws(Fault) -> String {
        let paths = ProgramFileName.isValid(name) ? searched.map { "\($0)/\(name)" } : []
        guard let path = paths.first(where: { access($0, X_OK) == 0 }) else {
            throw Fault(
                .configuration, "this computer has no \(PrintableText.clean(name)), which reads the program",
                advice: "Install it; it is looked for in \(searched.joined(separator: ", ")).")
        }
        return path
    }
}
