/// Writes protobuf fields as the generated code does: in the order in which they are handed in, without those that have
/// their default value. Numbers of fields are 1 to 15, so that each tag is one byte.
struct FieldWriter {
    private(set) var bytes: [UInt8] = []

    /// - Parameter capacity: bytes expected; only a hint.
    init(capacity: Int) { bytes.reserveCapacity(capacity) }

    private mutating func tag(_ field: Int, _ layout: FieldReader.Layout) {
        bytes.append(UInt8(field << 3) | layout.rawValue)
    }

    private mutating func raw(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    mutating func put(_ field: Int, _ value: UInt64) {
        guard value != 0 else { return }
        tag(field, .varint)
        raw(value)
    }

    mutating func put(_ field: Int, _ value: Int64) { put(field, UInt64(bitPattern: value)) }

    mutating func put(_ field: Int, _ value: UInt32) { put(field, UInt64(value)) }

    mutating func put(_ field: Int, _ value: Bool) { put(field, UInt64(value ? 1 : 0)) }

    /// Of an enumeration.
    mutating func put(_ field: Int, number value: Int) { put(field, Int64(value)) }

    /// Minus zero is not the default.
    mutating func put(_ field: Int, _ value: Double) {
        guard value.bitPattern != 0 else { return }
        tag(field, .fixed64)
        withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func put(_ field: Int, _ value: [UInt8]) {
        guard !value.isEmpty else { return }
        tag(field, .counted)
        raw(UInt64(value.count))
        bytes.append(contentsOf: value)
    }

    mutating func put(_ field: Int, _ value: String) {
        if !value.isEmpty { put(field, each: value) }
    }

    /// An element of a repeated field, which is written also when it is empty.
    mutating func put(_ field: Int, each value: String) {
        tag(field, .counted)
        raw(UInt64(value.utf8.count))
        bytes.append(contentsOf: value.utf8)
    }

    mutating func put(_ field: Int, packed values: [UInt64]) {
        guard !values.isEmpty else { return }
        message(field) { writer in for value in values { writer.raw(value) } }
    }

    /// A message inside of this one, which is written also when it is empty.
    mutating func message(_ field: Int, _ body: (inout FieldWriter) -> Void) {
        tag(field, .counted)
        bytes.append(0)
        let start = bytes.count
        body(&self)
        // Most are shorter than 128 bytes: then the one byte that was left for the length is enough.
        var length = bytes.count - start
        guard length >= 0x80 else {
            bytes[start - 1] = UInt8(length)
            return
        }
        bytes[start - 1] = UInt8(truncatingIfNeeded: length) | 0x80
        length >>= 7
        var more: [UInt8] = []
        while length >= 0x80 {
            more.append(UInt8(truncatingIfNeeded: length) | 0x80)
            length >>= 7
        }
        more.append(UInt8(length))
        bytes.insert(contentsOf: more, at: start)
    }
}
