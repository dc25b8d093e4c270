import Domain
import Glibc
import Manifest
import Wire
import WorkerHost

/// The check that only the app can make: parameters against each other, and what the input tables hold. The worker
/// splits the project up to its first unit, as a dry run does.
struct AppCheck {
    /// The path of millrace-worker.
    let executable: String

    /// - Returns: everything that the app refuses, each at its place; empty when it takes the project.
    /// - Throws: what is no fault of the project, such as a worker that is not there (`.configuration`).
    func faults(_ project: CheckedProject, _ reading: ManifestReading) throws(Fault) -> [ManifestFault] {
        guard access(executable, X_OK) == 0 else {
            throw Fault(
                .configuration, "there is no \(Printable.clean(executable))",
                advice: "Install millrace-worker beside this program, or name it in MILLRACE_WORKER.")
        }
        guard let refusal = try refusal(project, isWhole: true) else { return [] }
        var places = AppFaultPlaces(folder: project.folder, reading: reading)
        return AppFault.split(refusal, project.app).map { places.placed($0) }
    }

    /// The same for a project that has faults already, as far as it can be judged: right parameters and sound inputs
    /// are given to the app, and what it says of anything else is left out.
    ///
    /// - Parameter inputs: those whose files are right.
    func faultsBesides(
        _ folder: ProjectFolder, _ reading: ManifestReading, _ app: AppSchema, inputs: [InputFile]
    ) -> [ManifestFault] {
        let project = CheckedProject(folder: folder, spec: Self.spec(app, reading.values, inputs), app: app)
        // Whatever keeps the worker from answering: the faults that are known already are reported without it.
        guard access(executable, X_OK) == 0, let refusal = try? refusal(project, isWhole: false) else { return [] }
        var places = AppFaultPlaces(folder: folder, reading: reading)
        let known = Set(inputs.map(\.name))
        return AppFault.split(refusal, app).filter { fault in
            guard fault.parameter != nil || fault.input.map(known.contains) == true else { return false }
            return fault.words.isDisjoint(with: reading.brokenParameters)
        }.map { places.placed($0) }
    }

    private func refusal(_ project: CheckedProject, isWhole: Bool) throws(Fault) -> Fault? {
        let servant = WorkerServant(executable: executable)
        defer { servant.stop() }
        return try ScratchFolder.with { (scratch) throws(Fault) -> Fault? in
            let packed = try PackedProject.pack(project, into: scratch.path, effort: .local, nil)
            do throws(Fault) {
                let maker = UnitMaker(packed: packed, servant: servant)
                if isWhole { try maker.checkFirstUnit() } else { try maker.checkSplit() }
                return nil
            } catch {
                guard error.kind == .badData || error.kind == .noInput else { throw error }
                return error
            }
        }
    }

    /// What an app is told of a project whose manifest has faults; the rest stands in for what is not known, and the
    /// app does not see it.
    private static func spec(_ app: AppSchema, _ parameters: [Parameter], _ inputs: [InputFile]) -> ProjectSpec {
        ProjectSpec(
            name: "check", title: "", description: "", scienceArea: "", licence: "", app: app.name,
            parameters: parameters, inputs: inputs, split: SplitRule(stepsPerUnit: 1),
            replication: ReplicationRule(
                quorum: 1, initial: 1, maxTotal: 1, maxErrors: 1, deadline: TimeSpan(seconds: 1)),
            resources: ResourceRule(
                flopsPerStep: nil, flopsBoundFactor: 1, memoryBytes: 1, diskBytes: 1, outputBytes: 1),
            validation: ValidationRule(checkEach: true, relativeTolerance: nil, absoluteTolerance: nil),
            credit: CreditRule(factor: 1),
            program: app.program.map { _ in
                ProjectProgram(
                    releases: "releases", name: "program", version: "1", arguments: [], fuel: 0, results: [])
            })
    }
}

