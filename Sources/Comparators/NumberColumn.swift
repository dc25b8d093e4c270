import Bytes
import Domain
import Plugins

/// One number of a section. Integers stay integers: above 2^53 a Double would merge them.
package enum Number: Hashable, Sendable {
    case real(Double)
    case integer(Int64)

    /// Nearest Double.
    package var value: Double {
        switch self {
        case .real(let value): value
        case .integer(let value): Double(value)
        }
    }

    package var isNaN: Bool {
        if case .real(let value) = self { value.isNaN } else { false }
    }

    /// Equal as numbers: both zeros are one.
    package static func == (a: Number, b: Number) -> Bool {
        switch (a, b) {
        case (.integer(let a), .integer(let b)): a == b
        default: a.value == b.value
        }
    }

    package func hash(into hasher: inout Hasher) {
        switch self {
        case .real(let value): hasher.combine(value)
        case .integer(let value): hasher.combine(value)
        }
    }

    package static func < (a: Number, b: Number) -> Bool {
        switch (a, b) {
        case (.integer(let a), .integer(let b)): a < b
        default: a.value < b.value
        }
    }

    /// |a - b|: exact for integers before the last rounding, infinite where nothing can be subtracted.
    package static func distance(_ a: Number, _ b: Number) -> Double {
        switch (a, b) {
        case (.integer(let a), .integer(let b)): Double(gap(a, b))
        default: a.value == b.value ? 0 : (a.value - b.value).isNaN ? .infinity : abs(a.value - b.value)
        }
    }

    static func gap(_ a: Int64, _ b: Int64) -> UInt64 {
        a > b ? UInt64(bitPattern: a &- b) : UInt64(bitPattern: b &- a)
    }
}

extension Closeness {
    /// What two numbers may differ by.
    package func allowed(_ a: Double, _ b: Double) -> Double { absolute + relative * max(abs(a), abs(b)) }

    /// Symmetric. NaN is close to nothing, an infinity only to itself.
    package func holds(_ a: Number, _ b: Number) -> Bool {
        switch (a, b) {
        case (.integer(let a), .integer(let b)):
            let gap = Number.gap(a, b)
            if gap == 0 { return true }
            let allowed = allowed(Double(a), Double(b)).rounded(.down)
            // 2^64 and more is beyond every gap.
            return allowed >= 0x1p64 || gap <= UInt64(allowed)
        default: return holds(a.value, b.value)
        }
    }

    package func holds(_ a: Double, _ b: Double) -> Bool {
        if a == b { return true }
        guard a.isFinite, b.isFinite else { return false }
        let distance = abs(a - b)
        if distance.isFinite { return distance <= allowed(a, b) }
        // Halves, since the difference of the largest numbers overflows.
        return abs(a / 2 - b / 2) <= absolute / 2 + relative * (max(abs(a), abs(b)) / 2)
    }
}

/// The numbers of one section, read where they lie.
package struct NumberColumn: Hashable, Sendable {
    let kind: PayloadSection.Kind
    private let bytes: [UInt8]
    package let count: Int

    package init(real: [Double]) {
        kind = .float64
        bytes = LittleEndian.bytes(of: real)
        count = real.count
    }

    package init(integer: [Int64]) {
        kind = .int64
        bytes = LittleEndian.bytes(of: integer)
        count = integer.count
    }

    /// - Returns: nil for sections that hold no numbers, or no whole number of them.
    init?(_ section: PayloadSection) {
        guard section.kind != .bytes, section.kind != .utf8, section.bytes.count % section.kind.width == 0 else {
            return nil
        }
        kind = section.kind
        bytes = section.bytes
        count = bytes.count / kind.width
    }

    /// - Parameter at: 0 ..< count.
    package subscript(at: Int) -> Number {
        bytes.withUnsafeBytes { raw in
            switch kind {
            case .float32: .real(Double(Float(bitPattern: Self.load(raw, at))))
            case .float64: .real(Double(bitPattern: Self.load(raw, at)))
            case .int32: .integer(Int64(Int32(bitPattern: Self.load(raw, at))))
            case .int64: .integer(Int64(bitPattern: Self.load(raw, at)))
            case .bytes, .utf8: .integer(0)
            }
        }
    }

    private static func load<T: FixedWidthInteger>(_ raw: UnsafeRawBufferPointer, _ at: Int) -> T {
        T(littleEndian: raw.loadUnaligned(fromByteOffset: at * MemoryLayout<T>.size, as: T.self))
    }

    package var isInteger: Bool { kind == .int32 || kind == .int64 }

    /// The place of the first NaN.
    package var firstNaN: Int? {
        isInteger ? nil : (0..<count).first { self[$0].isNaN }
    }

    /// The place of the first NaN or infinity.
    package var firstNotFinite: Int? {
        isInteger ? nil : (0..<count).first { !self[$0].value.isFinite }
    }

    /// As doubles, integers rounded.
    package var doubles: [Double] { (0..<count).map { self[$0].value } }
}
