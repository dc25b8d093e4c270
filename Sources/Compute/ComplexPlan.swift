import CFFTW
import Glibc
import Synchronization

/// A planned complex transform of `size` points in double precision, without scaling:
/// `out[k] = Σ in[n] exp(±2πi nk/size)`. May be executed from several threads at once.
///
/// Source: FFTW 3.3 manual, "New-array Execute Functions".
public struct ComplexPlan: ~Copyable, @unchecked Sendable {
    /// The sign of the exponent.
    public enum Direction: Hashable, Sendable {
        /// exp(-2πi …)
        case forward
        /// exp(+2πi …)
        case backward
    }

    public let size: Int
    private let plan: fftw_plan

    /// - Parameter size: 1 ... 2^25.
    /// - Returns: nil for another size, when there is no memory, or when FFTW refuses.
    public init?(size: Int, direction: Direction, effort: PlanEffort) {
        guard 1...(1 << 25) ~= size, let input = AlignedBuffer<SIMD2<Double>>(count: size),
            let output = AlignedBuffer<SIMD2<Double>>(count: size)
        else { return nil }
        let from = UnsafeMutableRawPointer(input.base).assumingMemoryBound(to: fftw_complex.self)
        let to = UnsafeMutableRawPointer(output.base).assumingMemoryBound(to: fftw_complex.self)
        let address = plannerLock.withLock { _ in
            Int(bitPattern: fftw_plan_dft_1d(Int32(size), from, to, direction == .forward ? -1 : 1, effort.flag))
        }
        guard let plan = fftw_plan(bitPattern: address) else { return nil }
        self.size = size
        self.plan = plan
    }

    /// Transforms `size` points (real and imaginary part in turn). Both places aligned to 64 bytes, not overlapping;
    /// the input may be overwritten.
    public func execute(from input: UnsafeMutablePointer<Double>, to output: UnsafeMutablePointer<Double>) {
        let from = UnsafeMutableRawPointer(input).assumingMemoryBound(to: fftw_complex.self)
        let to = UnsafeMutableRawPointer(output).assumingMemoryBound(to: fftw_complex.self)
        fftw_execute_dft(plan, from, to)
    }

    /// The transform of a list of pairs, in memory of its own; for preparation and tests, not for loops.
    /// - Returns: nil when there is no memory or the count does not fit.
    public func transform(_ pairs: [Double]) -> [Double]? {
        guard pairs.count == 2 * size, let input = AlignedBuffer<Double>(count: 2 * size),
            let output = AlignedBuffer<Double>(count: 2 * size)
        else { return nil }
        for at in pairs.indices { input.base[at] = pairs[at] }
        execute(from: input.base, to: output.base)
        return Array(UnsafeBufferPointer(start: output.base, count: 2 * size))
    }

    deinit {
        let plan = plan
        plannerLock.withLock { _ in fftw_destroy_plan(plan) }
    }
}
