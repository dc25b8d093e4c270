import Domain

/// What the trace tells apart; the raw value goes into its hash and never changes.
enum TraceKind: UInt64 {
    case input = 1
    case action, disk, worker, power, clock, request, reply, commit, unit, job, jobEnd, tick, server, heal, receipt
}

/// The hash of everything that happened, and on demand the text of it.
///
/// FNV-1a over words of 64 bits, with a shift after each, so that high bits reach low ones. Into it go times, kinds and
/// numbers; never text, floating point, hashes of containers (a signature may be random) or sizes of compressed data.
struct Trace {
    private(set) var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    /// Called with a line for each entry; nil: no text is made.
    var show: ((String) -> Void)?

    @inline(__always)
    private mutating func mix(_ word: UInt64) {
        hash = (hash ^ word) &* 0x0000_0100_0000_01B3
        hash ^= hash >> 29
    }

    /// - Parameters:
    ///   - at: milliseconds of true time.
    ///   - who: a host's place, or -1 for the server.
    @inline(__always)
    mutating func note(
        _ kind: TraceKind, at: Int64, who: Int, _ first: Int64 = 0, _ second: Int64 = 0,
        _ words: @autoclosure () -> String
    ) {
        mix(UInt64(bitPattern: at))
        mix(kind.rawValue << 32 | UInt64(truncatingIfNeeded: who & 0xFFFF_FFFF))
        mix(UInt64(bitPattern: first))
        mix(UInt64(bitPattern: second))
        if let show { show(Trace.line(at, who, kind, words())) }
    }

    private static func line(_ at: Int64, _ who: Int, _ kind: TraceKind, _ words: String) -> String {
        let milliseconds = String(at % 1000)
        let padded = String(repeating: "0", count: 3 - milliseconds.count) + milliseconds
        return "\(at / 1000).\(padded) \(who < 0 ? "server" : "host \(who)") \(kind) \(words)"
    }
}
