import Domain
import Engine

/// Hosts with habits that compute units through the real machine: what is stored afterwards is what a server stores.
struct Population {
    enum Habit {
        /// Right, but for this share of results that are wrong in a way of their own.
        case errs(Double)
        /// As `errs(0)`, until two of the same clique hold the same unit: then all of them forge the same.
        case forgesTogether(Int)
        /// Always forges what the whole clique forges.
        case forgesAlways(Int)
        /// Right by the arithmetic of another hardware class.
        case otherClass
    }

    var habits: [Habit]
    var quorum = 2
    var initial = 2
    /// Who may be given a unit, by its index; nil: everybody.
    var present: ((Int) -> [Int])?
    /// Pairs that are put together on every n-th unit: the first two hosts.
    var steeredEvery: Int?
    /// The share of results that a check looks at and refutes when they are wrong.
    var checkRate = 0.0

    /// - Returns: the graph after `units` units.
    func graph(units: Int, seed: UInt64, bounds: AgreementGraph.Bounds = .init()) -> AgreementGraph {
        var generator = TestGenerator(seed: seed)
        var graph = AgreementGraph(bounds: bounds)
        for index in 0..<units {
            if let evidence = UnitEvidence(unit(index, &generator)) { graph.add(evidence) }
        }
        return graph
    }

    func unit(_ index: Int, _ generator: inout TestGenerator) -> WorkUnitAggregate {
        var record = Fixture.unit(Fixture.rule(quorum: quorum, initial: initial, maxTotal: 9, maxErrors: 9))
        record.id = WorkUnitID(batch: BatchID(rawValue: 3), index: Int64(index))
        var unit = WorkUnitMachine.create(record)
        var holders: [Int: Int] = [:]
        var values: [TaskID: Int64] = [:]
        func step(_ event: WorkUnitEvent) { unit = WorkUnitMachine.step(unit, event, now: Fixture.timely).aggregate }
        while !unit.unit.state.isFinal {
            for task in unit.tasks where task.state == .unsent {
                // Nobody is left for it: the unit stays open.
                guard let host = draw(index, Set(holders.values), &generator) else { return unit }
                holders[task.id.ordinal] = host
                step(.assigned(task.id, assignment(host)))
            }
            for task in unit.tasks {
                guard case .sent = task.state, let host = holders[task.id.ordinal] else { continue }
                let value = value(of: host, index, Array(holders.values), &generator)
                values[task.id] = value
                step(.reported(task.id, host: HostID(rawValue: Int64(host + 1)), report(value, host)))
                let isSeen = value != 0 && Double.random(in: 0..<1, using: &generator) < checkRate
                step(.checked(task.id, isSeen ? .refuted(Fixture.difference, "recomputed") : .plausible))
            }
            if case .compare(let tasks) = WorkUnitMachine.validationWork(unit) {
                step(.compared(comparisons(tasks, values)))
            }
        }
        return unit
    }

    private func draw(_ index: Int, _ taken: Set<Int>, _ generator: inout TestGenerator) -> Int? {
        if let every = steeredEvery, index.isMultiple(of: every), taken.count < 2 { return taken.count }
        let all = present?(index) ?? Array(habits.indices)
        return all.filter { !taken.contains($0) }.randomElement(using: &generator)
    }

    /// 0 is right.
    private func value(of host: Int, _ index: Int, _ holders: [Int], _ generator: inout TestGenerator) -> Int64 {
        switch habits[host] {
        case .errs(let rate):
            if Double.random(in: 0..<1, using: &generator) >= rate { return 0 }
            return Int64.random(in: 1 << 20...1 << 40, using: &generator)
        case .forgesTogether(let clique):
            let members = holders.count {
                if case .forgesTogether(clique) = habits[$0] { true } else { false }
            }
            return members > 1 ? Int64(1000 + clique) : 0
        case .forgesAlways(let clique): return Int64(1000 + clique)
        case .otherClass: return 7
        }
    }

    private func comparisons(_ tasks: [TaskID], _ values: [TaskID: Int64]) -> [PairComparison] {
        var pairs: [PairComparison] = []
        for (at, a) in tasks.enumerated() {
            for b in tasks[(at + 1)...] {
                let distance = Double(abs(values[a, default: 0] - values[b, default: 0]))
                let difference = Difference(element: "sum", distance: distance, tolerance: 0.5)
                pairs.append(PairComparison(first: a, second: b, difference: distance == 0 ? nil : difference))
            }
        }
        return pairs
    }

    private func assignment(_ host: Int) -> Assignment {
        Assignment(
            host: HostID(rawValue: Int64(host + 1)), volunteer: VolunteerID(rawValue: Int64(host + 501)),
            sentAt: Timestamp(seconds: 0), deadline: Timestamp(seconds: 1000))
    }

    private func report(_ value: Int64, _ host: Int) -> TaskReport {
        let bytes = (0..<32).map { UInt8(truncatingIfNeeded: value >> Int64($0 % 8 * 8)) }
        var report = Fixture.report()
        report.result = Digest(bytes: bytes) ?? report.result
        if case .otherClass = habits[host] { report.fingerprint = "other" }
        return report
    }
}
