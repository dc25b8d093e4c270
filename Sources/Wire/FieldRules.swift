import Domain
import FoundationEssentials

/// Ranges of message fields; each check throws `.outOfRange` with the field's name.
enum FieldRules {
    /// 1 ... `max` bytes, no control characters.
    static func word(_ text: String, _ field: String, max: Int = Limits.wordBytesMax) throws(WireError) {
        if text.isEmpty { throw .outOfRange(field: field) }
        try self.text(text, field, max: max)
    }

    /// 0 ... `max` bytes, no control characters.
    static func text(_ text: String, _ field: String, max: Int = Limits.wordBytesMax) throws(WireError) {
        let bytes = text.utf8
        guard bytes.count <= max, bytes.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
            throw .outOfRange(field: field)
        }
    }

    /// Finite and in range; NaN is in no range.
    static func number(_ value: Double, _ field: String, in range: ClosedRange<Double>) throws(WireError) {
        guard range.contains(value) else { throw .outOfRange(field: field) }
    }

    static func size(_ value: UInt64, _ field: String, max: Int) throws(WireError) {
        guard value <= UInt64(max) else { throw .outOfRange(field: field) }
    }

    static func sha256(_ bytes: Data, _ field: String) throws(WireError) {
        guard bytes.count == 32 else { throw .outOfRange(field: field) }
    }

    /// A work unit's number must leave six bits for its tasks.
    static func unitID(_ value: UInt64) throws(WireError) {
        guard value < 1 << 57 else { throw .outOfRange(field: "unit_id") }
    }
}
