import Domain

/// How many cores each project may use now: from the shares that the volunteer gave, from what was used lately, and
/// from what each has to do.
///
/// Long-run use follows the shares; no core stands idle while anybody has work that fits; a task in danger of its
/// deadline may borrow. The rule is that of fair queues: the next core goes to the project whose use, divided by its
/// share, is the lowest. Use is core-seconds, forgotten by half every `ShareRules.halfLifeSeconds`.
public struct ShareBook: Hashable, Sendable, Codable {
    /// What was used, by project.
    public private(set) var use: [String: Double] = [:]
    private var countedAt: Timestamp?
    /// Workers that computed at that time.
    private var computing: [String: Int] = [:]
    private var slicedAt: Timestamp?

    public init() {}

    /// Whether it could have been written by this program.
    public var isSound: Bool { use.values.allSatisfy { $0.isFinite && $0 >= 0 } }

    /// One project's share of the machine, and what it could do with it.
    public struct Claim: Hashable, Sendable {
        public var project: String
        /// Weight against the others, 0 or more; 0: only what nobody else has a use for.
        public var share: Double
        public var demand: ProjectDemand

        public init(project: String, share: Double = ShareRules.standardShare, demand: ProjectDemand) {
            self.project = project
            self.share = share.isFinite ? max(0, share) : 0
            self.demand = demand
        }
    }

    /// Takes in what was used since the last call, and divides the machine.
    ///
    /// - Parameter claims: of all projects, each once.
    /// - Parameter cores: that tasks of all projects together may use.
    /// - Parameter coresNow: of those, on which workers may compute at this moment; the rest stands still. nil: all.
    /// - Parameter memoryBytes: that tasks of all projects together may declare; nil: it is not known.
    /// - Parameter now: may be before the last call's: then no time has passed.
    /// - Returns: by project, for every claim.
    public mutating func divide(
        _ claims: [Claim], cores: Int, coresNow: Int? = nil, memoryBytes: Int64?, now: Timestamp
    ) -> [String: CoreGrant] {
        let claims = claims.sorted { $0.project < $1.project }
        count(claims, now)
        let isNewSlice = slicedAt.map { (now - $0).seconds >= ShareRules.sliceSeconds || now < $0 } ?? true
        if isNewSlice { slicedAt = now }
        var table = ShareTable(claims: claims, use: use, cores: cores, memoryBytes: memoryBytes)
        if !isNewSlice { table.keepEndangered() }
        table.lendToEndangered()
        if !isNewSlice { table.keepRunning() }
        table.fill()
        return table.grants(coresNow: coresNow ?? cores)
    }

    /// Adds what was used, and forgets. A project that is new begins where the one that was served least stands, since
    /// it must not have the machine for itself until it has caught up with years.
    private mutating func count(_ claims: [Claim], _ now: Timestamp) {
        let seconds = countedAt.map { max(0, (now - $0).seconds) } ?? 0
        countedAt = now
        let names = Set(claims.map(\.project))
        // What has left is forgotten with the next half-life or two; its number is kept while it says something.
        use = use.filter { names.contains($0.key) || $0.value > 1 }
        for name in use.keys { use[name]! *= ShareRules.kept(after: seconds) }
        // A machine that slept, or a client that was away, has not computed meanwhile.
        let worked = min(seconds, ShareRules.gapSeconds)
        for (name, cores) in computing where use[name] != nil { use[name]! += Double(cores) * worked }
        computing = Dictionary(uniqueKeysWithValues: claims.map { ($0.project, $0.demand.computing) })
        let known = claims.filter { $0.share > 0 && use[$0.project] != nil }
        let level = known.map { use[$0.project]! / $0.share }.min() ?? 0
        for claim in claims where use[claim.project] == nil { use[claim.project] = level * claim.share }
    }
}

/// The figures of `ShareBook`.
public enum ShareRules {
    /// The share of a project that the volunteer said nothing about.
    public static let standardShare = 100.0
    /// A week without work is worth less than a day's catching up then.
    public static let halfLifeSeconds = 86_400.0
    /// Running tasks are left alone for so long, whoever is due: a change costs a checkpoint and a start.
    public static let sliceSeconds = 3600.0
    /// Endangered tasks may take their project this far above its share, in seconds for each of the machine's cores.
    /// Without a bound, one project with short deadlines could have the machine for ever.
    public static let borrowSeconds = 2 * 3600.0

