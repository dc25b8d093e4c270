import Bytes
import Domain
import Engine
import FoundationEssentials
import Storage

/// What an archive holds, in numbers.
public struct ArchiveSummary: Codable, Hashable, Sendable {
    public var format = "millrace-archive 1"
    public var batch: Int64
    public var project: String
    public var title: String
    public var app: String
    public var manifest: String
    public var state: String
    public var units: Int64 = 0
    public var tasks: Int64 = 0
    public var blobs: Int64 = 0
    public var blobBytes: Int64 = 0

    init(_ batch: BatchRecord) {
        self.batch = batch.id.rawValue
        project = batch.project
        title = batch.title
        app = batch.app
        manifest = batch.manifest.hex
        state = batch.state.word
    }

    static let fileName = "summary.json"
}

/// Names and encodings within an archive.
enum ArchiveLayout {
    static let unitsPerPage = 500
    static let sums = "SHA256SUMS"
    static let pagePrefix = "units/"
    static let blobPrefix = "blobs/"
    /// A page of units; a label, a reason or a message has at most some KiB.
    static let pageBytesMax: Int64 = 1 << 30

    static func page(_ first: Int64) -> String {
        let text = String(first)
        return pagePrefix + String(repeating: "0", count: max(0, 11 - text.utf8.count)) + text + ".jsonl"
    }

    static func encode(_ value: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        do { return Array(try encoder.encode(value)) } catch { throw StoreError.conflict("an archive: \(error)") }
    }

    static func decode<T: Decodable>(_ type: T.Type, _ bytes: some Collection<UInt8>) throws -> T {
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        do { return try decoder.decode(type, from: Data(bytes)) } catch {
            throw StoreError.corrupt("an archive holds a line that cannot be read: \(error)")
        }
    }

    /// The blobs that belong to a unit: its container, and results that were acknowledged.
    static func blobs(of aggregate: WorkUnitAggregate) -> [Digest] {
        var found = [aggregate.unit.container]
        if case .purged = aggregate.unit.state { return [] }
        for task in aggregate.tasks {
            guard let report = task.state.report, !NamedBlobs.isTooLate(task) else { continue }
            found.append(report.result)
        }
        return found
    }
}

/// Writes a batch that has ended: its units with their tasks and verdicts, their containers and their results.
///
/// A tar archive in pages of zstd, readable by `tar --zstd -x`. After each page of units come the blobs that it names;
/// a blob is named by its hash, and the hashes of everything else stand in the last file.
struct ArchiveWriter {
    private var pages: ArchivePages
    private let blobs: any BlobStore
    private var summary: ArchiveSummary
    private var sums: [(name: String, digest: Digest)] = []

    init(_ batch: BatchRecord, blobs: any BlobStore, _ write: @escaping ([UInt8]) throws -> Void) {
        self.blobs = blobs
        summary = ArchiveSummary(batch)
        pages = ArchivePages(write)
    }

    /// - Throws: `StoreError.conflict` when a unit has not ended, or its verdicts are still secret; `.missing` for a
    ///   blob that should be there.
    mutating func add(_ units: [WorkUnitAggregate]) throws {
        guard let first = units.first else { return }
        var lines: [UInt8] = []
        var wanted: Set<Digest> = []
        for aggregate in units {
            guard aggregate.isPublic else {
                throw StoreError.conflict("work unit \(aggregate.unit.id) is not over: its verdicts are not public yet")
            }
            lines += try ArchiveLayout.encode(try ArchivedUnit(aggregate))
            lines.append(0x0A)
            summary.units += 1
            summary.tasks += Int64(aggregate.tasks.count)
            wanted.formUnion(ArchiveLayout.blobs(of: aggregate))
        }
        try file(ArchiveLayout.page(first.unit.id.index), lines)
        for digest in wanted.sorted() { try add(digest) }
    }

    private mutating func add(_ digest: Digest) throws {
        guard let size = try blobs.size(of: digest) else { throw StoreError.missing("blob \(digest)") }
        try pages.append(try TarHeader(name: ArchiveLayout.blobPrefix + digest.hex, size: size).encoded())
        var offset: Int64 = 0
        while offset < size {
            let bytes = try blobs.read(digest, offset: offset, count: ArchivePages.pageBytes)
            guard !bytes.isEmpty else { throw StoreError.corrupt("blob \(digest) is shorter than it was") }
            try pages.append(bytes)
            offset += Int64(bytes.count)
        }
        try pages.append([UInt8](repeating: 0, count: TarHeader.padding(size)))
        summary.blobs += 1
        summary.blobBytes += size
    }

    private mutating func file(_ name: String, _ bytes: [UInt8]) throws {
        sums.append((name, SHA256Hash.digest(of: bytes)))
        try pages.append(try TarHeader(name: name, size: Int64(bytes.count)).encoded())
        try pages.append(bytes)
        try pages.append([UInt8](repeating: 0, count: TarHeader.padding(Int64(bytes.count))))
    }

    /// The last files. - Returns: what the archive holds.
    mutating func finish() throws -> ArchiveSummary {
        try file(ArchiveSummary.fileName, try ArchiveLayout.encode(summary) + [0x0A])
        let lines = sums.map { "\($0.digest.hex)  \($0.name)\n" }.joined()
        try file(ArchiveLayout.sums, Array(lines.utf8))
        try pages.append([UInt8](repeating: 0, count: 2 * TarHeader.blockBytes))
        try pages.flush()
        return summary
    }
}
