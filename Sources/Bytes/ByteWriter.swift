/// Puts values one after another, little-endian, into an array of bytes.
public struct ByteWriter: Sendable {
    public private(set) var bytes: [UInt8] = []

    public init() {}

    /// - Parameter capacity: bytes expected; only a hint.
    public init(capacity: Int) {
        bytes.reserveCapacity(capacity)
    }

    public var count: Int { bytes.count }

    public mutating func put(u8 value: UInt8) { bytes.append(value) }
    public mutating func put(u16 value: UInt16) { putInteger(value) }
    public mutating func put(u32 value: UInt32) { putInteger(value) }
    public mutating func put(u64 value: UInt64) { putInteger(value) }
    public mutating func put(i64 value: Int64) { putInteger(value) }
    /// The IEEE 754 bits; NaN payloads included.
    public mutating func put(f32 value: Float) { putInteger(value.bitPattern) }
    /// The IEEE 754 bits; NaN payloads included.
    public mutating func put(f64 value: Double) { putInteger(value.bitPattern) }

    public mutating func put(bytes more: [UInt8]) { bytes.append(contentsOf: more) }
    public mutating func put(bytes more: ArraySlice<UInt8>) { bytes.append(contentsOf: more) }

    /// The count as four bytes, then the bytes.
    /// - Precondition: fewer than 2^32 bytes.
    public mutating func put(lengthPrefixed more: [UInt8]) {
        put(u32: UInt32(more.count))
        put(bytes: more)
    }

    /// The UTF-8 bytes, length-prefixed.
    public mutating func put(lengthPrefixed text: String) { put(lengthPrefixed: Array(text.utf8)) }

    /// The elements without a count.
    public mutating func put(floats values: [Float]) { bytes.append(contentsOf: LittleEndian.bytes(of: values)) }
    /// The elements without a count.
    public mutating func put(doubles values: [Double]) { bytes.append(contentsOf: LittleEndian.bytes(of: values)) }

    private mutating func putInteger<T: FixedWidthInteger>(_ value: T) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }
}
