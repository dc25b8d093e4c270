import Compute
import Glibc

/// A place in the spectrum that looks like a peak, before it is looked at closely.
struct PeakHit: Hashable, Sendable {
    /// Hz.
    var frequency: Double
    /// Interpolated power, in units of the noise; within about 5 % of the true one.
    var strength: Double
    /// Index in the unit's list of ratios.
    var ratio: Int
}

/// Goes once through the rows of a band transform: sums the powers and their squares, and finds peaks.
///
/// A peak between two frequencies of the grid shows only 64 % of its power on either. So the middle between each two
/// is interpolated with four points, which leaves at least 88 %, and what exceeds the threshold is interpolated again
/// with thirteen points at quarters of the spacing.
struct BandScanner {
    private let unit: SearchUnit
    private let geometry: BandGeometry
    private let ratio: Int
    private let noise: Double
    /// One over gain and noise, for each lane.
    private let scales: [Double]
    /// Threshold in raw values, for each lane.
    private let thresholds: [Float]
    /// Lanes that belong to the band: the upper half comes first.
    private let ranges: [Range<Int>]
    private var sums: [SIMD4<Double>]
    private var squares: [SIMD4<Double>]
    private(set) var hits: [PeakHit] = []

    /// - Parameter threshold: in units of the noise.
    init(
        unit: SearchUnit, geometry: BandGeometry, kernel: SpreadingKernel, ratio: Int, noise: Double, threshold: Double
    ) {
        self.unit = unit
        self.geometry = geometry
        self.ratio = ratio
        self.noise = noise
        var scales = [Double](repeating: 0, count: geometry.columns)
        var thresholds = [Float](repeating: .infinity, count: geometry.columns)
        for lane in 0..<geometry.columns {
            let middle = geometry.offset(row: geometry.rows / 2, lane: lane, odd: 0)
            let gain = kernel.transform(middle * geometry.cellSeconds) * noise
            scales[lane] = 1 / gain
            thresholds[lane] = Float(threshold * gain)
        }
        self.scales = scales
        self.thresholds = thresholds
        // The scan starts a margin above each lane's nominal start, so four lanes below the band complete its edge.
        ranges = [0..<geometry.halfLanes, (geometry.columns - geometry.halfLanes - 4)..<geometry.columns]
        sums = [SIMD4<Double>](repeating: .zero, count: geometry.columns / 4)
        squares = sums
    }

    mutating func consume(_ group: RowGroup) {
        for range in ranges {
            for lane in stride(from: range.lowerBound, to: range.upperBound, by: 4) {
                if scan(group, lane) { inspect(group, lane) }
            }
        }
    }

    /// Four lanes of every row of a group. - Returns: whether one exceeds the threshold.
    @inline(__always)
    private mutating func scan(_ group: RowGroup, _ lane: Int) -> Bool {
        let limit = SIMD4(thresholds[lane], thresholds[lane + 1], thresholds[lane + 2], thresholds[lane + 3])
        var column = LaneScan(group, lane, limit)
        for index in 1...BandTransform.groupRows { column.advance(LaneScan.load(group[index], lane)) }
        sums[lane / 4] += SIMD4<Double>(column.sum)
        squares[lane / 4] += SIMD4<Double>(column.square)
        return column.exceeds
    }

    /// Looks at the four lanes of a group that holds something above the threshold.
    private mutating func inspect(_ group: RowGroup, _ first: Int) {
        for lane in first..<(first + 4) {
            let limit = thresholds[lane]
            for index in 0..<(2 * group.count) {
                // Points of this lane, counted through the group: pair `index / 2`, first or second of it.
                let value = BandScanner.point(group, lane, index)
                let before = BandScanner.point(group, lane, index - 1)
                let after = BandScanner.point(group, lane, index + 1)
                guard value >= before, value > after else { continue }
                let left = BandScanner.middle(group, lane, index - 1)
                let right = BandScanner.middle(group, lane, index)
                guard max(value, left, right) > limit else { continue }
                record(group, lane, index)
            }
        }
    }

    private static func point(_ group: RowGroup, _ lane: Int, _ index: Int) -> Float {
        group[index >> 1][2 * lane + (index & 1)]
    }

    /// Between point `index` and the next.
    private static func middle(_ group: RowGroup, _ lane: Int, _ index: Int) -> Float {
        (point(group, lane, index) + point(group, lane, index + 1)) * LaneScan.inner
            - (point(group, lane, index - 1) + point(group, lane, index + 2)) * LaneScan.outer
    }

    private mutating func record(_ group: RowGroup, _ lane: Int, _ index: Int) {
        let offset = geometry.offset(row: group.first + index >> 1, lane: lane, odd: index & 1)
        let peak = FineInterpolation.peak { BandScanner.point(group, lane, index + $0) }
        let frequency = unit.centre + offset + peak.position * geometry.spacing
        guard unit.isSearched(frequency) else { return }
        hits.append(PeakHit(frequency: frequency, strength: peak.value * scales[lane], ratio: ratio))
    }

