import Bytes
import Domain
import Foundation
import Plugins
import Testing

@Suite struct KernelTests {
    /// A search small enough to be done plainly: 2 Hz, lags to 1024 s, a strong pulsar with all its side lobes.
    private static let small: (table: PhotonTable, search: TestSearch) = {
        let base = PhotonTable.random(seed: 3, count: 600, span: 200_000)
        let injected = PulsarInjection(base, frequency: 21.3377, sigma: 30, window: 1024, seed: 4)
        let parameters: [String: ParameterValue] = [
            "frequency_min_hz": .real(20), "frequency_max_hz": .real(22), "band_width_hz": .real(2),
            "lag_window_s": .real(1024), "f1_over_f": .reals([0, -2e-9, -4e-9]), "candidates": .integer(6),
        ]
        return (injected.table, TestSearch(injected.table, parameters))
    }()

    @Test func candidatesAreTheTopsOfTheSpectrumAndNoneIsMissing() throws {
        let plain = PlainSearch(pairs: Self.small.table.pairs(within: 1024))
        let unit = try #require(try Self.small.search.drafts().first).payload
        let result = try Self.small.search.result(unit)
        let frequencies = result.reals("candidates.frequency")
        let ratios = result.reals("candidates.ratio")
        let powers = result.reals("candidates.power")
        #expect(!frequencies.isEmpty)
        for index in frequencies.indices {
            let exact = plain.power(frequencies[index], ratio: ratios[index])
            #expect(abs(exact - powers[index]) < 1e-5 * plain.noise + 1e-6 * exact)
            #expect(abs(result.reals("candidates.sigma")[index] * plain.noise - powers[index]) < 1e-4 * plain.noise)
        }
        #expect(abs(frequencies[0] - 21.3377) < 1e-4)
        // Every peak of a plain scan, four times as fine as the grid, is in the list or below its last entry.
        let step = 1 / (8 * 1024.0)
        let bar = frequencies.count == 6 ? (powers.last ?? 0) * 1.001 : 4.76 * plain.noise
        let scan = stride(from: 20.06, to: 21.94, by: step).map { ($0, plain.power($0)) }
        for (frequency, power) in scan where power > bar {
            #expect(frequencies.contains { abs($0 - frequency) < 9 * 4 * step }, "\(frequency) Hz is missing")
        }
    }

    @Test func theSumsAreTheSumsOfThePlainSpectrum() throws {
        let plain = PlainSearch(pairs: Self.small.table.pairs(within: 1024))
        let unit = try #require(try Self.small.search.drafts().first).payload
        let result = try Self.small.search.result(unit)
        let counts = try #require(result["grid.count"].flatMap { LittleEndian.int64s(from: $0.bytes) })
        // The mean of the squares of noise is one; a pulsar of 30 sigma adds some hundreds over all its side lobes.
        let count = Double(counts[0])
        #expect(count > 3000 && count <= 4096)
        let step = 1 / 2048.0
        let grid = stride(from: 20.05, to: 21.95, by: step).map { plain.power($0) / plain.noise }
        let mean = result.reals("grid.sum_of_squares")[0] / count
        let expected = grid.reduce(0) { $0 + $1 * $1 } / Double(grid.count)
        #expect(abs(mean / expected - 1) < 0.1)
    }

    @Test func aCheckpointAtEveryStepChangesNothing() throws {
        let unit = try #require(try Self.small.search.drafts().first).payload
        let expected = try Self.small.search.result(unit)
        var kernel = try Self.small.search.kernel(unit)
        var steps = 0
        var last = 0.0
        while case .more(let fraction) = try kernel.advance(budgetSeconds: 0) {
            #expect(fraction >= last && fraction < 1)
            last = fraction
            let saved = kernel.checkpoint()
            kernel = try Self.small.search.kernel(unit)
            try kernel.restore(from: saved)
            steps += 1
        }
        #expect(steps > 3)
        #expect(try kernel.result() == expected)
    }

    @Test func aDamagedCheckpointIsRefusedAndHarmsNothing() throws {
        let unit = try #require(try Self.small.search.drafts().first).payload
        var kernel = try Self.small.search.kernel(unit)
        _ = try kernel.advance(budgetSeconds: 0)
        let saved = kernel.checkpoint()
        for cut in [0, 3, saved.count / 2, saved.count - 1] {
            #expect(throws: AppError.self) { try kernel.restore(from: Array(saved[..<cut])) }
        }
        #expect(throws: AppError.self) { try kernel.restore(from: saved + [0]) }
        #expect(kernel.checkpoint() == saved)
    }

    @Test func sectionsThatAreNotAUnitAreRefused() throws {
        let unit = try #require(try Self.small.search.drafts().first).payload
        for index in unit.sections.indices {
            var short = unit
            short.sections[index].bytes.removeLast()
            #expect(throws: AppError.self) { try Self.small.search.kernel(short) }
            var gone = unit
            gone.sections.remove(at: index)
            #expect(throws: AppError.self) { try Self.small.search.kernel(gone) }
        }
        let infinite = unit.changing("search") { $0[0] = .infinity }
        #expect(throws: AppError.self) { try Self.small.search.kernel(infinite) }
        let huge = unit.changing("search") { $0[3] = 1e15 }
        #expect(throws: AppError.self) { try Self.small.search.kernel(huge) }
    }

    @Test func askingTooEarlyForTheResultIsAnError() throws {
        let unit = try #require(try Self.small.search.drafts().first).payload
        #expect(throws: AppError.self) { try Self.small.search.kernel(unit).result() }
    }

    /// A folder that cannot be used is no reason not to compute.
    @Test func wisdomIsKeptInTheCacheAndItsLossIsHarmless() throws {
        let unit = try #require(try Self.small.search.drafts().first).payload
        let folder = FileManager.default.temporaryDirectory.appending(path: "wisdom-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        func run(_ path: String) throws -> Payload {
            var kernel = try Self.small.search.app.kernel!.init(
                unit: unit, inputs: Self.small.search.context.inputs, environment: KernelEnvironment(cachePath: path))
            while try kernel.advance(budgetSeconds: 10) != .done {}
            return try kernel.result()
        }
        let first = try run(folder.path)
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        #expect(files.count == 1)
        try Data("no wisdom".utf8).write(to: folder.appending(path: try #require(files.first)))
        let second = try run(folder.path)
        let third = try run("/proc/nowhere")
        let validator = Self.small.search.app.validator
        for other in [second, third] {
            #expect(validator.compare(first, other, unit: unit, context: Self.small.search.context) == .same)
        }
    }
}
