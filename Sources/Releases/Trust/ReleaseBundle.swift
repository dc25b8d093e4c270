import Bytes

/// Named files in one piece of bytes: what a publisher sends, what a client keeps.
public struct ReleaseBundle: Hashable, Sendable {
    public struct Entry: Hashable, Sendable {
        public var name: String
        public var bytes: [UInt8]
    }

    public private(set) var entries: [Entry] = []
    private static let magic = Array("millrace-release-bundle 1\n".utf8)

    public init() {}

    /// Puts a file at the end, or in place of one of that name.
    public mutating func add(_ name: String, _ bytes: [UInt8]) {
        if let at = entries.firstIndex(where: { $0.name == name }) {
            entries[at].bytes = bytes
        } else {
            entries.append(Entry(name: name, bytes: bytes))
        }
    }

    public subscript(name: String) -> [UInt8]? { entries.first { $0.name == name }?.bytes }

    public var bytes: [UInt8] {
        var writer = ByteWriter()
        writer.put(bytes: Self.magic)
        writer.put(u32: UInt32(entries.count))
        for entry in entries {
            writer.put(lengthPrefixed: entry.name)
            writer.put(lengthPrefixed: entry.bytes)
        }
        return writer.bytes
    }

    /// - Throws: `.tooManyBytes`, `.malformed`.
    public init(_ bytes: [UInt8]) throws(ReleaseRefusal) {
        guard bytes.count <= ReleaseLimits.bundleBytesMax else {
            throw ReleaseRefusal(
                .tooManyBytes, "bundle", "\(bytes.count) bytes, at most \(ReleaseLimits.bundleBytesMax) are allowed")
        }
        do throws(ByteReaderError) {
            var reader = ByteReader(bytes)
            let magic = try reader.readBytes(min(Self.magic.count, reader.remaining))
            let count = try reader.readU32()
            guard magic == Self.magic, count <= ReleaseLimits.bundleFilesMax else {
                throw ByteReaderError.tooLong(found: Int(count), limit: ReleaseLimits.bundleFilesMax)
            }
            for _ in 0..<count {
                let name = try reader.readText(limit: ReleaseLimits.wordBytesMax)
                guard self[name] == nil else { throw ByteReaderError.trailingBytes(reader.remaining) }
                add(name, try reader.readLengthPrefixed(limit: ReleaseLimits.bundleBytesMax))
            }
            try reader.expectEnd()
        } catch {
            throw ReleaseRefusal(.malformed, "bundle", "it is no bundle of release metadata: \(error)")
        }
    }
}
