import Bytes

/// The filters `FILTER_DECIMAL` and `FILTER_DECIMAL_DELTA`: doubles that were written with few decimals, as integers.
///
/// A table that comes from a text file holds such numbers: 0.901129 has 20 bits of information and, as a double, 52
/// noisy ones that no compressor can remove. On the 6,973 photons of the first project transposed doubles need 140 kB,
/// more than the zstd of the text (120 kB); whole numbers need 73 kB.
enum DecimalColumn {
    /// 10^22 is the largest power of ten that a double holds exactly.
    static let decimalsMax = 22
    /// Whole numbers up to here are doubles.
    private static let wholeMax: Int64 = 1 << 53

    /// - Returns: the fewest decimals with which every value is bit for bit `n / 10^decimals`, and the n; nil when
    ///   there are none.
    static func wholeNumbers(of values: [Double]) -> (decimals: Int, numbers: [Int64])? {
        guard let first = values.first else { return nil }
        var decimals = 0
        // Most columns that are not decimal fail at their first value: it decides where to begin.
        while decimals <= decimalsMax, whole(first, decimals) == nil { decimals += 1 }
        while decimals <= decimalsMax {
            if let numbers = wholeNumbers(of: values, decimals: decimals) { return (decimals, numbers) }
            decimals += 1
        }
        return nil
    }

    private static func wholeNumbers(of values: [Double], decimals: Int) -> [Int64]? {
        var numbers: [Int64] = []
        numbers.reserveCapacity(values.count)
        for value in values {
            guard let number = whole(value, decimals) else { return nil }
            numbers.append(number)
        }
        return numbers
    }

    private static func whole(_ value: Double, _ decimals: Int) -> Int64? {
        let scaled = (value * DecimalNumber.powersOfTen[decimals]).rounded()
        guard abs(scaled) <= Double(wholeMax) else { return nil }
        let number = Int64(scaled)
        // By the bits, so that -0 is not taken for 0.
        return self.value(of: number, decimals).bitPattern == value.bitPattern ? number : nil
    }

    private static func value(of number: Int64, _ decimals: Int) -> Double {
        Double(number) / DecimalNumber.powersOfTen[decimals]
    }

    static func differences(of numbers: [Int64]) -> [Int64] {
        var last: Int64 = 0
        return numbers.map { number in
            defer { last = number }
            return number - last
        }
    }

    /// Undoes `wholeNumbers` and, for `delta`, `differences`.
    /// - Parameter bytes: int64, little-endian.
    /// - Returns: the doubles' bytes; nil when a number is larger than 2^53.
    static func undo(_ bytes: [UInt8], decimals: Int, delta: Bool) -> [UInt8]? {
        guard let numbers = LittleEndian.int64s(from: bytes) else { return nil }
        var values: [Double] = []
        values.reserveCapacity(numbers.count)
        var last: Int64 = 0
        for number in numbers {
            last = delta ? last &+ number : number
            guard last.magnitude <= UInt64(wholeMax) else { return nil }
            values.append(value(of: last, decimals))
        }
        return LittleEndian.bytes(of: values)
    }
}
