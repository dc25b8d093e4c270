import Glibc

/// The factors e^(2πi·row·column/cells) between the two steps of a band transform, as starts and steps: row r follows
/// from row r-1 by a multiplication, and every `restart` rows from a stored start, which keeps errors below 2e-6.
///
/// Stored for interleaved complex numbers: cosine as (c, c), sine as (-s, s).
struct TwiddleTables: ~Copyable, Sendable {
    static let restart = 32
    let columns: Int
    /// Starts: `rows / restart` rows of `columns` pairs (cosine, sine).
    let starts: AlignedBuffer<SIMD2<Float>>
    let stepCosine: AlignedBuffer<Float>
    let stepSine: AlignedBuffer<Float>
    /// The running row.
    let cosine: AlignedBuffer<Float>
    let sine: AlignedBuffer<Float>

    init?(rows: Int, columns: Int) {
        guard let starts = AlignedBuffer<SIMD2<Float>>(count: rows / TwiddleTables.restart * columns),
            let stepCosine = AlignedBuffer<Float>(count: 2 * columns),
            let stepSine = AlignedBuffer<Float>(count: 2 * columns),
            let cosine = AlignedBuffer<Float>(count: 2 * columns),
            let sine = AlignedBuffer<Float>(count: 2 * columns)
        else { return nil }
        let turn = 2 * Double.pi / Double(rows * columns)
        for start in 0..<(rows / TwiddleTables.restart) {
            for column in 0..<columns {
                let angle = turn * Double(start * TwiddleTables.restart * column)
                starts.base[start * columns + column] = SIMD2(Float(cos(angle)), Float(sin(angle)))
            }
        }
        for column in 0..<columns {
            let c = Float(cos(turn * Double(column)))
            let s = Float(sin(turn * Double(column)))
            stepCosine.base[2 * column] = c
            stepCosine.base[2 * column + 1] = c
            stepSine.base[2 * column] = -s
            stepSine.base[2 * column + 1] = s
        }
        self.columns = columns
        self.starts = starts
        self.stepCosine = stepCosine
        self.stepSine = stepSine
        self.cosine = cosine
        self.sine = sine
    }

    var floatCount: Int { 2 * starts.count + 4 * stepCosine.count }

    /// Sets the running row to a stored start.
    func restart(atRow row: Int) {
        let from = starts.base + row / TwiddleTables.restart * columns
        for column in 0..<columns {
            let value = from[column]
            cosine.base[2 * column] = value.x
            cosine.base[2 * column + 1] = value.x
            sine.base[2 * column] = -value.y
            sine.base[2 * column + 1] = value.y
        }
    }

    /// Rows that `multiplyFour` handles at once: the factors stay in registers from row to row.
    static let together = 4

    /// `output = input · running row` for four rows, and the running row goes four on.
    func multiplyFour(
        _ input: UnsafePointer<Float>, stride inputStride: Int, into output: UnsafeMutablePointer<Float>,
        stride outputStride: Int
    ) {
        let source = UnsafeRawPointer(input)
        let target = UnsafeMutableRawPointer(output)
        let runningCosine = UnsafeMutableRawPointer(cosine.base)
        let runningSine = UnsafeMutableRawPointer(sine.base)
        let byCosine = UnsafeRawPointer(stepCosine.base)
        let bySine = UnsafeRawPointer(stepSine.base)
        for at in stride(from: 0, to: 8 &* columns, by: 16) {
            var c = runningCosine.load(fromByteOffset: at, as: SIMD4<Float>.self)
            var s = runningSine.load(fromByteOffset: at, as: SIMD4<Float>.self)
            let wc = byCosine.load(fromByteOffset: at, as: SIMD4<Float>.self)
            let ws = bySine.load(fromByteOffset: at, as: SIMD4<Float>.self)
            var from = source + at
            var to = target + at
            for _ in 0..<TwiddleTables.together {
                let v = from.load(as: SIMD4<Float>.self)
                let swapped = SIMD4(v.y, v.x, v.w, v.z)
                to.storeBytes(of: v * c + swapped * s, as: SIMD4<Float>.self)
                (c, s) = (c * wc - s * ws, s * wc + c * ws)
                from += 4 &* inputStride
                to += 4 &* outputStride
            }
            runningCosine.storeBytes(of: c, toByteOffset: at, as: SIMD4<Float>.self)
            runningSine.storeBytes(of: s, toByteOffset: at, as: SIMD4<Float>.self)
        }
    }
}
