import Confinement
import Domain
import FoundationEssentials
import Glibc
import Plugins
import Wire

/// The first stage of a unit with a program: the unit is read, and what the program reads is laid out as files.
/// Done in a child that is shut in, since all of it comes from a project.
struct ProgramUnpacking {
    let job: WireRunJob
    /// Of the program's inputs; it is empty.
    let folder: String

    /// - Parameter layingOut: false: only the plan is made.
    /// - Throws: `.badData` for the unit, `.noInput` for an input, `.osError` beyond the unit's disk, `.cannotWrite`.
    func perform(layingOut: Bool) throws(Fault) -> ProgramPlan {
        let unit = try LoadedUnit.load(path: job.unitPath, inputs: job.inputs)
        guard unit.digest.bytes == Array(job.unitSha256) else {
            throw Fault(.badData, "work unit: the SHA-256 of \(job.unitPath) is not the one that the job names")
        }
        var plan = try Self.plan(unit)
        let names = unit.payload.sections.map(\.name) + unit.body.inputs.map(\.name)
        guard names.allSatisfy(ProgramFileName.isValid), Set(names).count == names.count else {
            throw Fault(.badData, "work unit: its inputs and sections do not all have names that files can have")
        }
        if layingOut { try layOut(unit, &plan) }
        if let flaw = plan.flaw(inputs: job.inputs.count) { throw Fault(.badData, "work unit: \(flaw)") }
        return plan
    }

    private static func plan(_ unit: LoadedUnit) throws(Fault) -> ProgramPlan {
        let body = unit.body
        guard body.hasProgram else { throw Fault(.badData, "work unit: it names no program") }
        let range: Range = try json(unit, ProgramFileName.parameters)
        let results: [DeclaredResult] = try json(unit, ProgramFileName.results)
        return ProgramPlan(
            unitID: body.unitID, app: body.app, appVersion: body.appVersion, label: body.label, first: range.first,
            count: range.count, name: body.program.name, version: body.program.version,
            arguments: body.program.arguments, fuel: body.program.fuel, memoryBytes: Int(clamping: body.memoryBytes),
            diskBytes: Int(clamping: body.diskBytes), outputBytesMax: Int(clamping: body.outputBytesMax),
            cpuSeconds: Surroundings.bounds(of: body).cpuSeconds,
            results: results.map { .init(file: $0.file, isOptional: $0.optional ?? false) })
    }

    /// What the supervisor wants of `parameters.json`; the program gets all of it.
    private struct Range: Decodable {
        var first: Int64?
        var count: Int64?
    }

    private struct DeclaredResult: Decodable {
        var file: String
        var optional: Bool?
    }

    private static func json<Value: Decodable>(_ unit: LoadedUnit, _ name: String) throws(Fault) -> Value {
        guard let section = unit.payload[name] else { throw Fault(.badData, "work unit: it has no section \(name)") }
        do { return try JSONDecoder().decode(Value.self, from: Data(section.bytes)) } catch {
            throw Fault(.badData, "work unit: its section \(name) is not as FORMAT.md says")
        }
    }

    // MARK: Files

    private func layOut(_ unit: LoadedUnit, _ plan: inout ProgramPlan) throws(Fault) {
        for section in unit.payload.sections where section.name != ProgramFileName.results {
            try write(section.bytes, section.name, &plan)
        }
        // One after the other: of what is unpacked, only one is in memory.
        var inputs = LocalInputs(bytesMax: 0)
        for reference in unit.body.inputs {
            guard let place = job.inputs.firstIndex(where: { $0.ref.sha256 == reference.sha256 }) else {
                throw Fault(.noInput, "input \"\(reference.name)\" is not among the files of the job")
            }
            var local = job.inputs[place]
            local.ref = reference
            switch try inputs.load([local])[reference.name] {
            case .bytes(let bytes)?: try write(bytes, reference.name, &plan)
            case .table(let table)?: try write(table, reference.name, &plan)
            case .raw?:
                // The file of the cache is shown in its place.
                try write([], reference.name, &plan)
                plan.rawInputs.append(.init(name: reference.name, place: place))
            case nil: throw Fault(.noInput, "input \"\(reference.name)\" cannot be read")
            }
        }
    }

    private func write(_ bytes: [UInt8], _ name: String, _ plan: inout ProgramPlan) throws(Fault) {
        let file = try create(name)
        defer { close(file) }
        try append(bytes, to: file, name, &plan)
    }

    /// As CSV: a line of names, then a line for each row.
    private func write(_ table: Table, _ name: String, _ plan: inout ProgramPlan) throws(Fault) {
        let file = try create(name)
        defer { close(file) }
        var piece = Array((table.names.joined(separator: ",") + "\n").utf8)
        for row in 0..<table.rowCount {
            for (column, values) in table.columns.enumerated() {
                if column > 0 { piece.append(UInt8(ascii: ",")) }
                piece += Self.text(values[row]).utf8
            }
            piece.append(UInt8(ascii: "\n"))
            if piece.count >= 1 << 18 {
                try append(piece, to: file, name, &plan)
                piece.removeAll(keepingCapacity: true)
            }
        }
        try append(piece, to: file, name, &plan)
    }

    /// The shortest digits that read back as the same number.
    private static func text(_ value: Double) -> String {
        if value == value.rounded(), abs(value) < 1e15, value.sign == .plus || value != 0 { return "\(Int64(value))" }
        return "\(value)"
    }

    private func create(_ name: String) throws(Fault) -> Int32 {
        let path = "\(folder)/\(name)"
        let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o644)
        guard file >= 0 else { throw Fault(.cannotWrite, "cannot create \(path): \(String(cString: strerror(errno)))") }
        return file
    }

    private func append(_ bytes: [UInt8], to file: Int32, _ name: String, _ plan: inout ProgramPlan) throws(Fault) {
        plan.inputBytes += bytes.count
        guard plan.inputBytes <= plan.diskBytes else {
            throw Fault(
                .osError, "its inputs take more than the \(plan.diskBytes) bytes of disk that the work unit declares",
                advice: "A project declares more with resources.disk.")
        }
        try WorkerFiles.writeAll(bytes, to: file, "\(folder)/\(name)")
    }
}
