import Bytes
import Foundation

/// A table with a pulsar of a chosen strength.
///
/// Some photons move by less than half a period onto the pulse. How many, is found by bisection, so that the direct sum
/// over pairs at the chosen frequency is the wanted number of sigmas.
struct PulsarInjection {
    let table: PhotonTable
    let frequency: Double
    let sigma: Double

    init(_ base: PhotonTable, frequency: Double, sigma: Double, window: Double, seed: UInt64) {
        var draw = SeededGenerator(seed: seed)
        let chances = base.times.map { _ in Double.random(in: 0..<1, using: &draw) }
        let scatter = base.times.map { _ in Double.random(in: -0.08..<0.08, using: &draw) }
        let reference = base.meanTime
        func made(_ fraction: Double) -> PhotonTable {
            var out = base
            for index in base.times.indices where chances[index] < fraction {
                let turns = (base.times[index] - reference) * frequency
                let away = turns - turns.rounded() - scatter[index]
                out.times[index] -= away / frequency
            }
            return out
        }
        func strength(_ table: PhotonTable) -> Double {
            let plain = PlainSearch(pairs: table.pairs(within: window))
            return plain.power(frequency) / plain.noise
        }
        var low = 0.0
        var high = 1.0
        for _ in 0..<9 {
            let middle = 0.5 * (low + high)
            if strength(made(middle)) < sigma { low = middle } else { high = middle }
        }
        table = made(high)
        self.frequency = frequency
        self.sigma = strength(table)
    }
}
