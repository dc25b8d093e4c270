import Glibc

/// The Kaiser-Bessel window that places a sample between the points of a grid.
///
/// A sample at x (in cells) adds `window(n - x)` times its value to the `width` nearest cells n; the transform of the
/// grid is then the sample's own, times `transform(ν)`, which is divided out afterwards. What is left of images from
/// outside the band falls off like exp(-π·width·√(1-1/σ)), σ being the oversampling.
/// Source: Beatty, Nishimura, Pauly, "Rapid gridding reconstruction with a minimal oversampling ratio", IEEE TMI 24
/// (2005).
public struct SpreadingKernel: Sendable {
    /// Cells that a sample touches.
    public let width: Int
    let beta: Double
    /// `positions` rows of `rowLength` weights: row r holds the weights of a sample that lies (r + 1/2) / positions of
    /// a cell to the right of its first cell's place.
    let table: [Float]

    static let positions = 1024
    static let rowLength = 8

    /// - Parameter width: 2 ... 8. - Parameter oversampling: above 1.
    public init(width: Int, oversampling: Double) {
        precondition(
            (2...SpreadingKernel.rowLength).contains(width) && oversampling > 1, "kernel width or oversampling")
        self.width = width
        let w = Double(width)
        let a = w / oversampling * (oversampling - 0.5)
        beta = .pi * max(0.5, a * a - 0.8).squareRoot()
        var table = [Float](repeating: 0, count: SpreadingKernel.positions * SpreadingKernel.rowLength)
        for row in 0..<SpreadingKernel.positions {
            let offset = (Double(row) + 0.5) / Double(SpreadingKernel.positions)
            for m in 0..<width {
                let distance = Double(m) + 1 - w / 2 - offset
                table[row * SpreadingKernel.rowLength + m] = Float(
                    SpreadingKernel.window(distance, width: w, beta: beta))
            }
        }
        self.table = table
    }

    private static func window(_ distance: Double, width: Double, beta: Double) -> Double {
        let x = 2 * distance / width
        return x * x >= 1 ? 0 : besselI0(beta * (1 - x * x).squareRoot()) / besselI0(beta)
    }

    /// The window's Fourier transform at `frequency` cycles per cell, |frequency| ≤ 1/2.
    public func transform(_ frequency: Double) -> Double {
        let w = Double(width)
        let phase = Double.pi * w * frequency
        let argument = beta * beta - phase * phase
        let scale = w / SpreadingKernel.besselI0(beta)
        if abs(argument) < 1e-8 { return scale }
        if argument > 0 { return scale * sinh(argument.squareRoot()) / argument.squareRoot() }
        return scale * sin((-argument).squareRoot()) / (-argument).squareRoot()
    }

    /// Modified Bessel function of order 0, by its power series; relative error below 1e-14 for arguments to 60.
    static func besselI0(_ x: Double) -> Double {
        var term = 1.0
        var sum = 1.0
        var k = 1.0
        let quarter = x * x / 4
        while term > sum * 1e-17 {
            term *= quarter / (k * k)
            sum += term
            k += 1
        }
        return sum
    }
}