    /// Count, sum of powers and sum of squared powers over the grid points of all lanes that are searched whole, in
    /// units of the noise.
    func statistics() -> GridStatistics {
        var total = GridStatistics(count: 0, sum: 0, sumOfSquares: 0)
        for lane in GridStatistics.lanes(unit, geometry).flatMap({ Array($0) }) {
            let column = lane < 0 ? lane + geometry.columns : lane
            let scale = scales[column]
            total.count += 2 * geometry.rows
            total.sum += sums[column / 4][column % 4] * scale
            total.sumOfSquares += squares[column / 4][column % 4] * scale * scale
        }
        return total
    }
}

/// The scan down four lanes of consecutive rows, in registers: first points of the pairs and second points apart.
private struct LaneScan {
    /// Weights of the midpoint between the two middle points of four: sin(πx)/(πx) at 1/2 and 3/2.
    static let inner: Float = 0.6366198
    static let outer: Float = 0.2122066

    typealias Pairs = (first: SIMD4<Float>, second: SIMD4<Float>)

    private var current: Pairs
    private var previousSecond: SIMD4<Float>
    private(set) var sum = SIMD4<Float>.zero
    private(set) var square = SIMD4<Float>.zero
    private let limit: SIMD4<Float>
    /// The sign bit of a lane is set once a point lies above the limit.
    private var signs = SIMD4<UInt32>.zero

    @inline(__always)
    init(_ group: RowGroup, _ lane: Int, _ limit: SIMD4<Float>) {
        self.limit = limit
        current = LaneScan.load(group[0], lane)
        previousSecond = LaneScan.load(group[-1], lane).second
    }

    /// Takes in the current row, given the one after it.
    @inline(__always)
    mutating func advance(_ after: Pairs) {
        let (first, second) = current
        let both = first + second
        let within = both * LaneScan.inner - (previousSecond + after.first) * LaneScan.outer
        let between = (second + after.first) * LaneScan.inner - (first + after.second) * LaneScan.outer
        sum += both
        square += first * first
        square += second * second
        note(first)
        note(second)
        note(within)
        note(between)
        previousSecond = second
        current = after
    }

    @inline(__always)
    static func load(_ row: UnsafeMutablePointer<Float>, _ lane: Int) -> Pairs {
        let from = UnsafeRawPointer(row)
        let a = from.loadUnaligned(fromByteOffset: 8 &* lane, as: SIMD4<Float>.self)
        let b = from.loadUnaligned(fromByteOffset: 8 &* lane &+ 16, as: SIMD4<Float>.self)
        return (SIMD4(a[0], a[2], b[0], b[2]), SIMD4(a[1], a[3], b[1], b[3]))
    }

    /// A subtraction and an OR, where comparing and choosing would take six instructions.
    @inline(__always)
    private mutating func note(_ value: SIMD4<Float>) {
        signs |= unsafeBitCast(limit - value, to: SIMD4<UInt32>.self)
    }

    var exceeds: Bool { (signs[0] | signs[1] | signs[2] | signs[3]) >> 31 != 0 }
}

/// Interpolation of a spectrum between the points of its grid.
private enum FineInterpolation {
    static let reach = 6
    static let offsets = [-0.5, -0.25, 0, 0.25, 0.5]
    /// For each offset the weights of the points -6 ... 6: sin(πx)/(πx) under a cosine taper.
    static let weights: [[Float]] = offsets.map { offset in
        (-reach...reach).map { point in
            let x = offset - Double(point)
            let sinc = x == 0 ? 1 : sin(.pi * x) / (.pi * x)
            let taper = cos(.pi * x / Double(2 * reach + 3))
            return Float(sinc * taper)
        }
    }

    /// The highest of the interpolated values near point 0, raised by the parabola through it and its neighbours.
    static func peak(_ point: (Int) -> Float) -> (position: Double, value: Double) {
        var values = [Double](repeating: 0, count: offsets.count)
        for index in offsets.indices {
            var sum: Float = 0
            for tap in 0...(2 * reach) { sum += weights[index][tap] * point(tap - reach) }
            values[index] = Double(sum)
        }
        var best = 0
        for index in values.indices where values[index] > values[best] { best = index }
        guard best > 0, best < values.count - 1 else { return (offsets[best], values[best]) }
        let bend = values[best - 1] - 2 * values[best] + values[best + 1]
        let tilt = values[best + 1] - values[best - 1]
        guard bend < 0 else { return (offsets[best], values[best]) }
        return (offsets[best] - 0.25 * 0.5 * tilt / bend, values[best] - tilt * tilt / (8 * bend))
    }
}
