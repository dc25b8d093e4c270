import Bytes
import Domain
import Storage
import Wire

/// Bytes in zstd frames of a few MiB each, one after another, each behind a skippable frame that says how long it is.
/// `zstd -d` reads it as one file; memory is bounded by one frame on both ways.
struct ArchivePages {
    static let pageBytes = 4 << 20
    /// A page that does not compress is longer by less than this.
    static let packedBytesMax = pageBytes + (64 << 10)
    /// Of a skippable frame, little-endian (RFC 8878, section 3.1.2).
    static let mark: UInt32 = 0x184D_2A5A
    static let headBytes = 16

    private var page: [UInt8] = []
    private let write: ([UInt8]) throws -> Void

    init(_ write: @escaping ([UInt8]) throws -> Void) {
        self.write = write
        page.reserveCapacity(Self.pageBytes)
    }

    mutating func append(_ bytes: [UInt8]) throws {
        var at = 0
        while at < bytes.count {
            let count = min(Self.pageBytes - page.count, bytes.count - at)
            page.append(contentsOf: bytes[at..<at + count])
            at += count
            if page.count == Self.pageBytes { try flush() }
        }
    }

    mutating func flush() throws {
        guard !page.isEmpty else { return }
        let packed: [UInt8]
        do throws(WireError) { packed = try ZstdFile.pack(page) } catch { throw StoreError.io("\(error)") }
        var head = ByteWriter(capacity: Self.headBytes)
        for word in [Self.mark, 8, UInt32(packed.count), UInt32(page.count)] { head.put(u32: word) }
        try write(head.bytes)
        try write(packed)
        page.removeAll(keepingCapacity: true)
    }
}

/// Reads what `ArchivePages` has written.
struct ArchiveSource {
    private var page: [UInt8] = []
    private var at = 0
    private let read: (Int) throws -> [UInt8]

    /// - Parameter read: gives the next bytes of the file, fewer than asked for only at its end.
    init(_ read: @escaping (Int) throws -> [UInt8]) {
        self.read = read
    }

    /// - Returns: exactly so many bytes; nil at the end of the file. - Throws: `StoreError.corrupt`.
    mutating func take(_ count: Int) throws -> [UInt8]? {
        var bytes: [UInt8] = []
        while bytes.count < count {
            if at == page.count, try !turn() {
                guard bytes.isEmpty else { throw StoreError.corrupt("an archive ends in the middle") }
                return nil
            }
            let more = min(count - bytes.count, page.count - at)
            bytes.append(contentsOf: page[at..<at + more])
            at += more
        }
        return bytes
    }

    /// - Returns: false at the end.
    private mutating func turn() throws -> Bool {
        let head = try read(ArchivePages.headBytes)
        if head.isEmpty { return false }
        var reader = ByteReader(head)
        guard head.count == ArchivePages.headBytes, (try? reader.readU32()) == ArchivePages.mark,
            (try? reader.readU32()) == 8, let packed = try? reader.readU32(), let raw = try? reader.readU32(),
            packed <= ArchivePages.packedBytesMax, 1...ArchivePages.pageBytes ~= Int(raw)
        else { throw StoreError.corrupt("an archive holds something that is no page") }
        let bytes = try read(Int(packed))
        guard bytes.count == Int(packed) else { throw StoreError.corrupt("an archive ends in the middle") }
        do throws(WireError) { page = try ZstdFile.unpack(bytes, limit: Int(raw)) } catch {
            throw StoreError.corrupt("an archive's page: \(error)")
        }
        guard page.count == Int(raw) else { throw StoreError.corrupt("an archive's page is shorter than it says") }
        at = 0
        return true
    }
}
