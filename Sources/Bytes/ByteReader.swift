/// Why bytes could not be read.
public enum ByteReaderError: Error, Hashable, Sendable, CustomStringConvertible {
    /// More was wanted than is there.
    case truncated(wanted: Int, remaining: Int)
    /// Something follows the end.
    case trailingBytes(Int)
    /// A length prefix beyond what the caller allows.
    case tooLong(found: Int, limit: Int)
    case notUTF8

    public var description: String {
        switch self {
        case .truncated(let wanted, let remaining): "\(wanted) bytes were expected, \(remaining) are left"
        case .trailingBytes(let count): "\(count) bytes follow the end"
        case .tooLong(let found, let limit): "a length of \(found) bytes, more than \(limit)"
        case .notUTF8: "text that is not UTF-8"
        }
    }
}

/// Reads little-endian values one after another; every length is checked before it is used.
public struct ByteReader: Sendable {
    private let bytes: ArraySlice<UInt8>
    private var at: Int

    public init(_ bytes: [UInt8]) {
        self.init(bytes[...])
    }

    public init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        at = bytes.startIndex
    }

    /// Bytes not read yet.
    public var remaining: Int { bytes.endIndex - at }
    /// Bytes read so far.
    public var offset: Int { at - bytes.startIndex }

    /// - Throws: `.trailingBytes` when something is left.
    public func expectEnd() throws(ByteReaderError) {
        if remaining > 0 { throw .trailingBytes(remaining) }
    }

    public mutating func readU8() throws(ByteReaderError) -> UInt8 { try readInteger() }
    public mutating func readU16() throws(ByteReaderError) -> UInt16 { try readInteger() }
    public mutating func readU32() throws(ByteReaderError) -> UInt32 { try readInteger() }
    public mutating func readU64() throws(ByteReaderError) -> UInt64 { try readInteger() }
    public mutating func readI64() throws(ByteReaderError) -> Int64 { try readInteger() }
    public mutating func readF32() throws(ByteReaderError) -> Float { Float(bitPattern: try readInteger()) }
    public mutating func readF64() throws(ByteReaderError) -> Double { Double(bitPattern: try readInteger()) }

    /// - Parameter count: 0 or more; a negative one reads as truncated.
    public mutating func readBytes(_ count: Int) throws(ByteReaderError) -> [UInt8] {
        Array(try readSlice(count))
    }

    /// Shares the storage of the array it was made of.
    public mutating func readSlice(_ count: Int) throws(ByteReaderError) -> ArraySlice<UInt8> {
        guard count >= 0, count <= remaining else { throw .truncated(wanted: count, remaining: remaining) }
        defer { at += count }
        return bytes[at..<at + count]
    }

    /// Everything up to the end.
    public mutating func readRest() -> [UInt8] {
        defer { at = bytes.endIndex }
        return Array(bytes[at...])
    }

    /// A count of four bytes and as many bytes.
    /// - Parameter limit: `.tooLong` beyond it.
    public mutating func readLengthPrefixed(limit: Int) throws(ByteReaderError) -> [UInt8] {
        let count = Int(try readU32())
        if count > limit { throw .tooLong(found: count, limit: limit) }
        return try readBytes(count)
    }

    /// Length-prefixed UTF-8.
    public mutating func readText(limit: Int) throws(ByteReaderError) -> String {
        let bytes = try readLengthPrefixed(limit: limit)
        guard let text = String(validating: bytes, as: UTF8.self) else { throw .notUTF8 }
        return text
    }

    /// - Parameter count: elements, not bytes.
    public mutating func readFloats(_ count: Int) throws(ByteReaderError) -> [Float] {
        LittleEndian.floats(from: try readElements(count, width: 4)) ?? []
    }

    /// - Parameter count: elements, not bytes.
    public mutating func readDoubles(_ count: Int) throws(ByteReaderError) -> [Double] {
        LittleEndian.doubles(from: try readElements(count, width: 8)) ?? []
    }

    private mutating func readElements(_ count: Int, width: Int) throws(ByteReaderError) -> [UInt8] {
        guard count >= 0, count <= remaining / width else {
            throw .truncated(wanted: count.multipliedReportingOverflow(by: width).partialValue, remaining: remaining)
        }
        return try readBytes(count * width)
    }

    private mutating func readInteger<T: FixedWidthInteger>() throws(ByteReaderError) -> T {
        let width = MemoryLayout<T>.size
        guard width <= remaining else { throw .truncated(wanted: width, remaining: remaining) }
        defer { at += width }
        return bytes.withUnsafeBytes {
            T(littleEndian: $0.loadUnaligned(fromByteOffset: at - bytes.startIndex, as: T.self))
        }
    }
}