    /// Calls are never further apart while anything computes.
    static let gapSeconds = 30.0

    /// What is left of a count after so many seconds.
    static func kept(after seconds: Double) -> Double {
        // 2^x by halves and a power series, since this module has no mathematics library.
        let halves = min(seconds / halfLifeSeconds, 1000)
        let whole = halves.rounded(.down)
        let x = -(halves - whole) * 0.693_147_180_559_945_3
        var (sum, term) = (1.0, 1.0)
        for power in 1...12 {
            term *= x / Double(power)
            sum += term
        }
        for _ in 0..<Int(whole) { sum /= 2 }
        return sum
    }
}

/// What a project could compute now.
public struct ProjectDemand: Hashable, Sendable {
    /// A task that runs or could start.
    public struct Need: Hashable, Sendable {
        public var memoryBytes: Int64
        /// It misses its deadline unless it is computed without a pause from now on.
        public var isEndangered: Bool
        /// Its worker lives and was not asked to leave.
        public var isRunning: Bool

        public init(memoryBytes: Int64 = 0, isEndangered: Bool = false, isRunning: Bool = false) {
            self.memoryBytes = memoryBytes
            self.isEndangered = isEndangered
            self.isRunning = isRunning
        }
    }

    /// In the order in which the project would compute them: endangered ones first, and those that run before others.
    public var needs: [Need]
    /// Workers that live, those included that were asked to leave or stand still.
    public var running: Int
    /// Workers that were not asked to leave.
    public var staying: Int
    /// Workers that compute at this moment.
    public var computing: Int
    /// Bytes that living workers' tasks declare.
    public var runningMemoryBytes: Int64
    /// Whether it holds tasks that are to be computed, even if none could start now.
    public var isHolding: Bool
    /// Whether its server is there and may have more for it.
    public var mayHaveMore: Bool
    /// What its largest worker takes that could leave the memory, in bytes; nil: there is none.
    public var largestWorkerBytes: Int64?
    /// One of its workers leaves the memory since that is short, or has left it a moment ago.
    public var isReleasingMemory = false

    public init(
        needs: [Need], running: Int = 0, staying: Int? = nil, computing: Int? = nil, runningMemoryBytes: Int64 = 0,
        isHolding: Bool? = nil, mayHaveMore: Bool = true
    ) {
        self.needs = needs
        self.running = running
        self.staying = staying ?? running
        self.computing = computing ?? running
        self.runningMemoryBytes = runningMemoryBytes
        self.isHolding = isHolding ?? !needs.isEmpty
        self.mayHaveMore = mayHaveMore
    }
}

/// What a project may use of the machine now.
public struct CoreGrant: Hashable, Sendable {
    /// Workers at once.
    public var cores: Int
    /// Cores for which it holds work: its share of those who have some, or may get some.
    public var bufferCores: Double
    /// Cores that the tasks which it holds may count on: its share of those who have some.
    public var heldCores: Double
    /// Bytes that the tasks of other projects declare.
    public var othersMemoryBytes: Int64
    /// There are others: a core whose worker has ended goes back, to be divided anew.
    public var isShared: Bool
    /// Workers that may compute now; the others stand still, since the machine's user has come back to it. nil: all.
    public var computing: Int?
    /// Whether one of its workers is the next to leave when memory is short: one at a time of all projects.
    public var mayReleaseMemory = true

    /// - Parameter heldCores: nil: the same as `bufferCores`.
    public init(
        cores: Int, bufferCores: Double, heldCores: Double? = nil, othersMemoryBytes: Int64 = 0,
        isShared: Bool = false, computing: Int? = nil
    ) {
        self.heldCores = heldCores ?? bufferCores
        self.computing = computing
        self.isShared = isShared
        self.cores = cores
        self.bufferCores = bufferCores
        self.othersMemoryBytes = othersMemoryBytes
    }

    /// The whole machine, for who is alone on it.
    public static func all(cores: Int) -> CoreGrant { CoreGrant(cores: cores, bufferCores: Double(cores)) }
}
