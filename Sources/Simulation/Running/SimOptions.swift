import Domain

/// Everything that a run is determined by, beside its seed.
public struct SimOptions: Hashable, Sendable {
    /// Hosts of each kind, in the order of `PopulationKind.allCases`.
    public internal(set) var counts = [Int](repeating: 0, count: PopulationKind.allCases.count)
    public var faults: Set<ChaosKind> = Set(ChaosKind.allCases)
    /// Work units of the batch.
    public var units = 10
    public var quorum = 2
    public var maxTotal = 8
    /// Share of the results of proven hosts that is checked, in thousandths; 0: every unit needs its quorum.
    public var checkRate = 0
    /// Results that must follow before one is final, where `checkRate` is not 0.
    public var window = 10
    public var maxErrors = 10
    /// Seconds from sending a task to its report.
    public var deadline = 3600
    /// Seconds that a unit takes on a core of nominal speed.
    public var unitSeconds = 240
    /// Bytes that results have; above 64 KiB they are uploaded.
    public var resultBytes = 64
    /// Single results are checked before they are compared.
    public var checkEach = true
    /// Seconds of the first phase, with faults.
    public var faultSeconds = 3600
    /// Seconds after the first phase within which every unit must have ended; 0: as `boundSeconds` computes.
    public var bound = 0
    /// Requests are signed and the signatures checked, every second call is a short one, state files are written as
    /// JSON and read back.
    public var isThorough = false
    public var plant: Plant?
    /// Stop after so many events; nil: at the end.
    public var lastStep: Int?

    public subscript(kind: PopulationKind) -> Int {
        get { counts[kind.place] }
        set { counts[kind.place] = max(0, newValue) }
    }

    /// A mixed population: every kind has its host, and the honest are enough for every unit to end.
    public init() {
        for kind in PopulationKind.allCases { self[kind] = 1 }
        self[.honest] = 6
        self[.clique] = 2
        self[.sybil] = 2
    }

    var acceptance: AcceptanceRule {
        checkRate == 0
            ? .quorum : .adaptive(AdaptiveRule(checkRate: Double(checkRate) / 1000, window: window))
    }

    public var hosts: Int { counts.reduce(0, +) }

    /// Whether hosts may agree on a wrong value, so that a wrong canonical result is no fault of the server.
    public var mayCollude: Bool {
        // Where single results may stand, one forger is enough.
        if checkRate > 0, PopulationKind.allCases.contains(where: { $0.forges && self[$0] > 0 }) { return true }
        let together = PopulationKind.allCases.filter(\.agreesOnForgeries).reduce(0) { $0 + self[$1] }
        return quorum < 2 || together >= 2
            || self[.copycat] > 0
                && PopulationKind.allCases.contains {
                    $0.forges && $0 != .copycat && self[$0] > 0
                }
    }

    /// Simulated seconds after the faults within which every unit must have ended.
    ///
    /// A unit has at most `maxTotal` tasks, one after the other in the worst case, each out for its deadline at most. A
    /// host with a bad record gets at least four tasks a day, so that the last volunteer of a unit comes within so many
    /// days. With fewer volunteers than tasks the server gives up after 30 days (`WorkUnitMachine.waitMax`).
    public var boundSeconds: Int {
        if bound > 0 { return bound }
        let serial = maxTotal * (deadline + 600) + 86_400
        let quota = (units * maxTotal / max(1, 4 * hosts) + 1) * 86_400
        return serial + quota + (hosts < maxTotal ? 40 * 86_400 : 0)
    }
}

extension PopulationKind {
    var place: Int { PopulationKind.allCases.firstIndex(of: self) ?? 0 }
}

/// Options as one line of text, `honest=6 lazyForger=1 units=10 faults=cut,store`: what is left out has its default,
/// and a kind of host that is not named is not there.
extension SimOptions {
    public var text: String {
        var words: [String] = []
        for kind in PopulationKind.allCases where self[kind] > 0 { words.append("\(kind.rawValue)=\(self[kind])") }
        let kept = ChaosKind.allCases.filter(faults.contains).map(\.rawValue)
        words.append("faults=" + (kept.isEmpty ? "none" : kept.joined(separator: ",")))
        for (name, path) in SimOptions.numbers { words.append("\(name)=\(self[keyPath: path])") }
        words.append("check=\(checkEach ? 1 : 0)")
        words.append("thorough=\(isThorough ? 1 : 0)")
        if let plant { words.append("plant=\(plant.rawValue)") }
        if let lastStep { words.append("last=\(lastStep)") }
        return words.joined(separator: " ")
    }

    private static var numbers: [(String, WritableKeyPath<SimOptions, Int>)] {
        [
            ("units", \.units), ("quorum", \.quorum), ("total", \.maxTotal), ("rate", \.checkRate),
            ("window", \.window), ("errors", \.maxErrors),
            ("deadline", \.deadline), ("seconds", \.unitSeconds), ("bytes", \.resultBytes),
            ("chaos", \.faultSeconds), ("bound", \.bound),
        ]
    }

    /// - Throws: `OptionError` with the word that says nothing.
    public init(text: String) throws(OptionError) {
        self.init()
        for kind in PopulationKind.allCases { self[kind] = 0 }
        for word in text.split(separator: " ") {
            let parts = word.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2 else { throw OptionError(word: String(word)) }
            try set(parts[0], parts[1])
        }
        guard hosts > 0, units > 0, quorum > 0, maxTotal >= quorum, maxTotal <= 32, quorum <= 16, maxErrors > 0,
            checkRate >= 0, checkRate <= 1000, window > 0, window <= 1000, checkRate == 0 || quorum > 1, deadline > 0,
            unitSeconds > 0, faultSeconds >= 0, resultBytes > 0, bound >= 0, hosts <= 10_000,
            units <= 100_000
        else { throw OptionError(word: text) }
    }

    private mutating func set(_ name: String, _ value: String) throws(OptionError) {
        if let kind = PopulationKind(rawValue: name), let count = Int(value), count >= 0 {
            self[kind] = count
        } else if let number = Int(value), let known = SimOptions.numbers.first(where: { $0.0 == name }) {
            self[keyPath: known.1] = number
        } else if name == "faults" {
            let names = value == "none" ? [] : value.split(separator: ",").map { ChaosKind(rawValue: String($0)) }
            guard !names.contains(nil) else { throw OptionError(word: value) }
            faults = Set(names.compactMap { $0 })
        } else if name == "check" || name == "thorough", value == "0" || value == "1" {
            if name == "check" { checkEach = value == "1" } else { isThorough = value == "1" }
        } else if name == "plant", let planted = Plant(rawValue: value) {
            plant = planted
        } else if name == "last", let last = Int(value), last > 0 {
            lastStep = last
        } else {
            throw OptionError(word: "\(name)=\(value)")
        }
    }
}

/// A word of an option text that says nothing.
public struct OptionError: Error, Hashable, Sendable {
    public var word: String
}
