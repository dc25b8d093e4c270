import Bytes
import ClientCore
import Domain
import Testing

@Suite("The machine divided among projects")
struct ShareBookTests {
    static let start = Timestamp(seconds: 1_800_000_000)

    static func claim(
        _ project: String, share: Double = 100, needs: Int, running: Int = 0, memory: Int64 = 0, endangered: Int = 0,
        more: Bool = true
    ) -> ShareBook.Claim {
        let needs = (0..<needs).map { ProjectDemand.Need(memoryBytes: memory, isEndangered: $0 < endangered) }
        return ShareBook.Claim(
            project: project, share: share,
            demand: ProjectDemand(
                needs: needs, running: running, runningMemoryBytes: Int64(running) * memory, mayHaveMore: more))
    }

    /// All lists of so many numbers of 0 ... `max`.
    static func tuples(_ count: Int, max: Int) -> [[Int]] {
        count == 0 ? [[]] : tuples(count - 1, max: max).flatMap { rest in (0...max).map { rest + [$0] } }
    }

    static func fault(
        _ claims: [ShareBook.Claim], _ grants: [String: CoreGrant], cores: Int
    ) -> String? {
        guard grants.count == claims.count else { return "a project was forgotten" }
        let rows = claims.map { (demand: $0.demand, grant: grants[$0.project]!) }
        if rows.contains(where: { $0.grant.cores < 0 || $0.grant.bufferCores < 0 }) { return "negative" }
        // Nobody starts a worker while that would make more workers than cores.
        let started = rows.map { max($0.demand.running, min($0.grant.cores, $0.demand.needs.count)) }
        let running = rows.reduce(0) { $0 + $1.demand.running }
        if started.reduce(0, +) > max(cores, running) { return "more workers than cores" }
        // A core is idle only when nobody has a use for it.
        let wanted = rows.reduce(0) { $0 + $1.demand.needs.count }
        if started.reduce(0, +) < min(cores, wanted) { return "an idle core beside a task" }
        return nil
    }

    @Test("Every small case: no core too many, none idle beside work")
    func exhaustive() {
        for cores in 1...3 {
            for needs in Self.tuples(3, max: 3) {
                for running in Self.tuples(3, max: 2)
                where running.reduce(0, +) <= cores && zip(running, needs).allSatisfy({ $0 <= $1 }) {
                    for shares in [[100, 100, 100], [300, 100, 0], [0, 0, 50]] {
                        var book = ShareBook()
                        let claims = (0..<3).map {
                            Self.claim("p\($0)", share: Double(shares[$0]), needs: needs[$0], running: running[$0])
                        }
                        for step in 0..<2 {
                            let grants = book.divide(
                                claims, cores: cores, memoryBytes: nil,
                                now: Self.start + TimeSpan(seconds: Double(step) * 4000))
                            let fault = Self.fault(claims, grants, cores: cores)
                            #expect(fault == nil, "\(cores) cores, \(needs), \(running), \(shares): \(fault ?? "")")
                        }
                    }
                }
            }
        }
    }

    @Test("Who is alone has everything, work or not")
    func alone() {
        var book = ShareBook()
        for needs in 0...5 {
            let grants = book.divide(
                [Self.claim("a", needs: needs)], cores: 4, memoryBytes: 100, now: Self.start)
            #expect(grants["a"] == .all(cores: 4))
        }
    }

    @Test("Without shares that count, what is there is taken by those that ask nothing for themselves")
    func zeroShares() {
        var book = ShareBook()
        let backup = Self.claim("backup", share: 0, needs: 4)
        let both = book.divide(
            [backup, Self.claim("main", needs: 3)], cores: 4, memoryBytes: nil, now: Self.start)
        #expect(both["main"]?.cores == 3)
        #expect(both["backup"]?.cores == 1)
        #expect(both["backup"]?.bufferCores == 0)
        let gone = book.divide(
            [backup, Self.claim("main", needs: 0, more: false)], cores: 4, memoryBytes: nil, now: Self.start)
        #expect(gone["backup"]?.cores == 4)
        #expect(gone["backup"]?.bufferCores == 4)
    }

    @Test("The buffer is shared by those who have work, or may get some")
    func buffer() {
        var book = ShareBook()
        let grants = book.divide(
            [
                Self.claim("a", share: 300, needs: 0), Self.claim("b", share: 100, needs: 1, more: false),
                Self.claim("c", share: 400, needs: 0, more: false),
            ], cores: 8, memoryBytes: nil, now: Self.start)
        #expect(grants["a"]?.bufferCores == 6)
        #expect(grants["b"]?.bufferCores == 2)
        // What it would hold if it had something again.
        #expect(grants["c"]?.bufferCores == 4)
    }

