import Domain

/// Numbers, and numbers with a unit, as people write them. No Foundation: `Double.init` of the standard library also
/// reads `nan`, `inf` and hexadecimal numbers, so the spelling is checked first.
public enum Quantities {
    /// Units of time with their seconds; each also stands without a space after the number.
    package static let times: [(word: String, seconds: Double)] = [
        ("s", 1), ("sec", 1), ("second", 1), ("seconds", 1), ("min", 60), ("minute", 60), ("minutes", 60),
        ("h", 3600), ("hour", 3600), ("hours", 3600), ("d", 86_400), ("day", 86_400), ("days", 86_400),
        ("w", 604_800), ("week", 604_800), ("weeks", 604_800),
    ]
    /// Units of size with their bytes.
    package static let sizes: [(word: String, bytes: Double)] = [
        ("B", 1), ("bytes", 1), ("kB", 1e3), ("KB", 1e3), ("MB", 1e6), ("GB", 1e9), ("TB", 1e12),
        ("KiB", 1024), ("MiB", 1_048_576), ("GiB", 1_073_741_824), ("TiB", 1_099_511_627_776),
    ]

    /// A whole number in decimal digits, with `_` between digits allowed. nil for anything else.
    package static func integer(_ text: some StringProtocol) -> Int64? {
        guard let plain = digits(text), plain.utf8.allSatisfy({ isDigit($0) || $0 == 0x2D || $0 == 0x2B }) else {
            return nil
        }
        return Int64(plain)
    }

    /// A decimal number, with an exponent or not; finite. nil for anything else.
    package static func real(_ text: some StringProtocol) -> Double? {
        guard let plain = digits(text), let value = Double(plain), value.isFinite else { return nil }
        return value
    }

    /// Whether this is spelled like a number, but no double is that large.
    package static func isTooLarge(_ text: some StringProtocol) -> Bool {
        digits(text).flatMap { Double($0) }?.isInfinite ?? false
    }

    /// The number without `_`; nil unless it is spelled like `-12_000.5e-3`.
    private static func digits(_ text: some StringProtocol) -> String? {
        let bytes = Array(text.utf8)
        guard !bytes.isEmpty, bytes.count <= 64 else { return nil }
        for at in bytes.indices {
            switch bytes[at] {
            case 0x5F:  // _
                guard at > 0, isDigit(bytes[at - 1]), at + 1 < bytes.count, isDigit(bytes[at + 1]) else { return nil }
            case 0x2B, 0x2D, 0x2E, 0x45, 0x65: break  // + - . E e
            default: guard isDigit(bytes[at]) else { return nil }
            }
        }
        return String(decoding: bytes.filter { $0 != 0x5F }, as: UTF8.self)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }

    package enum UnitReading {
        case value(Double)
        case unknownUnit(String)
        case noNumber
        case tooLarge
    }

    /// `90`, `90 s`, `1.5h`: the number times its unit; without a unit the number itself.
    package static func withUnit(_ text: String, _ units: [(word: String, factor: Double)]) -> UnitReading {
        let scalars = text.unicodeScalars
        // The longest beginning that is a number: so `1e3` is a number, and `1 d` is one with a unit.
        var end = scalars.firstIndex { !"+-.0123456789_eE".unicodeScalars.contains($0) } ?? scalars.endIndex
        var number = real(String(scalars[..<end]))
        while number == nil, end > scalars.startIndex {
            if isTooLarge(String(scalars[..<end])) { return .tooLarge }
            end = scalars.index(before: end)
            number = real(String(scalars[..<end]))
        }
        guard let number else { return .noNumber }
        let word = String(scalars[end...].drop { $0 == " " })
        if word.isEmpty { return .value(number) }
        guard let unit = units.first(where: { $0.word == word }) else { return .unknownUnit(word) }
        return .value(number * unit.factor)
    }
}
