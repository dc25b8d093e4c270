import Domain
import Glibc
import Manifest
import WorkerHost

/// The check that only the app can make: parameters against each other, and what the input tables hold. The worker
/// splits the project up to its first unit, as a dry run does.
struct AppCheck {
    /// The path of millrace-worker.
    let executable: String

    /// - Returns: what the app refuses, at its place in the manifest; nil when it takes the project.
    /// - Throws: what is no fault of the project, such as a worker that is not there (`.configuration`).
    func fault(_ project: CheckedProject, _ reading: ManifestReading) throws(Fault) -> ManifestFault? {
        guard access(executable, X_OK) == 0 else {
            throw Fault(
                .configuration, "there is no \(Printable.clean(executable))",
                advice: "Install millrace-worker beside this program, or name it in MILLRACE_WORKER.")
        }
        let servant = WorkerServant(executable: executable)
        defer { servant.stop() }
        let refusal = try ScratchFolder.with { (scratch) throws(Fault) -> Fault? in
            let packed = try PackedProject.pack(project, into: scratch.path, nil)
            do throws(Fault) {
                try UnitMaker(packed: packed, servant: servant).checkFirstUnit()
                return nil
            } catch {
                guard error.kind == .badData || error.kind == .noInput else { throw error }
                return error
            }
        }
        return refusal.map { Self.placed($0, project.folder.manifestPath, reading) }
    }

    /// Finds the place by what the app's error begins with: `parameter NAME: ` or `input: NAME: `.
    private static func placed(_ fault: Fault, _ file: String, _ reading: ManifestReading) -> ManifestFault {
        var place = (line: reading.parametersLine, column: reading.parametersColumn)
        var message = fault.message
        if let name = reading.app?.parameters.map(\.name).first(where: { message.hasPrefix("parameter \($0): ") }) {
            if let key = reading.parameters.first(where: { $0.name == name }) { place = (key.line, key.column) }
            message = "`parameters.\(name)`: " + message.dropFirst("parameter \(name): ".count)
        } else if message.hasPrefix("input: ") {
            let input = reading.inputs.first { message.hasPrefix("input: \($0.file.name): ") }
            if let input = input ?? (reading.inputs.count == 1 ? reading.inputs.first : nil) {
                place = (input.line, input.column)
                let words = message.dropFirst("input: ".count)
                let name = input.file.name
                message =
                    "input `\(name)`: " + (words.hasPrefix("\(name): ") ? words.dropFirst(name.count + 2) : words)
            }
        }
        return ManifestFault(
            file: file, line: place.line, column: place.column, message: Printable.clean(message),
            expected: fault.advice)
    }
}
