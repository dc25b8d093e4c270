import Bytes
import Domain
import Storage

/// Reads an archive from its beginning to its end and believes only the hashes.
public struct ArchiveReader {
    private var source: ArchiveSource
    /// Hashes of the files but blobs, as read.
    private var found: [String: Digest] = [:]
    /// Blobs that the last page names and that have not come.
    private var awaited: Set<Digest> = []
    private var counted: (units: Int64, tasks: Int64, blobs: Int64, bytes: Int64) = (0, 0, 0, 0)
    private var nextIndex: Int64 = 0

    /// - Parameter read: gives the next bytes of the file, fewer than asked for only at its end.
    public init(_ read: @escaping (Int) throws -> [UInt8]) {
        source = ArchiveSource(read)
    }

    /// - Parameter body: told each page of units, in order of their number. What it is told is believed only when
    ///   `run` has returned.
    /// - Returns: what the archive holds.
    /// - Throws: `StoreError.corrupt` for anything that is not as it was written.
    public mutating func run(_ body: ([WorkUnitAggregate]) throws -> Void) throws -> ArchiveSummary {
        var summary: ArchiveSummary?
        while let block = try source.take(TarHeader.blockBytes), let header = try TarHeader(block) {
            if header.name.hasPrefix(ArchiveLayout.blobPrefix) {
                try blob(header)
                continue
            }
            let bytes = try content(header)
            if header.name == ArchiveLayout.sums {
                guard let summary else { throw StoreError.corrupt("an archive without a summary") }
                try end(summary, sums: bytes)
                return summary
            }
            guard found.updateValue(SHA256Hash.digest(of: bytes), forKey: header.name) == nil else {
                throw StoreError.corrupt("an archive holds \(header.name) twice")
            }
            if header.name == ArchiveSummary.fileName {
                summary = try ArchiveLayout.decode(ArchiveSummary.self, bytes)
            } else if header.name.hasPrefix(ArchiveLayout.pagePrefix) {
                try body(try page(bytes))
            } else {
                throw StoreError.corrupt("an archive holds a foreign file")
            }
        }
        throw StoreError.corrupt("an archive without its list of hashes: it was not written to its end")
    }

    private mutating func content(_ header: TarHeader) throws -> [UInt8] {
        guard 1...ArchiveLayout.pageBytesMax ~= header.size, let bytes = try source.take(Int(header.size)) else {
            throw StoreError.corrupt("an archive ends in \(header.name)")
        }
        try skipPadding(header)
        return bytes
    }

    private mutating func skipPadding(_ header: TarHeader) throws {
        let padding = TarHeader.padding(header.size)
        guard try padding == 0 || source.take(padding) != nil else {
            throw StoreError.corrupt("an archive ends behind \(header.name)")
        }
    }

    private mutating func page(_ bytes: [UInt8]) throws -> [WorkUnitAggregate] {
        guard awaited.isEmpty else { throw StoreError.corrupt("an archive lacks blob \(awaited.sorted()[0])") }
        var units: [WorkUnitAggregate] = []
        for line in bytes.split(separator: 0x0A) {
            let aggregate = try ArchiveLayout.decode(ArchivedUnit.self, line).aggregate()
            guard aggregate.unit.id.index == nextIndex else {
                throw StoreError.corrupt("an archive holds unit \(aggregate.unit.id) in place of number \(nextIndex)")
            }
            nextIndex += 1
            units.append(aggregate)
            counted.units += 1
            counted.tasks += Int64(aggregate.tasks.count)
            awaited.formUnion(ArchiveLayout.blobs(of: aggregate))
        }
        return units
    }

    private mutating func blob(_ header: TarHeader) throws {
        let hex = header.name.dropFirst(ArchiveLayout.blobPrefix.utf8.count)
        guard let digest = Digest(hex: hex), awaited.remove(digest) != nil else {
            throw StoreError.corrupt("an archive holds a blob that no unit names")
        }
        var hash = StreamingSHA256()
        var rest = header.size
        while rest > 0 {
            let count = Int(min(rest, Int64(ArchivePages.pageBytes)))
            guard let bytes = try source.take(count) else { throw StoreError.corrupt("an archive ends in a blob") }
            hash.update(bytes)
            rest -= Int64(count)
        }
        try skipPadding(header)
        guard hash.finish() == digest else {
            throw StoreError.corrupt("blob \(digest) of an archive does not have the hash it is named by")
        }
        counted.blobs += 1
        counted.bytes += header.size
    }

    private func end(_ summary: ArchiveSummary, sums: [UInt8]) throws {
        guard awaited.isEmpty else { throw StoreError.corrupt("an archive lacks blob \(awaited.sorted()[0])") }
        var named: [String: Digest] = [:]
        for line in sums.split(separator: 0x0A) {
            let text = String(decoding: line, as: UTF8.self)
            guard let digest = Digest(hex: text.prefix(64)), text.dropFirst(64).hasPrefix("  ") else {
                throw StoreError.corrupt("an archive's list of hashes cannot be read")
            }
            named[String(text.dropFirst(66))] = digest
        }
        guard named == found else { throw StoreError.corrupt("an archive holds files with other hashes than it lists") }
        guard summary.format == "millrace-archive 1", summary.units == counted.units, summary.tasks == counted.tasks,
            summary.blobs == counted.blobs, summary.blobBytes == counted.bytes
        else { throw StoreError.corrupt("an archive does not hold what its summary says") }
    }
}
