import CFFTW
import Glibc
import Synchronization

/// FFTW's planner is not thread-safe; execution is. Every call that plans or touches wisdom holds this lock.
let plannerLock = Mutex<Void>(())

/// How long FFTW may look for a fast plan.
public enum PlanEffort: Hashable, Sendable {
    /// At once, the same plan each time on one machine.
    case estimate
    /// Tries algorithms by the clock: seconds for sizes of some thousands, minutes for millions.
    case measure

    var flag: UInt32 {
        switch self {
        case .estimate: millrace_fftw_estimate
        case .measure: millrace_fftw_measure
        }
    }
}

/// A planned complex transform of `size` points in single precision, from one place to another, without scaling:
/// `out[k] = Σ in[n] exp(+2πi nk/size)`.
///
/// May be executed from several threads at once. Source: FFTW 3.3 manual, "New-array Execute Functions".
public struct FFTPlan: ~Copyable, @unchecked Sendable {
    public let size: Int
    private let plan: fftwf_plan

    /// - Parameter size: 1 or more; products of 2, 3, 5 and 7 are fast.
    /// - Returns: nil when there is no memory, or FFTW refuses.
    public init?(size: Int, effort: PlanEffort) {
        precondition(size > 0 && size <= 1 << 24, "a plan has 1 to 2^24 points")
        guard let input = AlignedBuffer<SIMD2<Float>>(count: size),
            let output = AlignedBuffer<SIMD2<Float>>(count: size)
        else { return nil }
        let from = UnsafeMutableRawPointer(input.base).assumingMemoryBound(to: fftwf_complex.self)
        let to = UnsafeMutableRawPointer(output.base).assumingMemoryBound(to: fftwf_complex.self)
        // Only an address may leave the lock's closure: a plan's pointer is not Sendable.
        let address = plannerLock.withLock { _ in
            // Sign +1 is FFTW_BACKWARD.
            Int(bitPattern: fftwf_plan_dft_1d(Int32(size), from, to, 1, effort.flag))
        }
        guard let plan = fftwf_plan(bitPattern: address) else { return nil }
        self.size = size
        self.plan = plan
    }

    /// Transforms `size` points (real and imaginary part in turn). Both places aligned to 64 bytes, not overlapping;
    /// the input may be overwritten.
    public func execute(from input: UnsafeMutablePointer<Float>, to output: UnsafeMutablePointer<Float>) {
        let from = UnsafeMutableRawPointer(input).assumingMemoryBound(to: fftwf_complex.self)
        let to = UnsafeMutableRawPointer(output).assumingMemoryBound(to: fftwf_complex.self)
        fftwf_execute_dft(plan, from, to)
    }

    deinit {
        let plan = plan
        plannerLock.withLock { _ in fftwf_destroy_plan(plan) }
    }
}

/// What FFTW has learned about this machine, as text to keep between runs.
public enum FFTWisdom {
    /// All wisdom of this process.
    public static func export() -> [UInt8] {
        plannerLock.withLock { _ in
            guard let text = fftwf_export_wisdom_to_string() else { return [] }
            defer { free(text) }
            return Array(UnsafeRawBufferPointer(start: text, count: strlen(text)))
        }
    }

    /// Adds wisdom from an earlier run; useless or foreign text changes nothing.
    /// - Returns: whether FFTW accepted it.
    @discardableResult
    public static func add(_ text: [UInt8]) -> Bool {
        guard !text.isEmpty, text.count <= 1 << 20, !text.contains(0) else { return false }
        return plannerLock.withLock { _ in
            (text + [0]).withUnsafeBufferPointer { bytes in
                bytes.withMemoryRebound(to: CChar.self) { fftwf_import_wisdom_from_string($0.baseAddress) == 1 }
            }
        }
    }

    /// For example `fftw-3.3.10-sse2-avx-avx2`.
    public static var libraryVersion: String {
        String(cString: millrace_fftw_version())
    }
}
