import Domain
import Plugins

/// The photon table, in order of time.
struct Photons: Hashable, Sendable {
    var times: [Double]
    var weights: [Double]

    static let countMax = 2_000_000

    /// How many wrong values are listed.
    static let faultsMax = 20

    /// - Throws: `.badInput` with the rows (counted from 1, without the header) that are wrong, see `AppError.joined`.
    init(_ inputs: InputSet) throws(AppError) {
        guard case .table(let table)? = inputs["photons"] else {
            throw .badInput("photons: expected a table with columns time_s and weight")
        }
        guard let times = table["time_s"] else { throw .badInput("photons: no column time_s") }
        guard let weights = table["weight"] else { throw .badInput("photons: no column weight") }
        guard times.count >= 2, times.count <= Photons.countMax else {
            throw .badInput("photons: \(times.count) rows; expected: 2 to \(Photons.countMax)")
        }
        if let error = AppError.joined(Photons.faults(times, weights)) { throw error }
        let order = times.indices.sorted { (times[$0], $0) < (times[$1], $1) }
        self.times = order.map { times[$0] }
        self.weights = order.map { weights[$0] }
    }

    private static func faults(_ times: [Double], _ weights: [Double]) -> [AppError] {
        var faults: [AppError] = []
        var count = 0
        func note(_ row: Int, _ what: String, _ expected: String) {
            count += 1
            guard count <= faultsMax else { return }
            faults.append(.badInput("photons: row \(row + 1): \(what); expected: \(expected)"))
        }
        for row in times.indices {
            if !(times[row].isFinite && abs(times[row]) <= 1e11) {
                note(row, "time_s \(times[row]) is not a time", "seconds, -1e11 to 1e11")
            }
            if !(weights[row] >= 0 && weights[row] <= 1) {
                note(row, "weight \(weights[row]) is not a probability", "0 to 1")
            }
        }
        if count > faultsMax {
            faults.append(.badInput("photons: \(count) values are wrong; the first \(faultsMax) are shown"))
        }
        return faults
    }

    /// The mean arrival time: the epoch to which frequencies and derivatives refer.
    var meanTime: Double { times.reduce(0, +) / Double(times.count) }

    /// Index of the first photon after `index` that is farther than `window` seconds away, for each photon.
    func ends(within window: Double) -> [Int] {
        var ends = [Int](repeating: 0, count: times.count)
        var end = 0
        for index in times.indices {
            end = max(end, index + 1)
            while end < times.count && times[end] - times[index] < window { end += 1 }
            ends[index] = end
        }
        return ends
    }
}

/// Every pair of photons closer than the lag window, as arrays: what the search sums over.
struct PhotonPairs: Hashable, Sendable {
    /// Seconds between the two photons.
    var lags: [Double]
    /// The lag times the pair's mean time after the reference time: a ratio r = f1/f stretches the lag by r times it.
    var drifts: [Double]
    /// Product of the two weights.
    var weights: [Float]

    /// See `meanSquare`; in units of power.
    private var squareSum = 0.0

    static let countMax = 8_000_000

    /// - Throws: `.badInput` when the table and the lag window make no pair, or too many.
    init(_ photons: Photons, lagWindow: Double, referenceTime: Double) throws(AppError) {
        let ends = photons.ends(within: lagWindow)
        let count = ends.indices.reduce(0) { $0 + ends[$1] - $1 - 1 }
        guard count > 0 else { throw .badInput("photons: no two of them lie within lag_window_s") }
        guard count <= PhotonPairs.countMax else { throw PhotonPairs.tooMany(count) }
        lags = []
        drifts = []
        weights = []
        lags.reserveCapacity(count)
        drifts.reserveCapacity(count)
        weights.reserveCapacity(count)
        for first in ends.indices {
            let time = photons.times[first]
            let weight = photons.weights[first]
            for second in (first + 1)..<ends[first] {
                let lag = photons.times[second] - time
                lags.append(lag)
                drifts.append(lag * (0.5 * (photons.times[second] + time) - referenceTime))
                weights.append(Float(weight * photons.weights[second]))
            }
        }
        guard weights.contains(where: { $0 > 0 }) else { throw PhotonPairs.noWeight }
        squareSum = PhotonPairs.squareSum(photons, lagWindow: lagWindow)
    }

    /// The mean of squared powers in noise, in units of the noise. 1, but for photons that came at the same time, as in
    /// a table merged from overlapping files: they act as one photon of their summed weight, whose pairs weigh more,
    /// and their lag of zero is in step at every frequency.
    var meanSquare: Double { squareSum / (noise * noise) }

    private static func squareSum(_ photons: Photons, lagWindow: Double) -> Double {
        var times: [Double] = []
        var sums: [Double] = []
        var constant = 0.0
        for (time, weight) in zip(photons.times, photons.weights) {
            if let last = times.last, last == time {
                constant += sums[sums.count - 1] * weight
                sums[sums.count - 1] += weight
            } else {
                times.append(time)
                sums.append(weight)
            }
        }
        var total = 0.0
        var within = 0.0
        var end = 0
        for first in times.indices {
            while end < times.count, times[end] - times[first] < lagWindow {
                within += sums[end] * sums[end]
                end += 1
            }
            within -= sums[first] * sums[first]
            total += sums[first] * sums[first] * max(0, within)
        }
        return total / 2 + constant * constant
    }

    /// How many pairs there are, without making them.
    /// - Throws: what `init` would.
    static func count(_ photons: Photons, lagWindow: Double) throws(AppError) -> Int {
        let ends = photons.ends(within: lagWindow)
        let count = ends.indices.reduce(0) { $0 + ends[$1] - $1 - 1 }
        guard count > 0 else { throw .badInput("photons: no two of them lie within lag_window_s") }
        guard count <= countMax else { throw tooMany(count) }
        for first in ends.indices {
            for second in (first + 1)..<ends[first] where Float(photons.weights[first] * photons.weights[second]) > 0 {
                return count
            }
        }
        throw noWeight
    }

    private static func tooMany(_ count: Int) -> AppError {
        .badInput("photons: \(count) pairs within lag_window_s, at most \(countMax)")
    }

    private static var noWeight: AppError {
        .badInput("photons: no pair within lag_window_s has a weight above zero in single precision")
    }

    /// The standard deviation of a power when there is no pulsar: sqrt(ΣW²/2).
    var noise: Double {
        (weights.reduce(0.0) { $0 + Double($1) * Double($1) } / 2).squareRoot()
    }

    /// The lags with the time axis stretched for a ratio, none beyond `period`.
    func stretchedLags(_ ratio: Double, period: Double, into out: inout [Double]) {
        for index in lags.indices {
            out[index] = max(0, min(period, lags[index] + ratio * drifts[index]))
        }
    }
}
