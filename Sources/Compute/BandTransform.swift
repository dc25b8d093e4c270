import Synchronization

/// The real part of the Fourier transform of weighted lags over one frequency band:
/// `P(f) = Σ weight · cos(2π f lag)` for every f of a `BandGeometry` around a centre.
///
/// A non-uniform transform of type 1. The lags are heterodyned to the band's centre, spread onto a grid
/// (`SpreadingKernel`) and transformed in two steps of short transforms that stay in the cache (Bailey's four-step
/// method). Two neighbouring frequencies come out as real and imaginary part of one complex number, so the grid twice
/// as fine costs nothing: P(f) + i·P(f + spacing) is the transform of a lag τ with amplitude (1 + i·e^iψ)/2 and of -τ
/// with (1 + i·e^-iψ)/2, ψ = 2π·spacing·τ.
///
/// Sources: Bailey, "FFTs in external or hierarchical memory", J. Supercomputing 4 (1990); Dutt & Rokhlin, "Fast
/// Fourier transforms for nonequispaced data", SIAM J. Sci. Comput. 14 (1993).
public struct BandTransform: ~Copyable, Sendable {
    public let geometry: BandGeometry
    public let kernel: SpreadingKernel
    let first: FFTPlan
    let second: FFTPlan
    let field: AlignedBuffer<Float>
    let tile: AlignedBuffer<Float>
    let tileOut: AlignedBuffer<Float>
    let window: AlignedBuffer<Float>
    let head: AlignedBuffer<Float>
    let twiddle: TwiddleTables
    var sources: SourceBuckets

    /// Rows of the result that a consumer sees before and after those of its group.
    public static let margin = 3
    /// Rows per group.
    public static let groupRows = 16
    static let windowRows = 32
    static let kernelWidth = 6

    /// Floats from one row of the intermediate field to the next. The odd number of cache lines keeps rows from
    /// falling on the same cache sets.
    var fieldStride: Int { 2 * geometry.columns + 16 }
    var tileStride: Int { 2 * geometry.rows + 16 }
    /// Floats from one row of the result to the next.
    public var rowStride: Int { 2 * geometry.columns + 16 }

    /// - Returns: nil when there is no memory.
    public init?(geometry: BandGeometry, effort: PlanEffort) {
        let columns = geometry.columns
        let rows = geometry.rows
        let tileRows = BandGeometry.tile + SpreadingKernel.rowLength
        guard let first = FFTPlan(size: rows, effort: effort), let second = FFTPlan(size: columns, effort: effort),
            let field = AlignedBuffer<Float>(count: rows * (2 * columns + 16)),
            let tile = AlignedBuffer<Float>(count: tileRows * (2 * rows + 16)),
            let tileOut = AlignedBuffer<Float>(count: BandGeometry.tile * (2 * rows + 16)),
            let window = AlignedBuffer<Float>(count: (BandTransform.windowRows + 4) * (2 * columns + 16)),
            let head = AlignedBuffer<Float>(count: 2 * BandTransform.margin * (2 * columns + 16)),
            let twiddle = TwiddleTables(rows: rows, columns: columns)
        else { return nil }
        self.geometry = geometry
        self.kernel = SpreadingKernel(width: BandTransform.kernelWidth, oversampling: geometry.oversampling)
        self.first = first
        self.second = second
        self.field = field
        self.tile = tile
        self.tileOut = tileOut
        self.window = window
        self.head = head
        self.twiddle = twiddle
        self.sources = SourceBuckets(tiles: columns / BandGeometry.tile)
    }

    /// By how much a value at this offset from the centre (Hz) comes out too large.
    public func gain(atOffset offset: Double) -> Double {
        kernel.transform(offset * geometry.cellSeconds)
    }

    /// Bytes of all arrays.
    public var memoryBytes: Int {
        4 * (field.count + tile.count + tileOut.count + window.count + head.count + twiddle.floatCount)
            + sources.memoryBytes
    }

    /// Transforms one set of lags.
    ///
    /// - Parameter lags: seconds, 0 ... `geometry.period`. - Parameter weights: as many.
    /// - Parameter centre: the band's centre, Hz.
    /// - Parameter consume: gets the result in groups of rows, in order; called `rows / 16` times.
    public mutating func run(lags: [Double], weights: [Float], centre: Double, consume: (RowGroup) -> Void) {
        precondition(lags.count == weights.count, "a weight for every lag")
        sources.load(lags: lags, weights: weights, centre: centre, geometry: geometry)
        transformColumns()
        transformRows(consume)
    }
}

/// A view of consecutive rows of a result, with a margin of `BandTransform.margin` rows at either side.
///
/// Row r, lane l holds P at `geometry.offset(row: r, lane: l, odd: 0)` and the next finer frequency, times the gain.
/// Rows count from `first`, which starts at the margin and runs past `rows`: there the lane is one higher.
public struct RowGroup {
    /// The first row of the group.
    public let first: Int
    public let count: Int
    let rows: UnsafePointer<UnsafeMutablePointer<Float>>

    /// The row at `index` -margin ..< count + margin: pairs of floats, a pair per lane.
    @inlinable @inline(__always)
    public subscript(index: Int) -> UnsafeMutablePointer<Float> { base[index + 3] }

    @usableFromInline var base: UnsafePointer<UnsafeMutablePointer<Float>> { rows }
}
