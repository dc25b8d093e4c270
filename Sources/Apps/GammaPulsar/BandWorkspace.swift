import Compute
import Plugins
import Synchronization

/// The memory and the plans of a band transform. Holds nothing between two transforms, so copies of a kernel share it.
final class BandWorkspace: Sendable {
    let kernel: SpreadingKernel
    let effortName: String
    private let transform: Mutex<BandTransform>

    /// With a cache folder FFTW may look for fast plans (0.3 s once per host); without one it takes what it has.
    init(geometry: BandGeometry, cachePath: String?) throws(AppError) {
        if let cachePath { WisdomCache.load(cachePath) }
        let effort: PlanEffort = cachePath == nil ? .estimate : .measure
        guard let made = BandTransform(geometry: geometry, effort: effort) else {
            throw .resources("not enough memory for a transform of \(geometry.cells) cells")
        }
        if let cachePath { WisdomCache.save(cachePath) }
        kernel = made.kernel
        effortName = effort == .measure ? "measured" : "estimated"
        transform = Mutex(made)
    }

    /// Transforms one set of lags and gives every row to the scanner.
    func run(_ scanner: BandScanner, lags: [Double], weights: [Float], centre: Double) -> BandScanner {
        transform.withLock { transform in
            var scanner = scanner
            transform.run(lags: lags, weights: weights, centre: centre) { scanner.consume($0) }
            return scanner
        }
    }
}
