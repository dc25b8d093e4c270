import Bytes
import Compute
import Foundation
import Testing

/// A set of random lags with the plain sum over them, in double precision and without any of Compute's tricks.
private struct Sample {
    var lags: [Double] = []
    var weights: [Float] = []

    init(seed: UInt64, count: Int, period: Double) {
        var draw = SeededGenerator(seed: seed)
        for _ in 0..<count {
            lags.append(Double.random(in: 0...period, using: &draw))
            weights.append(Float.random(in: 0...1, using: &draw))
        }
    }

    func power(_ frequency: Double) -> Double {
        zip(lags, weights).reduce(0) {
            $0 + Double($1.1) * cos(2 * .pi * (frequency * $1.0).truncatingRemainder(dividingBy: 1))
        }
    }

    var noise: Double { (weights.reduce(0.0) { $0 + Double($1) * Double($1) } / 2).squareRoot() }
}

@Suite struct BandTransformTests {
    /// Every frequency of the band is compared, margins and wrap-around rows included.
    @Test(arguments: [(1024.0, 0.5), (1024, 2), (3000, 1), (4096, 4), (1999.5, 3.3)])
    func agreesWithTheNaiveSumOnTheFinerGrid(_ lagWindow: Double, _ bandWidth: Double) throws {
        let geometry = try #require(BandGeometry(lagWindow: lagWindow, bandWidth: bandWidth, oversampling: 1.1))
        #expect(geometry.period >= lagWindow)
        #expect(geometry.oversampling >= 1.1)
        let sample = Sample(seed: 5, count: 150, period: geometry.period)
        let centre = 37.25
        var transform = try present(BandTransform(geometry: geometry, effort: .estimate))
        let kernel = transform.kernel
        var seen = Set<Int>()
        var squares = 0.0
        var compared = 0
        transform.run(lags: sample.lags, weights: sample.weights, centre: centre) { group in
            for index in 0..<group.count {
                for lane in 0..<geometry.columns {
                    for odd in 0..<2 {
                        let offset = geometry.offset(row: group.first + index, lane: lane, odd: odd)
                        guard abs(offset) <= bandWidth / 2 else { continue }
                        seen.insert(Int((offset / geometry.spacing).rounded()))
                        guard (lane * 7 + index + odd) % 5 == 0 else { continue }
                        let gain = kernel.transform(offset * geometry.cellSeconds)
                        let error = Double(group[index][2 * lane + odd]) / gain - sample.power(centre + offset)
                        squares += error * error
                        compared += 1
                    }
                }
            }
        }
        #expect(seen.count >= Int(bandWidth / geometry.spacing) - 1, "every frequency of the band comes out once")
        #expect(compared > 100)
        #expect((squares / Double(compared)).squareRoot() < 0.006 * sample.noise)
    }

    /// The rows of the margins are the neighbours in frequency, past the last row too.
    @Test func neighboursInTheMarginsAreNeighboursInFrequency() throws {
        let geometry = try #require(BandGeometry(lagWindow: 1024, bandWidth: 1, oversampling: 1.1))
        let sample = Sample(seed: 6, count: 80, period: geometry.period)
        var transform = try present(BandTransform(geometry: geometry, effort: .estimate))
        let kernel = transform.kernel
        var worst = 0.0
        transform.run(lags: sample.lags, weights: sample.weights, centre: 5) { group in
            for index in -BandTransform.margin..<(group.count + BandTransform.margin) {
                let offset = geometry.offset(row: group.first + index, lane: 2, odd: 1)
                let gain = kernel.transform(offset * geometry.cellSeconds)
                let error = Double(group[index][5]) / gain - sample.power(5 + offset)
                worst = max(worst, abs(error) / sample.noise)
            }
        }
        #expect(worst < 0.02)
    }

    @Test func aSecondRunForgetsTheFirst() throws {
        let geometry = try #require(BandGeometry(lagWindow: 1024, bandWidth: 1, oversampling: 1.1))
        let one = Sample(seed: 1, count: 60, period: geometry.period)
        let two = Sample(seed: 2, count: 75, period: geometry.period)
        func values(_ samples: [Sample]) throws -> [Float] {
            var transform = try present(BandTransform(geometry: geometry, effort: .estimate))
            var out: [Float] = []
            for sample in samples {
                out = []
                transform.run(lags: sample.lags, weights: sample.weights, centre: 9) { group in
                    for index in 0..<group.count { out += (0..<32).map { group[index][$0] } }
                }
            }
            return out
        }
        #expect(try values([one, two]) == values([two]))
    }

    @Test func geometryRefusesWhatNoMachineShouldTry() {
        #expect(BandGeometry(lagWindow: 10, bandWidth: 1, oversampling: 1.1) == nil)
        #expect(BandGeometry(lagWindow: 1e9, bandWidth: 8, oversampling: 1.1) == nil)
    }
}

@Suite struct CosineSumTests {
    @Test(arguments: [1, 3, 4, 5, 127, 1000])
    func agreesWithThePlainSumAndItsDifferences(_ count: Int) {
        let sample = Sample(seed: UInt64(count), count: count, period: 5000)
        let drifts = sample.lags.map { $0 * 1e6 }
        let stretch = 3e-10
        let stretched = zip(sample.lags, drifts).map { $0 + stretch * $1 }
        let f = 201.7
        let sum = CosineSum(
            lags: sample.lags, drifts: drifts, weights: sample.weights, stretch: stretch, frequency: f)
        func plain(_ f: Double) -> Double {
            zip(stretched, sample.weights).reduce(0) {
                $0 + Double($1.1) * cos(2 * .pi * ($1.0 * f - ($1.0 * f).rounded()))
            }
        }
        let scale = Double(count).squareRoot()
        #expect(abs(sum.value - plain(f)) < 1e-6 * scale)
        let step = 1e-7
        #expect(abs(sum.slope - (plain(f + step) - plain(f - step)) / (2 * step)) < 0.3 * scale)
        let bend = (plain(f + 1e-6) - 2 * plain(f) + plain(f - 1e-6)) / 1e-12
        #expect(abs(sum.curvature - bend) < 2e4 * scale)
        let value = CosineSum.value(
            lags: sample.lags, drifts: drifts, weights: sample.weights, stretch: stretch, frequency: f)
        #expect(value == sum.value)
    }
}