    @Test("An endangered task takes a core at once from who is not in a hurry; a newcomer waits for its turn")
    func endangered() {
        var book = ShareBook()
        let busy = Self.claim("a", needs: 4, running: 2)
        _ = book.divide([busy, Self.claim("b", needs: 0)], cores: 2, memoryBytes: nil, now: Self.start)
        let calm = book.divide(
            [busy, Self.claim("b", needs: 2)], cores: 2, memoryBytes: nil, now: Self.start + TimeSpan(seconds: 60))
        #expect(calm["a"]?.cores == 2)
        let hurried = book.divide(
            [busy, Self.claim("b", needs: 2, endangered: 1)], cores: 2, memoryBytes: nil,
            now: Self.start + TimeSpan(seconds: 120))
        #expect(hurried["a"]?.cores == 1)
        // The core is not free yet.
        #expect(hurried["b"]?.cores == 0)
        let free = book.divide(
            [Self.claim("a", needs: 4, running: 1), Self.claim("b", needs: 2, endangered: 1)], cores: 2,
            memoryBytes: nil, now: Self.start + TimeSpan(seconds: 130))
        #expect(free["b"]?.cores == 1)
    }

    @Test("Between slices a running endangered task keeps its core from another one, and calm ones lend theirs")
    func endangeredKeep() {
        var book = ShareBook()
        let hurried = { (running: Int) in
            ProjectDemand(needs: [.init(isEndangered: true, isRunning: running > 0)], running: running)
        }
        var claims = [
            ShareBook.Claim(project: "a", demand: hurried(1)), Self.claim("b", needs: 2, running: 1),
            ShareBook.Claim(project: "c", demand: hurried(0)),
        ]
        var kept: [[Int]] = []
        for second in 0..<600 {
            let grants = book.divide(
                claims, cores: 2, memoryBytes: nil, now: Self.start + TimeSpan(seconds: Double(second)))
            // The first division begins a slice.
            if second > 0 { kept.append(["a", "b", "c"].map { grants[$0]!.cores }) }
            if second == 1 { claims[1] = Self.claim("b", needs: 2) }
            if second == 2 { claims[2].demand = hurried(1) }
        }
        #expect(kept[0] == [1, 0, 0], "the calm one is asked to leave")
        #expect(kept.dropFirst(2).allSatisfy { $0 == [1, 0, 1] }, "\(Set(kept))")
    }

    @Test("A clock that goes back stops nothing")
    func clock() {
        var book = ShareBook()
        let claims = [Self.claim("a", needs: 1, running: 1), Self.claim("b", needs: 1)]
        _ = book.divide(claims, cores: 1, memoryBytes: nil, now: Self.start)
        for day in 1...3 {
            let grants = book.divide(
                claims, cores: 1, memoryBytes: nil, now: Self.start + TimeSpan(seconds: -86_400 * Double(day)))
            #expect(Self.fault(claims, grants, cores: 1) == nil)
        }
        #expect(book.isSound)
    }

    @Test("A task that is larger than what is left of the memory gets its turn")
    func memory() {
        var simulation = ShareSimulation(cores: 4, memoryBytes: 6)
        simulation.projects = [
            .init(name: "large", share: 100, memoryBytes: 5), .init(name: "small", share: 100, memoryBytes: 2),
        ]
        simulation.run(hours: 48)
        #expect(simulation.used["large"]! > 20 * 3600)
        #expect(simulation.used["small"]! > 20 * 3600)
    }

    @Test("On fewer cores than workers have they compute in turn, and stand still otherwise")
    func fewerNow() {
        var book = ShareBook()
        let claims = [Self.claim("a", needs: 3, running: 3), Self.claim("b", needs: 1, running: 1)]
        for (coresNow, computing) in [(4, [nil, nil]), (3, [2, 1]), (2, [1, 1]), (1, [0, 1]), (0, [0, 0])]
            as [(
                Int, [Int?]
            )]
        {
            let grants = book.divide(claims, cores: 4, coresNow: coresNow, memoryBytes: nil, now: Self.start)
            #expect(["a", "b"].map { grants[$0]?.computing } == computing, "\(coresNow)")
            #expect(["a", "b"].map { grants[$0]?.cores } == [3, 1])
        }
    }
}
