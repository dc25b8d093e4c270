/// One sample on its way to the grid: 16 bytes.
struct GridSource {
    var value: SIMD2<Float>
    /// Row of its first cell.
    var row: Int32
    /// Column of its first cell within the tile, and row of the spreading table, in one word.
    var place: UInt32
}

/// The samples of a transform, sorted by tile of columns.
struct SourceBuckets: Sendable {
    private(set) var starts: [Int32]
    private(set) var sorted: [GridSource] = []
    private var tiles: [UInt16] = []
    private var unsorted: [GridSource] = []

    init(tiles: Int) {
        starts = [Int32](repeating: 0, count: tiles + 1)
    }

    var memoryBytes: Int { (sorted.count + unsorted.count) * MemoryLayout<GridSource>.stride + 2 * tiles.count }

    /// Turns every lag into two samples, at +lag and -lag, and sorts them.
    mutating func load(lags: [Double], weights: [Float], centre: Double, geometry: BandGeometry) {
        let count = lags.count
        let padded = (count + 3) / 4 * 4
        if unsorted.count != 2 * padded {
            let empty = GridSource(value: .zero, row: 0, place: 0)
            unsorted = [GridSource](repeating: empty, count: 2 * padded)
            sorted = [GridSource](repeating: empty, count: 2 * padded)
            tiles = [UInt16](repeating: 0, count: 2 * padded)
        }
        var counts = [Int32](repeating: 0, count: starts.count)
        unsorted.withUnsafeMutableBufferPointer { out in
            tiles.withUnsafeMutableBufferPointer { tiles in
                counts.withUnsafeMutableBufferPointer { counts in
                    let writer = SourceWriter(
                        geometry: geometry, centre: centre, out: out.baseAddress!, tiles: tiles.baseAddress!,
                        counts: counts.baseAddress!)
                    lags.withUnsafeBufferPointer { lags in
                        weights.withUnsafeBufferPointer { weights in
                            writer.write(lags: lags, weights: weights)
                        }
                    }
                }
            }
        }
        sort(&counts)
    }

    /// Counting sort: keeps the order within a tile, so equal input gives equal bits.
    private mutating func sort(_ counts: inout [Int32]) {
        var at: Int32 = 0
        for tile in 0..<(starts.count - 1) {
            starts[tile] = at
            at += counts[tile]
            counts[tile] = starts[tile]
        }
        starts[starts.count - 1] = at
        let total = unsorted.count
        unsorted.withUnsafeBufferPointer { from in
            sorted.withUnsafeMutableBufferPointer { to in
                tiles.withUnsafeBufferPointer { tiles in
                    counts.withUnsafeMutableBufferPointer { next in
                        for index in 0..<total {
                            let tile = Int(tiles[index])
                            let place = next[tile]
                            to[Int(place)] = from[index]
                            next[tile] = place &+ 1
                        }
                    }
                }
            }
        }
    }
}

/// Writes the samples of a set of lags, unsorted, and counts them by tile.
private struct SourceWriter {
    let geometry: BandGeometry
    let centre: Double
    let out: UnsafeMutablePointer<GridSource>
    let tiles: UnsafeMutablePointer<UInt16>
    let counts: UnsafeMutablePointer<Int32>

    func write(lags: UnsafeBufferPointer<Double>, weights: UnsafeBufferPointer<Float>) {
        let whole = lags.count / 4 * 4
        for start in stride(from: 0, to: whole, by: 4) {
            let lag = UnsafeRawPointer(lags.baseAddress! + start).loadUnaligned(as: SIMD4<Double>.self)
            let weight = UnsafeRawPointer(weights.baseAddress! + start).loadUnaligned(as: SIMD4<Float>.self)
            four(lag, weight, at: 2 * start)
        }
        if whole < lags.count {
            var lag = SIMD4<Double>.zero
            var weight = SIMD4<Float>.zero
            for index in whole..<lags.count {
                lag[index - whole] = lags[index]
                weight[index - whole] = weights[index]
            }
            four(lag, weight, at: 2 * whole)
        }
    }

    @inline(__always)
    private func four(_ lag: SIMD4<Double>, _ weight: SIMD4<Float>, at index: Int) {
        let carrier = Turns.fraction(lag * centre)
        // An eighth of a turn, and half of ψ in turns: 0 ... 1/4.
        let half = lag * (geometry.spacing / 2)
        let plus = SIMD4<Float>(Turns.fraction(carrier + half + 0.125))
        let minus = SIMD4<Float>(Turns.fraction(0.125 - half - carrier))
        let p = SIMD4<Float>(half + 0.125)
        let plusSize = weight * Turns.cosine(p)
        let minusSize = weight * Turns.sine(p)
        let plusRe = plusSize * Turns.cosine(plus)
        let plusIm = plusSize * Turns.sine(plus)
        let minusRe = minusSize * Turns.cosine(minus)
        let minusIm = minusSize * Turns.sine(minus)
        let cells = Double(geometry.cells)
        let place = lag * (1 / geometry.cellSeconds)
        for lane in 0..<4 {
            put(place[lane], SIMD2(plusRe[lane], plusIm[lane]), at: index + 2 * lane)
            put(cells - place[lane], SIMD2(minusRe[lane], minusIm[lane]), at: index + 2 * lane + 1)
        }
    }

    /// - Parameter place: in cells, 0 ... cells.
    @inline(__always)
    private func put(_ place: Double, _ value: SIMD2<Float>, at index: Int) {
        let shifted = place + Double(geometry.cells) - Double(BandTransform.kernelWidth / 2) + 1
        let cell = Int(shifted)
        let position = Int((shifted - Double(cell)) * Double(SpreadingKernel.positions))
        var wrapped = UInt32(truncatingIfNeeded: cell)
        let cells = UInt32(truncatingIfNeeded: geometry.cells)
        if wrapped >= cells { wrapped &-= cells }
        if wrapped >= cells { wrapped &-= cells }
        let columns = UInt32(truncatingIfNeeded: geometry.columns)
        let row = wrapped / columns
        let column = wrapped &- row &* columns
        let tile = Int(column >> 4)
        out[index] = GridSource(
            value: value, row: Int32(truncatingIfNeeded: row),
            place: (column & 15) << 16 | UInt32(truncatingIfNeeded: position))
        tiles[index] = UInt16(truncatingIfNeeded: tile)
        counts[tile] &+= 1
    }
}
