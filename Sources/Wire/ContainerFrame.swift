import Bytes
import Domain

/// The kinds of containers; the raw value is byte 4 of the header.
public enum ContainerKind: UInt8, Hashable, Sendable, CaseIterable {
    case unit = 1
    case result = 2
    case table = 3
    case plain = 4

    /// The newest format of this kind, which is also the one that is written.
    public var version: UInt16 { 1 }
}

/// The outside of every container: magic, kind, version, body length, body, and for units a signature.
enum ContainerFrame {
    /// Not text, and broken by anything that translates line ends.
    static let magic: [UInt8] = [0x89, 0x4D, 0x4C, 0x0A]
    static let headerBytes = 16

    /// - Parameter limit: bytes of the whole container without signature.
    static func encode(_ kind: ContainerKind, body: [UInt8], limit: Int) throws(WireError) -> [UInt8] {
        if body.count > limit - headerBytes { throw .tooLarge(field: "\(kind) container", limit: limit) }
        var writer = ByteWriter(capacity: headerBytes + body.count + VerifyingKey.signatureByteCount)
        writer.put(bytes: magic)
        writer.put(u8: kind.rawValue)
        writer.put(u8: 0)
        writer.put(u16: kind.version)
        writer.put(u64: UInt64(body.count))
        writer.put(bytes: body)
        return writer.bytes
    }

    /// - Parameter limit: bytes of the whole container.
    /// - Parameter tail: bytes that follow the body.
    /// - Returns: the body.
    static func decode(
        _ kind: ContainerKind, _ bytes: [UInt8], limit: Int, tail: Int = 0
    ) throws(WireError) -> ArraySlice<UInt8> {
        if bytes.count > limit { throw .tooLarge(field: "\(kind) container", limit: limit) }
        guard bytes.starts(with: magic.prefix(bytes.count)) else { throw .wrongMagic }
        let header: Header
        var reader = ByteReader(bytes)
        do {
            header = try Header(&reader)
        } catch {
            throw .truncated
        }
        try check(kind, header)
        let here = reader.remaining - tail
        guard here >= 0, header.bodyBytes <= UInt64(here) else { throw .truncated }
        guard header.bodyBytes == UInt64(here) else { throw .trailingBytes }
        return bytes[headerBytes..<headerBytes + here]
    }

    private static func check(_ kind: ContainerKind, _ header: Header) throws(WireError) {
        guard header.kind == kind.rawValue else {
            throw .wrongKind(found: Int(header.kind), wanted: Int(kind.rawValue))
        }
        // A newer version may give the reserved byte a meaning, so the version is the better reason.
        guard header.version == kind.version else {
            throw .unsupportedVersion(found: Int(header.version), known: Int(kind.version))
        }
        guard header.reserved == 0 else { throw .reservedBits }
    }

    private struct Header {
        var kind: UInt8
        var reserved: UInt8
        var version: UInt16
        var bodyBytes: UInt64

        init(_ reader: inout ByteReader) throws(ByteReaderError) {
            _ = try reader.readSlice(ContainerFrame.magic.count)
            kind = try reader.readU8()
            reserved = try reader.readU8()
            version = try reader.readU16()
            bodyBytes = try reader.readU64()
        }
    }
}