/// One of the faults that an app found. `AppError.joined` says how an app words several in one message.
struct AppFault: Hashable {
    /// The parameter that it is about; nil when it is about something else.
    var parameter: String?
    /// The input that it is about; nil when it is about something else.
    var input: String?
    /// What is wrong, without the name in front.
    var message: String
    var expected: String?

    /// The words of the whole fault, as names are written.
    var words: Set<String> {
        func words(_ text: String) -> [String] {
            text.split { !$0.isLetter && !$0.isNumber && $0 != "_" }.map(String.init)
        }
        return Set([parameter].compactMap(\.self) + words(message) + words(expected ?? ""))
    }

    static func split(_ fault: Fault, _ app: AppSchema) -> [AppFault] {
        let heads =
            app.parameters.map {
                (head: "parameter \($0.name): ", parameter: $0.name as String?, input: nil as String?)
            }
            + app.inputs.map { (head: "input: \($0.name): ", parameter: nil, input: $0.name) }
        var faults: [AppFault] = []
        for piece in pieces(fault.message, heads.map(\.head)) {
            let head = heads.first { piece.hasPrefix($0.head) }
            let text = String(piece.dropFirst(head?.head.count ?? 0))
            let mark = "; expected: "
            let parts = text.split(separator: mark, maxSplits: 1).map(String.init)
            faults.append(
                AppFault(
                    parameter: head?.parameter, input: head?.input, message: parts.first ?? text,
                    expected: parts.count == 2 ? parts[1] : fault.advice))
        }
        return faults
    }

    /// Cuts the text where `; ` and the head of another fault stand.
    private static func pieces(_ text: String, _ heads: [String]) -> [String] {
        var pieces: [String] = []
        for part in text.split(separator: "; ", omittingEmptySubsequences: false) {
            if pieces.isEmpty || heads.contains(where: { part.hasPrefix($0) }) {
                pieces.append(String(part))
            } else {
                pieces[pieces.count - 1] += "; " + part
            }
        }
        return pieces
    }
}

/// Where an app's faults stand: in the manifest, or in a table.
struct AppFaultPlaces {
    let folder: ProjectFolder
    let reading: ManifestReading
    /// Each table is read once, however many faults it has.
    private var tables: [String: [UInt8]] = [:]

    init(folder: ProjectFolder, reading: ManifestReading) {
        self.folder = folder
        self.reading = reading
    }

    mutating func placed(_ fault: AppFault) -> ManifestFault {
        var place = (line: reading.parametersLine, column: reading.parametersColumn)
        var message = fault.message
        if let name = fault.parameter {
            if let key = reading.parameters.first(where: { $0.name == name }) { place = (key.line, key.column) }
            message = "`parameters.\(name)`: " + message
        } else if let name = fault.input, let input = reading.inputs.first(where: { $0.file.name == name }) {
            if let inTable = placedInTable(fault, input.file) { return inTable }
            place = (input.line, input.column)
            message = "input `\(name)`: " + message
        }
        return ManifestFault(
            file: folder.manifestPath, line: place.line, column: place.column, message: Printable.clean(message),
            expected: fault.expected.map(Printable.clean))
    }

    /// `row 3: weight ...` is a place in the file. - Returns: nil for anything else.
    private mutating func placedInTable(_ fault: AppFault, _ input: InputFile) -> ManifestFault? {
        guard input.packing == .table, fault.message.hasPrefix("row "), let colon = fault.message.firstIndex(of: ":"),
            let row = Int(fault.message[..<colon].dropFirst(4)), row > 0
        else { return nil }
        let rest = fault.message[fault.message.index(after: colon)...].drop { $0 == " " }
        let path = folder.path(of: input)
        let bytes = tables[path] ?? (try? Files.read(path, limit: Limits.tableBytesMax)) ?? []
        tables[path] = bytes
        guard let column = rest.split(separator: " ").first,
            let place = TablePlace.find(row: row, column: String(column), in: bytes)
        else { return nil }
        return ManifestFault(
            file: path, line: place.line, column: place.column, message: Printable.clean(String(rest)),
            expected: fault.expected.map(Printable.clean))
    }
}
