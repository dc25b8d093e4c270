/// An amount of credit in millionths of a cobblestone.
///
/// A cobblestone is 1/200 of the work of one day at 1 GFLOP/s (BOINC's unit), which is 4.32e11 floating-point
/// operations. Credit comes from the work unit's own FLOP count, never from what a host claims.
public struct Credit: Hashable, Comparable, Sendable {
    public let microcobblestones: Int64

    public init(microcobblestones: Int64) {
        self.microcobblestones = microcobblestones
    }

    /// Floating-point operations that earn one millionth of a cobblestone.
    public static let flopsPerMicrocobblestone: Double = 432_000

    /// - Parameter flops: 0 ... 1e21 floating-point operations; rounded down to a whole millionth.
    public init(flops: Double) {
        precondition(flops >= 0 && flops <= Limits.flopsMax)
        microcobblestones = Int64(flops / Credit.flopsPerMicrocobblestone)
    }

    public var cobblestones: Double { Double(microcobblestones) / 1e6 }
    public static let zero = Credit(microcobblestones: 0)
    public static func < (a: Credit, b: Credit) -> Bool { a.microcobblestones < b.microcobblestones }
    public static func + (a: Credit, b: Credit) -> Credit {
        Credit(microcobblestones: a.microcobblestones + b.microcobblestones)
    }
    public static prefix func - (a: Credit) -> Credit { Credit(microcobblestones: -a.microcobblestones) }
}
