/// The time that a module sees: its fuel, a nanosecond for each unit, and how long it has slept. The same module with the
/// same inputs sees the same times on every computer.
struct ModuleClock {
    /// 1 January 2000, in nanoseconds since 1970: when every module starts.
    static let start: UInt64 = 946_684_800_000_000_000
    /// Nanoseconds that it has slept: sleeping moves this clock, and takes no time.
    private var slept: UInt64 = 0

    /// - Parameters:
    ///   - clock: 0 tells the time of day, 1 a clock since the start, 2 and 3 CPU time.
    ///   - fuelUsed: by the module so far.
    func now(_ clock: UInt32, fuelUsed: UInt64) throws(WASIError) -> UInt64 {
        switch clock {
        case 0: Self.start &+ fuelUsed &+ slept
        case 1: fuelUsed &+ slept
        case 2, 3: fuelUsed
        default: throw .invalid
        }
    }

    mutating func sleep(nanoseconds: UInt64) { slept &+= nanoseconds }
}

/// The random numbers that a module sees: SplitMix64 (Steele, Lea, Flood 2014) from the FNV-1a sum of a text.
package struct ModuleRandom {
    private var state: UInt64

    package init(state: UInt64) { self.state = state }

    init(seed: String) { self.init(state: Self.sum(seed)) }

    mutating func fill(_ bytes: UnsafeMutableRawBufferPointer) {
        var at = 0
        while at < bytes.count {
            var word = next().littleEndian
            withUnsafeBytes(of: &word) { source in
                for byte in source.prefix(bytes.count - at) {
                    bytes[at] = byte
                    at += 1
                }
            }
        }
    }

    package mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var word = state
        word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
        return word ^ (word >> 31)
    }

    /// FNV-1a, 64 bits.
    package static func sum(_ text: String) -> UInt64 {
        text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    }
}
