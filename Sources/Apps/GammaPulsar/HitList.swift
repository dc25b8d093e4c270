/// The strongest hits of a unit so far, one to a cluster, strongest first.
struct HitList: Hashable, Sendable {
    private(set) var items: [PeakHit] = []
    let limit: Int
    /// Hz.
    let clusterWidth: Double

    init(limit: Int, clusterWidth: Double, items: [PeakHit] = []) {
        self.limit = limit
        self.clusterWidth = clusterWidth
        self.items = items
    }

    /// Interpolated strengths are good to 5 %; measured on noise, one in a thousand is more than 10 % too low.
    static let accuracy = 0.92

    /// The least strength with which a hit can still matter when `wanted` candidates are asked for.
    func threshold(wanted: Int) -> Double {
        guard items.count >= wanted else { return HitList.lowestThreshold }
        return max(HitList.lowestThreshold, 0.88 * HitList.accuracy * items[wanted - 1].strength)
    }

    /// A peak of `Candidate.floorSigma` shows at least this in the scan: 12 % may be lost between the points.
    static let lowestThreshold = 0.88 * Candidate.floorSigma

    mutating func add(_ more: [PeakHit]) {
        var all = items + more
        all.sort(by: HitList.precedes)
        // Cells of cluster width: a hit is near an earlier one only if that lies in its own or a neighbouring cell.
        var cells: [Int64: [Double]] = [:]
        var kept: [PeakHit] = []
        for hit in all {
            let cell = Int64((hit.frequency / clusterWidth).rounded(.down))
            let isNear = (cell - 1...cell + 1).contains { key in
                cells[key]?.contains { abs($0 - hit.frequency) < clusterWidth } ?? false
            }
            if isNear { continue }
            cells[cell, default: []].append(hit.frequency)
            kept.append(hit)
            if kept.count == limit { break }
        }
        items = kept
    }

    private static func precedes(_ a: PeakHit, _ b: PeakHit) -> Bool {
        (b.strength, a.frequency, a.ratio) < (a.strength, b.frequency, b.ratio)
    }
}
