import Domain

/// Walks over the fields of a protobuf message, and takes or refuses exactly what the generated code does.
///
/// Copies no byte that nobody asks for, and believes no length before it was compared with what is there.
struct FieldReader {
    /// How a field's value is laid out; the raw value is that of protobuf.
    enum Layout: UInt8 {
        case varint = 0
        case fixed64 = 1
        case counted = 2
        case groupStart = 3
        case groupEnd = 4
        case fixed32 = 5
    }

    private let bytes: [UInt8]
    private var at: Int
    private let end: Int
    /// How many messages may lie inside of this one.
    private let depth: Int
    /// For the error.
    private let type: String
    /// Of the present field.
    private(set) var number = 0
    private(set) var layout = Layout.varint

    /// - Parameter type: the message's full name.
    init(_ bytes: [UInt8], type: String) {
        self.bytes = bytes
        at = 0
        end = bytes.count
        // This one is the first.
        depth = Limits.messageDepthMax - 1
        self.type = type
    }

    private init(inside outer: FieldReader, _ range: Range<Int>) {
        bytes = outer.bytes
        at = range.lowerBound
        end = range.upperBound
        depth = outer.depth - 1
        type = outer.type
    }

    private var bad: WireError { .badMessage(type) }

    /// Goes to the next field. - Returns: false at the end.
    mutating func next() throws(WireError) -> Bool {
        guard at < end else { return false }
        let start = at
        try tag()
        // A tag has five bytes at most, but inside of a group that is skipped the generated code takes more.
        guard at - start <= 5 else { throw bad }
        return true
    }

    /// The same at the top of a message, where groups are refused, as everywhere else in this protocol.
    mutating func nextAtTop() throws(WireError) -> Bool {
        guard try next() else { return false }
        guard layout != .groupStart, layout != .groupEnd else { throw bad }
        return true
    }

    private mutating func tag() throws(WireError) {
        let tag = try varint()
        guard tag >= 8, tag < UInt64(UInt32.max), let layout = Layout(rawValue: UInt8(tag & 7)) else { throw bad }
        number = Int(tag >> 3)
        self.layout = layout
    }

    /// Up to ten bytes; what goes beyond 64 bits is lost.
    mutating func varint() throws(WireError) -> UInt64 {
        guard at < end else { throw bad }
        let first = bytes[at]
        at += 1
        if first < 0x80 { return UInt64(first) }
        var value = UInt64(first & 0x7F)
        var shift = UInt64(7)
        while true {
            guard at < end, shift <= 63 else { throw bad }
            let byte = bytes[at]
            at += 1
            value |= UInt64(byte & 0x7F) &<< shift
            if byte < 0x80 { return value }
            shift += 7
        }
    }

    private mutating func fixed64() throws(WireError) -> UInt64 {
        guard end - at >= 8 else { throw bad }
        var value: UInt64 = 0
        for place in 0..<8 { value |= UInt64(bytes[at + place]) &<< UInt64(8 * place) }
        at += 8
        return value
    }

    /// Where the bytes of a counted field lie; goes behind them.
    private mutating func body() throws(WireError) -> Range<Int> {
        let length = try varint()
        guard length <= UInt64(end - at) else { throw bad }
        defer { at += Int(length) }
        return at..<at + Int(length)
    }

    // MARK: Values. A field of another layout than its type has is unknown, and skipped.

    mutating func take(_ value: inout UInt64) throws(WireError) {
        if layout == .varint { value = try varint() } else { try skip() }
    }

    mutating func take(_ value: inout Int64) throws(WireError) {
        if layout == .varint { value = Int64(bitPattern: try varint()) } else { try skip() }
    }

    mutating func take(_ value: inout UInt32) throws(WireError) {
        if layout == .varint { value = UInt32(truncatingIfNeeded: try varint()) } else { try skip() }
    }

    mutating func take(_ value: inout Bool) throws(WireError) {
        if layout == .varint { value = try varint() != 0 } else { try skip() }
    }

    /// Of an enumeration.
    mutating func take(number value: inout Int) throws(WireError) {
        if layout == .varint { value = Int(Int32(truncatingIfNeeded: try varint())) } else { try skip() }
    }

    mutating func take(_ value: inout Double) throws(WireError) {
        if layout == .fixed64 { value = Double(bitPattern: try fixed64()) } else { try skip() }
    }

    mutating func take(_ value: inout [UInt8]) throws(WireError) {
        if layout == .counted { value = Array(bytes[try body()]) } else { try skip() }
    }

    mutating func take(_ value: inout String) throws(WireError) {
        if layout == .counted { value = try text() } else { try skip() }
    }

    /// - Parameter name: of the field, for the error. - Parameter max: of elements.
    mutating func append(to values: inout [String], _ name: String, max: Int) throws(WireError) {
        guard layout == .counted else { return try skip() }
        guard values.count < max else { throw .tooMany(field: name, limit: max) }
        values.append(try text())
    }

    /// Packed or one by one.
    mutating func append(to values: inout [UInt64], _ name: String, max: Int) throws(WireError) {
        switch layout {
        case .varint:
            guard values.count < max else { throw .tooMany(field: name, limit: max) }
            values.append(try varint())
        case .counted:
            var packed = FieldReader(inside: self, try body())
            while packed.at < packed.end {
                guard values.count < max else { throw .tooMany(field: name, limit: max) }
                values.append(try packed.varint())
            }
        default: try skip()
        }
    }

    /// - Returns: a reader of the message in this field; nil when there is none in it.
    mutating func message() throws(WireError) -> FieldReader? {
        guard layout == .counted else {
            try skip()
            return nil
        }
        let inner = FieldReader(inside: self, try body())
        guard inner.depth >= 0 else { throw bad }
        return inner
    }

    private mutating func text() throws(WireError) -> String {
        guard let text = String(validating: bytes[try body()], as: UTF8.self) else { throw bad }
        return text
    }

    // MARK: What is not known

    /// Groups are no fields of these formats, but may lie in messages of somebody's own inside of unknown ones.
    mutating func skip() throws(WireError) { try skip(depth) }

    private mutating func skip(_ depth: Int) throws(WireError) {
        switch layout {
        case .varint: _ = try varint()
        case .fixed64: try skip(bytes: 8)
        case .fixed32: try skip(bytes: 4)
        case .counted: _ = try body()
        case .groupEnd: throw bad
        case .groupStart:
            let group = number
            guard depth > 0 else { throw bad }
            while true {
                guard at < end else { throw bad }
                try tag()
                if layout == .groupEnd {
                    guard number == group else { throw bad }
                    return
                }
                try skip(depth - 1)
            }
        }
    }

    private mutating func skip(bytes count: Int) throws(WireError) {
        guard end - at >= count else { throw bad }
        at += count
    }

    // MARK: The whole

    /// Bounds that hold of every message before it is read: its size, and how often a top-level field may occur.
    ///
    /// A field takes two bytes at least, so that most messages are too short to have too many.
    static func check(_ bytes: [UInt8], limit: Int, type: String) throws(WireError) {
        if bytes.count > limit { throw .tooLarge(field: type, limit: limit) }
        if bytes.count / 2 > Limits.repeatedFieldsMax { try FieldScan.check(bytes[...], repeats: [], type: type) }
    }
}
