// Times the gamma-pulsar kernel: `kernel-bench PHOTONS.csv [--measure-c2r]`. One thread, CPU seconds, best of many.
import Apps
import CFFTW
import Compute
import Domain
import Glibc
import Plugins

func cpuSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + 1e-9 * Double(time.tv_nsec)
}

/// The best of `repeats` timings, in seconds.
func best(of repeats: Int, _ body: () -> Void) -> Double {
    var shortest = Double.infinity
    for _ in 0..<repeats {
        let start = cpuSeconds()
        body()
        shortest = min(shortest, cpuSeconds() - start)
    }
    return shortest
}

func milliseconds(_ seconds: Double) -> String { "\((seconds * 1e5).rounded() / 100) ms" }

func photonTable(_ path: String) -> Table? {
    guard let file = fopen(path, "r") else { return nil }
    defer { fclose(file) }
    var text: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while case let count = fread(&chunk, 1, chunk.count, file), count > 0 { text += chunk[..<count] }
    var columns: [[Double]] = [[], []]
    for line in String(decoding: text, as: UTF8.self).split(separator: "\n").dropFirst() {
        let fields = line.split(separator: ",")
        guard fields.count >= 2, let time = Double(fields[0]), let weight = Double(fields[1]) else { return nil }
        columns[0].append(time)
        columns[1].append(weight)
    }
    return Table(names: ["time_s", "weight"], columns: columns)
}

/// Step times of a kernel on the band of the pulsar: best transform with spreading and scan, and the whole unit.
func kernelTimes(_ table: Table, ratios: Int) throws -> (step: Double, unit: Double, answer: (Double, Double)) {
    let context = AppContext(
        project: "bench", title: "Bench",
        parameters: [
            "frequency_min_hz": .real(200), "frequency_max_hz": .real(208),
            "f1_over_f": .reals((0..<ratios).map { Double($0) * -2.5e-17 }),
        ],
        inputs: InputSet(["photons": .table(table)]), stepsPerUnit: ratios, flopsPerStep: nil, relativeTolerance: nil,
        absoluteTolerance: nil)
    guard let app = AppCatalog.find("gamma-pulsar") else { exit(70) }
    let unit = try app.splitter.next(context, cursor: [], limit: 1).drafts[0].payload
    var cache = Array("\(P_tmpdir)/kernel-bench-XXXXXX".utf8CString)
    guard mkdtemp(&cache) != nil else { exit(73) }
    let folder = cache.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    var kernel: any Kernel = try app.kernel!.init(
        unit: unit, inputs: context.inputs, environment: KernelEnvironment(cachePath: folder))
    let start = cpuSeconds()
    var step = Double.infinity
    var steps = 0
    while true {
        let before = cpuSeconds()
        let progress = try kernel.advance(budgetSeconds: 0)
        steps += 1
        if steps <= ratios { step = min(step, cpuSeconds() - before) }
        if case .done = progress { break }
    }
    let whole = cpuSeconds() - start
    func first(_ name: String) throws -> Double {
        let bytes = try kernel.result()[name]?.bytes ?? []
        return bytes.withUnsafeBytes { $0.loadUnaligned(as: Double.self) }
    }
    return (step, whole, (try first("candidates.frequency"), try first("candidates.sigma")))
}

/// The short transforms of one step alone, on data that stays in the cache as in the kernel.
func fftwTime(_ geometry: BandGeometry) -> Double {
    let width = 2 * max(geometry.rows, geometry.columns)
    guard let first = FFTPlan(size: geometry.rows, effort: .measure),
        let second = FFTPlan(size: geometry.columns, effort: .measure),
        let input = AlignedBuffer<Float>(count: width), let output = AlignedBuffer<Float>(count: width)
    else { exit(71) }
    input.fill(0)
    return best(of: 20) {
        for _ in 0..<geometry.columns { first.execute(from: input.base, to: output.base) }
        for _ in 0..<geometry.rows { second.execute(from: input.base, to: output.base) }
    }
}

/// FFTW's own transform of 2^23 real outputs, planned at once or, in minutes, by measurement.
func c2rTime(_ flag: UInt32) -> Double {
    let size = 1 << 23
    guard let input = AlignedBuffer<Float>(count: size + 2), let output = AlignedBuffer<Float>(count: size)
    else { exit(71) }
    let from = UnsafeMutableRawPointer(input.base).assumingMemoryBound(to: fftwf_complex.self)
    guard let plan = fftwf_plan_dft_c2r_1d(Int32(size), from, output.base, flag) else { exit(71) }
    input.fill(0)
    return best(of: 5) { fftwf_execute(plan) }
}

/// One direct sum over as many pairs as the demo's table has: what the check of a result does for each candidate.
func directSumTime() -> Double {
    let count = 123_874
    let lags = (0..<count).map { Double($0) * 4.2 }
    let drifts = lags.map { $0 * 1e7 }
    let weights = [Float](repeating: 0.25, count: count)
    var power = 0.0
    let seconds = best(of: 20) {
        power += CosineSum.value(lags: lags, drifts: drifts, weights: weights, stretch: -1e-17, frequency: 205.5)
    }
    return power.isFinite ? seconds : .nan
}

guard CommandLine.arguments.count >= 2, let table = photonTable(CommandLine.arguments[1]) else {
    print("usage: kernel-bench PHOTONS.csv [--measure-c2r]")
    exit(64)
}
let geometry = BandGeometry(lagWindow: 524_288, bandWidth: 8, oversampling: 1.1)!
let times = try kernelTimes(table, ratios: 24)
let fftw = fftwTime(geometry)
let estimated = c2rTime(millrace_fftw_estimate)
print("answer: \(times.answer.0) Hz at \(times.answer.1) sigma")
print("one ratio of one band, spreading, transform and scan: \(milliseconds(times.step))")
print("mean over a unit of 24 ratios, exact sums included:   \(milliseconds(times.unit / 24))")
print("direct sum over the pairs, one candidate:             \(milliseconds(directSumTime()))")
print("inside FFTW: \(milliseconds(fftw)), \(Int((100 * fftw / times.step).rounded())) % of it")
print("FFTW's own c2r of 2^23, ESTIMATE: \(milliseconds(estimated)), \(estimated / times.step) times the whole step")
if CommandLine.arguments.contains("--measure-c2r") {
    let measured = c2rTime(millrace_fftw_measure)
    print("FFTW's own c2r of 2^23, MEASURE:  \(milliseconds(measured)), \(measured / times.step) times the whole step")
}
