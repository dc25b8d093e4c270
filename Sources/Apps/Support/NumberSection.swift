import Bytes
import Plugins

/// A result of one section of doubles.
enum NumberSection {
    static func payload(_ name: String, _ values: [Double]) -> Payload {
        Payload(sections: [PayloadSection(name: name, kind: .float64, bytes: LittleEndian.bytes(of: values))])
    }

    /// - Parameter allowsNaN: NaN and infinity are not looked for: the caller does it.
    /// - Throws: `.badResult` for a missing or further section, another count, NaN or infinity.
    static func read(
        _ payload: Payload, _ name: String, count: Int, allowsNaN: Bool = false
    ) throws(AppError) -> [Double] {
        guard payload.sections.count == 1, let section = payload[name], section.kind == .float64,
            let values = LittleEndian.doubles(from: section.bytes)
        else { throw .badResult("expected one section, \(name), of 64-bit floating-point numbers") }
        guard values.count == count else { throw .badResult("\(values.count) \(name), expected \(count)") }
        if !allowsNaN, let bad = values.firstIndex(where: { !$0.isFinite }) {
            throw .badResult("section \(name): element \(bad) is not a finite number")
        }
        return values
    }
}
