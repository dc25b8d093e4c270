/// Reads decimal numbers from bytes, correctly rounded, without making strings of the usual ones.
enum DecimalNumber {
    /// The powers that doubles hold exactly, 10^0 ... 10^22.
    static let powersOfTen: [Double] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
        1e20, 1e21, 1e22,
    ]

    /// Sign, digits with an optional point, optional exponent; nothing else that `strtod` knows (no hexadecimal, no
    /// `inf`).
    ///
    /// - Parameter at: the first byte; afterwards the one behind the number, unless nil is returned.
    /// - Returns: infinity when the number is too large; nil when no number begins here.
    static func scan(_ bytes: [UInt8], _ at: inout Int) -> Double? {
        var place = at
        guard let parts = Parts(bytes, &place) else { return nil }
        if let exact = parts.exact {
            at = place
            return exact
        }
        // Swift's own conversion is correctly rounded and knows no locale.
        guard let value = Double(String(decoding: bytes[at..<place], as: UTF8.self)) else { return nil }
        at = place
        return value
    }
}

/// Mantissa and decimal exponent of a number's text.
private struct Parts {
    private var negative = false
    private var mantissa: UInt64 = 0
    private var exponent = 0
    /// More digits than 64 bits hold.
    private var long = false

    init?(_ bytes: [UInt8], _ at: inout Int) {
        if at < bytes.count, bytes[at] == UInt8(ascii: "-") || bytes[at] == UInt8(ascii: "+") {
            negative = bytes[at] == UInt8(ascii: "-")
            at += 1
        }
        var digits = takeDigits(bytes, &at, fraction: false)
        if at < bytes.count, bytes[at] == UInt8(ascii: ".") {
            at += 1
            digits += takeDigits(bytes, &at, fraction: true)
        }
        guard digits > 0, takeExponent(bytes, &at) else { return nil }
    }

    private mutating func takeDigits(_ bytes: [UInt8], _ at: inout Int, fraction: Bool) -> Int {
        let start = at
        while at < bytes.count, bytes[at] &- UInt8(ascii: "0") < 10 {
            if mantissa < 1_000_000_000_000_000_000 {
                mantissa = mantissa * 10 + UInt64(bytes[at] - UInt8(ascii: "0"))
                if fraction { exponent -= 1 }
            } else {
                long = true
            }
            at += 1
        }
        return at - start
    }

    private mutating func takeExponent(_ bytes: [UInt8], _ at: inout Int) -> Bool {
        guard at < bytes.count, bytes[at] | 0x20 == UInt8(ascii: "e") else { return true }
        at += 1
        var negative = false
        if at < bytes.count, bytes[at] == UInt8(ascii: "-") || bytes[at] == UInt8(ascii: "+") {
            negative = bytes[at] == UInt8(ascii: "-")
            at += 1
        }
        let start = at
        var value = 0
        while at < bytes.count, bytes[at] &- UInt8(ascii: "0") < 10 {
            // Far beyond any double; more digits change nothing.
            if value < 1_000_000 { value = value * 10 + Int(bytes[at] - UInt8(ascii: "0")) }
            at += 1
        }
        exponent += negative ? -value : value
        return at > start
    }

    /// The value when one multiplication or division of two exact doubles gives it, rounded once: at most 2^53 times
    /// or by at most 10^22 (Clinger, "How to read floating point numbers accurately", 1990).
    var exact: Double? {
        guard !long, mantissa <= 1 << 53, abs(exponent) < DecimalNumber.powersOfTen.count else { return nil }
        let power = DecimalNumber.powersOfTen[abs(exponent)]
        let size = Double(mantissa)
        let value = exponent < 0 ? size / power : size * power
        return negative ? -value : value
    }
}
