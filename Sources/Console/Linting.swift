import Bytes
import Domain
import Glibc
import Manifest
import Wire
import WorkerHost
import YAMLText

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
    /// For the ends of signed releases.
    private let now: Timestamp

    /// - Parameter now: nil: by the clock.
    public init(folder: ProjectFolder, catalogue: AppCatalogue, now: Timestamp? = nil) {
        self.folder = folder
        self.catalogue = catalogue
        self.now = now ?? WallClock.now
    }

    /// Manifest and files first; then the app's own check by the catalogue's worker, of everything when nothing was
    /// wrong so far, else of what is not in doubt.
    ///
    /// - Throws: what keeps the worker from answering.
    public func report() throws(Fault) -> LintReport {
        var report = LintReport(faults: [], warnings: [], spec: nil, app: nil)
        if let fault = folder.unreadable {
            report.faults = [fault]
            return report
        }
        let reading = ManifestParser.read(folder.manifest, file: folder.manifestPath, apps: catalogue.apps)
        report.app = reading.app
        switch reading.outcome {
        case .success(let spec, let warnings):
            report.spec = spec
            report.warnings = warnings
        case .faults(let found): report.faults = found
        }
        var sound: [InputFile] = []
        for input in reading.inputs {
            let schema = reading.app?.inputs.first { $0.name == input.file.name }
            let faults = check(input, columns: schema?.columns ?? [])
            report.faults += faults
            if faults.isEmpty { sound.append(input.file) }
        }
        if let program = reading.program { report.faults += check(program: program) }
        if let program = reading.computing {
            let found = check(program: program, now: now)
            report.faults += found.faults
            report.warnings += found.warnings
        }
        if let app = reading.app, let executable = catalogue.executable {
            let check = AppCheck(executable: executable)
            if report.faults.isEmpty, let spec = report.spec {
                report.faults = try check.faults(CheckedProject(folder: folder, spec: spec, app: app), reading)
            } else {
                report.faults += check.faultsBesides(folder, reading, app, inputs: sound)
            }
        }
        report.faults = sorted(report.faults)
        if !report.faults.isEmpty { report.spec = nil }
        return report
    }

    /// The manifest's faults, then those of each table. Stable: faults of one place keep their order.
    private func sorted(_ faults: [ManifestFault]) -> [ManifestFault] {
        var files = [folder.manifestPath]
        for fault in faults where !files.contains(fault.file) { files.append(fault.file) }
        return files.flatMap { file in
            faults.filter { $0.file == file }.enumerated().sorted { a, b in
                (a.element.line, a.element.column, a.offset) < (b.element.line, b.element.column, b.offset)
            }.map(\.element)
        }
    }

    /// Why the file is not what the manifest says; every fault of a table, each at its place there.
    private func check(_ input: ManifestReading.Input, columns: [String]) -> [ManifestFault] {
        let path = folder.path(of: input.file)
        return faults(input.file, path, columns: columns).map { fault in
            TablePlace.fault(fault, path: path)
                ?? ManifestFault(
                    file: folder.manifestPath, line: input.line, column: input.column,
                    message: "input `\(input.file.name)`: \(fault.message)", expected: fault.advice)
        }
    }

    /// A comparing program is started as it is, so the system must know how.
    private func check(program: ManifestReading.Input) -> [ManifestFault] {
        let path = folder.path(of: program.file)
        do throws(Fault) {
            try checkFile(program.file)
            let bytes = try Files.read(path, limit: Limits.plainInputBytesMax)
            let line = bytes.prefix { $0 != 0x0A }
            let isScript = line.starts(with: "#!".utf8) && line.last != 0x0D
            guard isScript || bytes.starts(with: [0x7F, 0x45, 0x4C, 0x46]), !path.hasSuffix(ZstdFile.suffix) else {
                throw Fault(
                    .badData, "\(Printable.clean(path)) is no program",
                    advice: "a script whose first line names its interpreter (`#!/usr/bin/python3`) and ends without a "
                        + "carriage return, or an ELF file; not packed")
            }
            return []
        } catch {
            return [
                ManifestFault(
                    file: folder.manifestPath, line: program.line, column: program.column,
                    message: "`validation.compare_program`: \(error.message)", expected: error.advice)
            ]
        }
    }

    private func faults(_ input: InputFile, _ path: String, columns: [String]) -> [Fault] {
        do throws(Fault) {
            try checkFile(input)
            guard input.packing == .table else {
                if input.packing == .plain, path.hasSuffix(ZstdFile.suffix) { _ = try InputPacker.plain(path) }
                return []
            }
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
        guard folder.holds(path) else {
            throw Fault(
                .noInput, "\(shown) leads outside the project's folder by a symbolic link",
                advice: "a file that lies in the project's folder")
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
        case .raw:
            guard status.st_size <= Limits.inputBytesMax else {
                throw Fault(.badData, "\(shown) has \(status.st_size) bytes", advice: "at most \(Limits.inputBytesMax)")
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

    /// The bytes of a plain input; those of a file whose name ends in `.zst` are unpacked.
    static func plain(_ path: String) throws(Fault) -> [UInt8] {
        let limit = Limits.plainInputBytesMax
        let bytes = try Files.read(path, limit: limit)
        guard path.hasSuffix(ZstdFile.suffix) else { return bytes }
        do throws(WireError) {
            return try ZstdFile.unpack(bytes, limit: limit)
        } catch {
            throw Fault(
                .badData, "\(Printable.clean(path)) cannot be unpacked: \(error)",
                advice: "one frame as `zstd FILE` writes it, of at most \(limit) bytes")
        }
    }

    /// The packed bytes of an input.
    static func pack(
        _ input: InputFile, path: String, columns: [String], effort: PackingEffort
    ) throws(Fault) -> [UInt8] {
        do {
            switch input.packing {
            case .table: return try TableContainer.encode(try table(path, columns: columns), effort: effort)
            case .plain: return try PlainContainer.encode(try plain(path), effort: effort)
            case .raw: throw Fault(.software, "a raw input is not packed")
            }
        } catch let fault as Fault {
            throw fault
        } catch {
            throw Fault(.badData, "input \(input.name): \(error)")
        }
    }
}
