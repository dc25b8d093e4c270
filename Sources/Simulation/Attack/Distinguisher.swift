import Domain
import Engine
import Storage
import Wire

/// How well a host can tell, when it is given a task, whether another has computed it before.
public struct DistinguisherReport: Codable, Hashable, Sendable {
    /// Areas under the curve on tasks that were not learnt from: 0.5 is a coin, 1 is certainty.
    public var byFeature: [String: Double]
    /// Logistic regression over all features, and over those that are not numbers of the task or its unit.
    public var regression: Double
    public var regressionWithoutNumbers: Double
    public var checks: Int
    public var ordinary: Int

    var text: String {
        let features = byFeature.sorted { $0.value == $1.value ? $0.key < $1.key : $0.value > $1.value }
            .map { "\($0.key) \(Self.short($0.value))" }
        return "telling \(checks) checks from \(ordinary) ordinary tasks, AUC: regression \(Self.short(regression)), "
            + "without task numbers \(Self.short(regressionWithoutNumbers)); " + features.joined(separator: ", ")
    }

    static func short(_ value: Double) -> String { "\(Double(Int((value * 1000).rounded())) / 1000)" }
}

/// Collects what hosts see in a long run of honest hosts, and learns from half of it.
enum Distinguisher {
    static let features = [
        "unit bytes", "flops", "deadline span", "estimated seconds", "place in the reply", "tasks in the reply",
        "ordinal in the task's number", "unit's number below the highest seen",
    ]
    /// Places of those features that are numbers of task or unit.
    private static let numbers: Set<Int> = [6, 7]

    struct Sample {
        var features: [Double]
        var isCheck: Bool
    }

    static func run(rule: AdaptiveRule, units: Int, seeds: ClosedRange<UInt64>) throws -> DistinguisherReport {
        let fixture = try AttackFixture(rule: rule, units: units, acceptance: .adaptive(rule))
        var samples: [Sample] = []
        for seed in seeds { samples += try collect(fixture, seed: seed) }
        return report(samples)
    }

    /// - Returns: what hosts saw of their tasks once they were proven.
    private static func collect(_ fixture: AttackFixture, seed: UInt64) throws -> [Sample] {
        let site = try AttackSite(fixture, seed: seed)
        var hosts = try (0..<5).map { try site.register($0) }
        var highest = [Int64](repeating: 0, count: hosts.count)
        var draws = Draws(seed: seed, purpose: 0xD1)
        var samples: [Sample] = []
        for _ in 0..<20 * fixture.units where try site.isRunning() {
            let at = draws.index(below: hosts.count)
            let says = hosts[at].held.map { offer in
                let task = site.task(offer)
                return (task, site.truth(task.unit))
            }
            let hasFirst = try site.store.transaction { tx in
                try tx.counts(of: site.batch).ready > 2 * Int64(hosts.count)
            }
            try site.call(&hosts[at], says: says, want: 3)
            try site.work()
            let isProven = try hosts.allSatisfy { host in
                let record = try site.store.transaction { tx in
                    try tx.trust(of: host.id, app: AttackFixture.app)
                }
                return Trust.isProven(record, fixture.rule, now: site.now)
            }
            for (place, offer) in hosts[at].held.enumerated() {
                let task = site.task(offer)
                let isCheck = try site.store.transaction { tx in
                    try tx.workUnit(task.unit)?.tasks.contains { $0.state.report != nil } ?? false
                }
                let values: [Double] = [
                    Double(offer.unitBytes), offer.flops,
                    Double(Int64(offer.deadlineMs) - site.now.milliseconds), offer.estimatedSeconds,
                    Double(place), Double(hosts[at].held.count), Double(offer.taskID & 63),
                    task.unit.index < highest[at] ? 1 : 0,
                ]
                highest[at] = max(highest[at], task.unit.index)
                // At the close of a batch, without first tasks, whatever is given is a check, as everybody knows.
                if isProven, hasFirst { samples.append(Sample(features: values, isCheck: isCheck)) }
            }
        }
        return samples
    }

    private static func report(_ samples: [Sample]) -> DistinguisherReport {
        let learnt = samples.enumerated().filter { $0.offset % 2 == 0 }.map(\.element)
        let tested = samples.enumerated().filter { $0.offset % 2 == 1 }.map(\.element)
        var byFeature: [String: Double] = [:]
        for (at, name) in features.enumerated() {
            // Which way it points is learnt, too.
            let up = area(learnt.map { ($0.features[at], $0.isCheck) }) >= 0.5
            byFeature[name] = area(tested.map { ((up ? 1 : -1) * $0.features[at], $0.isCheck) })
        }
        let all = Array(features.indices)
        return DistinguisherReport(
            byFeature: byFeature, regression: regression(learnt, tested, over: all),
            regressionWithoutNumbers: regression(learnt, tested, over: all.filter { !numbers.contains($0) }),
            checks: samples.filter(\.isCheck).count, ordinary: samples.filter { !$0.isCheck }.count)
    }

    /// The chance that a check scores above an ordinary task; ties count half (Mann and Whitney).
    static func area(_ scored: [(score: Double, isCheck: Bool)]) -> Double {
        let sorted = scored.sorted { $0.score < $1.score }
        var (ranks, checks, at) = (0.0, 0.0, 0)
        while at < sorted.count {
            var end = at
            while end < sorted.count, sorted[end].score == sorted[at].score { end += 1 }
            let rank = Double(at + end + 1) / 2
            for tied in sorted[at..<end] where tied.isCheck {
                ranks += rank
                checks += 1
            }
            at = end
        }
        let others = Double(sorted.count) - checks
        guard checks > 0, others > 0 else { return 0.5 }
        return (ranks - checks * (checks + 1) / 2) / (checks * others)
    }

    /// Logistic regression by gradient descent on features of mean 0 and deviation 1. The logistic function is the
    /// algebraic one, x / (1 + |x|), so that no library's rounding decides.
    private static func regression(_ learnt: [Sample], _ tested: [Sample], over chosen: [Int]) -> Double {
        let count = Double(max(learnt.count, 1))
        let means = chosen.map { at in learnt.reduce(0) { $0 + $1.features[at] } / count }
        let scales = chosen.enumerated().map { place, at in
            let squares = learnt.reduce(0.0) { sum, sample in
                let rest = sample.features[at] - means[place]
                return sum + rest * rest
            }
            return squares > 0 ? (squares / count).squareRoot() : 1
        }
        func scaled(_ sample: Sample) -> [Double] {
            chosen.enumerated().map { place, at in (sample.features[at] - means[place]) / scales[place] }
        }
        let rows = learnt.map { (x: scaled($0), y: $0.isCheck ? 1.0 : 0.0) }
        var weights = [Double](repeating: 0, count: chosen.count)
        var bias = 0.0
        for _ in 0..<200 {
            var slope = [Double](repeating: 0, count: chosen.count)
            var biasSlope = 0.0
            for row in rows {
                let z = zip(weights, row.x).reduce(bias) { $0 + $1.0 * $1.1 }
                let miss = 0.5 + 0.5 * z / (1 + z.magnitude) - row.y
                biasSlope += miss
                for at in slope.indices { slope[at] += miss * row.x[at] }
            }
            bias -= 0.5 * biasSlope / count
            for at in weights.indices { weights[at] -= 0.5 * slope[at] / count }
        }
        return area(
            tested.map { sample in (zip(weights, scaled(sample)).reduce(bias) { $0 + $1.0 * $1.1 }, sample.isCheck) })
    }
}
