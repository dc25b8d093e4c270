import Bytes
import Domain
import Glibc
import Manifest
import Wire
import WorkerHost

/// What is known of a project after its manifest and its input files were looked at.
public struct LintReport: Sendable {
    public var faults: [ManifestFault]
    public var warnings: [ManifestFault]
    /// The project, when there is no fault.
    public var spec: ProjectSpec?
    public var app: AppSchema?
}

/// Looks at a manifest and at the files that it names.
public struct Linter: Sendable {
    let folder: ProjectFolder
    let catalogue: AppCatalogue

    public init(folder: ProjectFolder, catalogue: AppCatalogue) {
        self.folder = folder
        self.catalogue = catalogue
    }

    /// Manifest and files first; when they are right, the app's own check by the catalogue's worker.
    ///
    /// - Throws: what keeps the worker from answering.
    public func report() throws(Fault) -> LintReport {
        let apps = catalogue.apps
        let file = folder.manifestPath
        let reading = ManifestParser.read(folder.manifest, file: file, apps: apps)
        var faults: [ManifestFault] = []
        var report = LintReport(faults: [], warnings: [], spec: nil, app: reading.app)
        switch reading.outcome {
        case .success(let spec, let warnings):
            report.spec = spec
            report.warnings = warnings
        case .faults(let found): faults = found
        }
        for input in reading.inputs {
            let schema = reading.app?.inputs.first { $0.name == input.file.name }
            for error in check(input.file, columns: schema?.columns ?? []) {
                faults.append(
                    ManifestFault(
                        file: file, line: input.line, column: input.column,
                        message: "input `\(input.file.name)`: \(error.message)", expected: error.advice))
            }
        }
        if faults.isEmpty, let spec = report.spec, let app = report.app, let executable = catalogue.executable {
            let project = CheckedProject(folder: folder, spec: spec, app: app)
            if let fault = try AppCheck(executable: executable).fault(project, reading) { faults.append(fault) }
        }
        // Stable, so that the faults of one table keep their order.
        faults = faults.enumerated().sorted { a, b in
            (a.element.line, a.element.column, a.offset) < (b.element.line, b.element.column, b.offset)
        }.map(\.element)
        report.faults = faults
        if !faults.isEmpty { report.spec = nil }
        return report
    }

    /// Why the file is not what the manifest says; every fault of a table, each with `file:line:column`.
    private func check(_ input: InputFile, columns: [String]) -> [Fault] {
        do throws(Fault) {
            try checkFile(input)
            guard input.packing == .table else { return [] }
            let path = folder.path(of: input)
            let bytes = try Files.read(path, limit: Limits.tableBytesMax)
            let faults = TableCSV.check(bytes, file: Printable.clean(path))
            if faults.isEmpty { _ = try InputPacker.table(path, columns: columns) }
            return faults
        } catch {
            return [error]
        }
    }

    /// - Throws: why the file is not what the manifest says, without a look inside.
    private func checkFile(_ input: InputFile) throws(Fault) {
        let path = folder.path(of: input)
        let shown = Printable.clean(path)
        var status = stat()
        guard stat(path, &status) == 0 else {
            throw Fault(.noInput, "there is no file \(shown)", advice: "a file at that path, relative to the manifest")
        }
        guard status.st_mode & S_IFMT == S_IFREG else { throw Fault(.noInput, "\(shown) is no file") }
        guard access(path, R_OK) == 0 else { throw Fault(.noInput, "\(shown) cannot be read") }
        guard status.st_size > 0 else { throw Fault(.badData, "\(shown) is empty", advice: "a file with content") }
        switch input.packing {
        case .plain:
            guard status.st_size <= Limits.plainInputBytesMax else {
                throw Fault(
                    .badData, "\(shown) has \(status.st_size) bytes", advice: "at most \(Limits.plainInputBytesMax)")
            }
        case .table: break
        }
    }
}

/// Turns input files into the bytes that travel.
enum InputPacker {
    /// Reads a CSV file. - Throws: what is wrong, with `file:line:column`; a missing column by name.
    static func table(_ path: String, columns: [String]) throws(Fault) -> Table {
        let bytes = try Files.read(path, limit: Limits.tableBytesMax)
        let table = try TableCSV.parse(bytes, file: Printable.clean(path))
        let missing = columns.filter { table[$0] == nil }
        guard missing.isEmpty else {
            let nearest = missing.compactMap { column in
                Nearest.word(to: column, in: table.names).map { "`\(Printable.clean($0))` for `\(column)`" }
            }
            let hint = nearest.isEmpty ? "" : "; is it \(nearest.joined(separator: ", "))?"
            throw Fault(
                .badData,
                "\(Printable.clean(path)):1:1: there is no column \(missing.map { "`\($0)`" }.joined(separator: ", "))"
                    + hint,
                advice: "a header line with \(columns.joined(separator: ", "))")
        }
        return table
    }

    /// The packed bytes of an input.
    static func pack(_ input: InputFile, path: String, columns: [String]) throws(Fault) -> [UInt8] {
        do {
            switch input.packing {
            case .table: return try TableContainer.encode(try table(path, columns: columns))
            case .plain: return try PlainContainer.encode(try Files.read(path, limit: Limits.plainInputBytesMax))
            }
        } catch let fault as Fault {
            throw fault
        } catch {
            throw Fault(.badData, "input \(input.name): \(error)")
        }
    }
}
