import Domain
import Plugins

/// Collects the files of all units: each in an archive, or the lines of tables behind each other.
struct ProgramAssembler: Assembler {
    static let archive = "files.tar"
    /// The answer lies in memory until it is written.
    static let answerBytesMax = 2 << 30

    private let work: ProgramWork
    private var nextUnit = 0
    private var archived = TarFile()
    private var archivedCount = 0
    private var tables: [String: JoinedTable] = [:]
    private var size = 0

    init(context: AppContext) throws(AppError) {
        work = try ProgramWork(context)
    }

    mutating func add(result: Payload, unit: Payload) throws(AppError) {
        guard nextUnit < work.unitCount else { throw .badUnit("it is more than the project has") }
        let label = work.label(of: nextUnit)
        guard unit[ProgramFileName.parameters]?.bytes == Array(work.description(of: nextUnit).utf8) else {
            throw .badUnit("it is not the unit \(label), which comes next")
        }
        for declared in work.program.results {
            guard let file = result[declared.file] else { continue }
            size += file.bytes.count
            guard size <= Self.answerBytesMax else {
                throw .badResult(
                    "the files of all units have more than \(Self.answerBytesMax) bytes; expected: smaller results, or "
                        + "several projects")
            }
            let isJoined = declared.joining == .csv && tables[declared.file, default: JoinedTable()].add(file.bytes)
            if !isJoined {
                archived.add(folder: "files/\(label)", name: declared.file, bytes: file.bytes)
                archivedCount += 1
            }
        }
        nextUnit += 1
    }

    func finish() throws(AppError) -> Answer {
        guard nextUnit == work.unitCount else {
            throw .badResult("results of \(work.unitCount - nextUnit) units are missing")
        }
        var answer = Answer(files: [], summary: ["\(nextUnit) units of \(work.program.title), \(work.total) steps"])
        for declared in work.program.results {
            guard let table = tables[declared.file] else { continue }
            answer.files.append(Answer.File(name: declared.file, bytes: table.bytes))
            answer.summary.append("\(declared.file): \(table.lineCount) rows of \(table.unitCount) units")
            if table.otherCount > 0 {
                answer.summary.append(
                    "\(declared.file): \(table.otherCount) units have other columns; theirs are in \(Self.archive)")
            }
        }
        if archivedCount > 0 {
            answer.files.append(Answer.File(name: Self.archive, bytes: archived.finished))
            answer.summary.append("\(Self.archive): \(archivedCount) files, files/UNIT/NAME")
        }
        return answer
    }
}

/// Tables with the same header line, one below the other.
private struct JoinedTable {
    private(set) var bytes: [UInt8] = []
    /// Lines below the header.
    private(set) var lineCount = 0
    private(set) var unitCount = 0
    /// Tables that were not taken, for their header is another one.
    private(set) var otherCount = 0
    private var header: [UInt8]?

    /// - Returns: whether it was taken.
    mutating func add(_ table: [UInt8]) -> Bool {
        let newline = UInt8(ascii: "\n")
        let end = table.firstIndex(of: newline) ?? table.endIndex
        var line = table[..<end]
        if line.last == UInt8(ascii: "\r") { line = line.dropLast() }
        if header == nil {
            header = Array(line)
            bytes = line + [newline]
        }
        guard header == Array(line) else {
            otherCount += 1
            return false
        }
        let body = table[end...].dropFirst()
        bytes += body
        lineCount += body.count { $0 == newline }
        if let last = body.last, last != newline {
            bytes.append(newline)
            lineCount += 1
        }
        unitCount += 1
        return true
    }
}
