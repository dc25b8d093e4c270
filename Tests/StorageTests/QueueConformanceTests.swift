import Domain
import Storage
import Testing

/// What every store does with work units, tasks and the lists over them.
@Suite("store conformance: work units")
struct QueueConformanceTests {
    private let batch = BatchID(rawValue: 1)

    private func unit(_ index: Int64) -> WorkUnitID { WorkUnitID(batch: batch, index: index) }
    private func task(_ index: Int64, _ ordinal: Int) -> TaskID { TaskID(unit: unit(index), ordinal: ordinal) }

    /// A store with a batch and four hosts of four volunteers.
    private func bench(_ kind: StoreKind, units: Int64 = 0) throws -> StoreBench {
        let bench = try StoreBench(kind)
        try bench.store.transaction { tx in
            try Samples.addHosts(4, tx)
            _ = try tx.insertBatch { Samples.batch($0) }
            try tx.insertWorkUnits((0..<units).map { Samples.unit(batch, $0) })
        }
        return bench
    }

    @Test("units and tasks keep every field in every state", arguments: StoreKind.allCases)
    func fields(kind: StoreKind) throws {
        let bench = try bench(kind)
        let states = Samples.states(host: 3, volunteer: 2, other: task(0, 1))
        for (index, state) in Samples.unitStates(canonical: task(0, 5)).enumerated() {
            var aggregate = Samples.unit(batch, Int64(index), tasks: states.count)
            let canonical = TaskID(unit: aggregate.unit.id, ordinal: 5)
            switch state {
            case .validated: aggregate.unit.state = .validated(canonical: canonical)
            case .assembled: aggregate.unit.state = .assembled(canonical: canonical)
            case .purged: aggregate.unit.state = .purged(canonical: canonical)
            case .provisional: aggregate.unit.state = .provisional(canonical)
            default: aggregate.unit.state = state
            }
            for (at, state) in states.enumerated() { aggregate.tasks[at].state = state }
            try bench.store.transaction { tx in
                try tx.insertWorkUnits([aggregate])
                guard let standing = aggregate.unit.state.provisional else { return }
                try tx.insertSeriesEntry(Samples.series(standing, host: 3, 1, .provisional))
            }
            let stored = try bench.store.transaction { try $0.workUnit(aggregate.unit.id) }
            #expect(stored == aggregate)
        }
        #expect(try bench.store.transaction { try StoreAudit.differences($0) } == [])
    }

    @Test("every change of a task's state is stored", arguments: StoreKind.allCases)
    func transitions(kind: StoreKind) throws {
        let bench = try bench(kind, units: 1)
        let states = Samples.states(host: 3, volunteer: 2, other: task(0, 1))
        var revision: Int64 = 0
        for old in states {
            for new in states {
                for state in [old, new] {
                    var saved = try bench.store.transaction { tx in
                        try Samples.change(unit(0), tx) { $0.tasks[1].state = state }
                    }
                    revision += 1
                    saved.unit.revision = revision
                    #expect(try bench.store.transaction { try $0.workUnit(unit(0)) } == saved)
                }
            }
        }
        #expect(try bench.store.transaction { try StoreAudit.differences($0) } == [])
    }

    @Test("batches with a unit that has not ended", arguments: StoreKind.allCases)
    func unfinished(kind: StoreKind) throws {
        let bench = try bench(kind, units: 2)
        func listed() throws -> [Int64] {
            try bench.store.transaction { try $0.batchesWithOpenUnits().map(\.rawValue) }
        }
        let second = try bench.store.transaction { tx in
            let second = try tx.insertBatch { Samples.batch($0) }.id
            #expect(try tx.batchesWithOpenUnits().map(\.rawValue) == [1], "a batch without units has none")
            try tx.insertWorkUnits([Samples.unit(second, 0)])
            return second
        }
        #expect(try listed() == [1, 2])
        func end(_ id: WorkUnitID) throws {
            _ = try bench.store.transaction { tx in
                try Samples.change(id, tx) { aggregate in
                    aggregate.unit.state = .cancelled
                    for at in aggregate.tasks.indices { aggregate.tasks[at].state = .notNeeded }
                }
            }
        }
        try end(unit(0))
        #expect(try listed() == [1, 2])
        try end(unit(1))
        #expect(try listed() == [2])
        struct Undone: Error {}
        _ = try? bench.store.transaction { tx in
            try tx.insertWorkUnits([Samples.unit(batch, 7)])
            #expect(try tx.batchesWithOpenUnits().map(\.rawValue) == [1, 2])
            throw Undone()
        }
        #expect(try listed() == [2])
        try end(WorkUnitID(batch: second, index: 0))
        #expect(try listed().isEmpty)
    }

    @Test("there is room for every error code and outcome", arguments: StoreKind.allCases)
    func codes(kind: StoreKind) throws {
        let bench = try bench(kind, units: 1)
        let a = Samples.assignment(1, 1)
        let errors = TaskErrorCode.allCases.map { code in
            TaskState.failed(a, TaskError(at: Timestamp(milliseconds: 1), code: code, message: "\(code)"))
        }
        let verdicts = Verdict.Outcome.allCases.map { TaskState.decided(a, Samples.report, Samples.verdict($0)) }
        for state in errors + verdicts {
            try bench.store.transaction { tx in
                _ = try Samples.change(unit(0), tx) { $0.tasks[0].state = state }
            }
            #expect(try bench.store.transaction { try $0.workUnit(unit(0))?.tasks[0].state } == state)
        }
    }

    @Test("a difference that is not a number comes back as one", arguments: StoreKind.allCases)
    func notANumber(kind: StoreKind) throws {
        let bench = try bench(kind, units: 1)
        let difference = Difference(element: "sum", distance: .nan, tolerance: .infinity)
        let verdict = Verdict(
            outcome: .invalid, decidedAt: Timestamp(milliseconds: 1), comparedWith: nil, difference: difference,
            reason: "")
        let stored = try bench.store.transaction { tx in
            try Samples.change(unit(0), tx) {
                $0.tasks[0].state = .decided(Samples.assignment(1, 1), Samples.report, verdict)
            }
            return try tx.workUnit(unit(0))
        }
        guard case .decided(_, _, let read)? = stored?.tasks[0].state else {
            Issue.record("not decided: \(String(describing: stored))")
            return
        }
        #expect(read.difference?.distance.isNaN == true)
        #expect(read.difference?.tolerance == .infinity)
        let again = try bench.store.transaction { try $0.workUnit(unit(0))?.tasks[0].state }
        guard case .decided(_, _, let later)? = again else { return }
        #expect(later.difference?.distance.isNaN == true)
    }

    @Test("insertion is all or nothing and refuses what cannot be", arguments: StoreKind.allCases)
    func insertion(kind: StoreKind) throws {
        let bench = try bench(kind, units: 2)
        try bench.store.transaction { tx in
            let fresh = Samples.unit(batch, 7)
            #expect(refusal { try tx.insertWorkUnits([fresh, Samples.unit(batch, 1)]) } == "duplicate")
            #expect(refusal { try tx.insertWorkUnits([fresh, fresh]) } == "duplicate")
            #expect(refusal { try tx.insertWorkUnits([fresh, Samples.unit(BatchID(rawValue: 2), 0)]) } == "missing")
            var wrong = Samples.unit(batch, 8)
            wrong.tasks[1].id = task(7, 1)
            #expect(refusal { try tx.insertWorkUnits([fresh, wrong]) } == "conflict")
            wrong = Samples.unit(batch, 8)
            wrong.unit.state = .validated(canonical: task(7, 0))
            #expect(refusal { try tx.insertWorkUnits([fresh, wrong]) } == "conflict")
            wrong.unit.state = .ready
            wrong.tasks[0].state = .sent(Samples.assignment(9, 1))
            #expect(refusal { try tx.insertWorkUnits([fresh, wrong]) } == "missing")
            wrong.tasks[0].state = .sent(Samples.assignment(1, 9))
            #expect(refusal { try tx.insertWorkUnits([fresh, wrong]) } == "missing")
            #expect(try tx.workUnit(unit(7)) == nil)
            #expect(try tx.counts(of: batch).total == 2)
            try tx.insertWorkUnits([])
            try tx.insertWorkUnits([fresh])
            #expect(try tx.workUnits(of: batch, fromIndex: 0, limit: 10).map(\.unit.id.index) == [0, 1, 7])
            #expect(try tx.workUnits(of: batch, fromIndex: 1, limit: 1).map(\.unit.id.index) == [1])
            #expect(try tx.workUnits(of: BatchID(rawValue: 2), fromIndex: 0, limit: 10).isEmpty)
        }
        #expect(try bench.store.transaction { try StoreAudit.differences($0) } == [])
    }

    @Test("a save compares the revision and what never changes", arguments: StoreKind.allCases)
    func revisions(kind: StoreKind) throws {
        let bench = try bench(kind, units: 1)
        try bench.store.transaction { tx in
            let first = try #require(try tx.workUnit(unit(0)))
            try tx.saveWorkUnit(first)
            #expect(try tx.workUnit(unit(0))?.unit.revision == 1)
            #expect(refusal { try tx.saveWorkUnit(first) } == "conflict")
            var next = try #require(try tx.workUnit(unit(0)))
            next.tasks.append(TaskRecord(id: task(0, 2), state: .unsent))
            next.unit.updatedAt = Timestamp(milliseconds: 12_345)
            try tx.saveWorkUnit(next)
            #expect(try tx.workUnit(unit(0))?.tasks.count == 3)
            next.unit.revision += 1
            for break_ in [
                { $0.tasks.removeLast() }, { $0.unit.credit = .zero }, { $0.unit.label = "" },
                { $0.unit.createdAt = Timestamp(milliseconds: 0) },
            ] as [(inout WorkUnitAggregate) -> Void] {
                var wrong = next
                break_(&wrong)
                #expect(refusal { try tx.saveWorkUnit(wrong) } == "conflict")
            }
            #expect(refusal { try tx.saveWorkUnit(Samples.unit(batch, 9)) } == "missing")
            next.tasks[2].state = .sent(Samples.assignment(9, 1))
            #expect(refusal { try tx.saveWorkUnit(next) } == "missing")
            next.tasks[2].state = .sent(Samples.assignment(1, 1))
            try tx.saveWorkUnit(next)
            #expect(try tx.workUnit(unit(0))?.unit.revision == 3)
        }
        #expect(try bench.store.transaction { try $0.workUnit(unit(0))?.unit.revision } == 3)
    }

    @Test("a volunteer never sees a unit of which he holds a task", arguments: StoreKind.allCases)
    func unsent(kind: StoreKind) throws {
        let bench = try bench(kind, units: 6)
        let ada = VolunteerID(rawValue: 1)
        let bob = VolunteerID(rawValue: 2)
        func offered(_ who: VolunteerID, after: TaskID? = nil, limit: Int = 99) throws -> [String] {
            try bench.store.transaction { tx in
                try tx.unsentTasks(notOf: who, after: after, limit: limit).map { "\($0.id)" }
            }
        }
        #expect(try offered(ada, limit: 3) == ["1.0#0", "1.0#1", "1.1#0"])
        #expect(try offered(ada, limit: 0) == [])
        #expect(try offered(ada, after: task(1, 0), limit: 2) == ["1.1#1", "1.2#0"])
        // Ada takes the first task of the first four units; expired and failed ones bar her as well.
        let states = Samples.states(host: 1, volunteer: 1, other: task(0, 1))
        for (index, state) in [states[1], states[9], states[10], states[6]].enumerated() {
            _ = try bench.store.transaction { tx in
                try Samples.change(unit(Int64(index)), tx) { $0.tasks[0].state = state }
            }
        }
        #expect(try offered(ada) == ["1.4#0", "1.4#1", "1.5#0", "1.5#1"])
        #expect(try offered(ada, after: task(0, 0), limit: 1) == ["1.4#0"])
        #expect(try offered(ada, after: task(4, 1)) == ["1.5#0", "1.5#1"])
        #expect(try offered(bob, limit: 4) == ["1.0#1", "1.1#1", "1.2#1", "1.3#1"])
        // Ada has everything; then a unit far in front opens anew, once in a part that is undone, once for good.
        for index in 4..<6 {
            _ = try bench.store.transaction { tx in
                try Samples.change(unit(Int64(index)), tx) { $0.tasks[0].state = states[1] }
            }
        }
        #expect(try offered(ada) == [])
        struct Stop: Error {}
        try bench.store.transaction { tx in
            try? tx.savepoint { tx in
                try Samples.change(unit(2), tx) { $0.tasks[0].state = .unsent }
                #expect(try tx.unsentTasks(notOf: ada, limit: 9).count == 2)
                throw Stop()
            }
            #expect(try tx.unsentTasks(notOf: ada, limit: 9).isEmpty)
            try Samples.change(unit(2), tx) { $0.tasks[0].state = .unsent }
        }
        #expect(try offered(ada) == ["1.2#0", "1.2#1"])
        // She takes it in a part that is undone.
        try bench.store.transaction { tx in
            try? tx.savepoint { tx in
                try Samples.change(unit(2), tx) { $0.tasks[0].state = states[1] }
                #expect(try tx.unsentTasks(notOf: ada, limit: 9).isEmpty)
                throw Stop()
            }
        }
        #expect(try offered(ada) == ["1.2#0", "1.2#1"])
        // New units in front of all others.
        try bench.store.transaction { tx in
            let second = try tx.insertBatch { Samples.batch($0) }
            try tx.insertWorkUnits([Samples.unit(second.id, 4, tasks: 1)])
            _ = try tx.unsentTasks(notOf: ada, limit: 9)
            try tx.insertWorkUnits([Samples.unit(second.id, 3, tasks: 1)])
        }
        #expect(try offered(ada) == ["1.2#0", "1.2#1", "2.3#0", "2.4#0"])
    }

    @Test("of the numbers of unsent tasks any first ones are skipped", arguments: StoreKind.allCases)
    func skipping(kind: StoreKind) throws {
        let bench = try bench(kind, units: 700)
        try bench.store.transaction { tx in
            for index in stride(from: Int64(0), to: 700, by: 3) {
                try Samples.change(unit(index), tx) { $0.tasks[1].state = .sent(Samples.assignment(1, 1)) }
            }
            let all = try tx.unsentNumbers(after: TaskID(rawValue: -1), limit: 10_000)
            #expect(all.count == 1400 - 234)
            for after in [TaskID(rawValue: -1), task(0, 0), task(0, 1), task(350, 0), task(699, 0), task(699, 1)] {
                let behind = all.filter { $0 > after }
                for skipped in [0, 1, 255, 256, 512, 513, 700, behind.count - 1, behind.count, 5000] where skipped >= 0
                {
                    for limit in [0, 1, 300, 10_000] {
                        let found = try tx.unsentNumbers(after: after, skipping: skipped, limit: limit)
                        #expect(found == Array(behind.dropFirst(skipped).prefix(limit)), "\(after) \(skipped) \(limit)")
                    }
                }
            }
        }
    }

    @Test("what is offered and what is out says all about unit and assignment", arguments: StoreKind.allCases)
    func schedulable(kind: StoreKind) throws {
        let bench = try bench(kind, units: 3)
        let sent = Samples.assignment(2, 3, deadline: 777)
        try bench.store.transaction { tx in
            try Samples.change(unit(2), tx) { $0.tasks[1].state = .sent(sent) }
            try Samples.change(unit(1), tx) { $0.tasks[0].state = .sent(sent) }
            let aggregate = try #require(try tx.workUnit(unit(1)))
            let first = try tx.unsentTasks(notOf: VolunteerID(rawValue: 4), after: task(0, 1), limit: 1)
            #expect(first == [SchedulableTask(aggregate.tasks[1], of: aggregate.unit)])
            #expect(first[0].deadlineSpan == Samples.rule.deadline)
            let out = try tx.sentTasks(of: HostID(rawValue: 2))
            #expect(out.map(\.id) == [task(1, 0), task(2, 1)])
            #expect(out[0] == SchedulableTask(aggregate.tasks[0], of: aggregate.unit))
            #expect(out[0].assignment == sent)
            #expect(try tx.sentTasks(of: HostID(rawValue: 3)).isEmpty)
            #expect(try tx.inProgressCounts() == [HostID(rawValue: 2): 2])
            #expect(try tx.activeHostCount(of: batch) == 1)
        }
    }

    @Test("overdue tasks come earliest first, and not at the very deadline", arguments: StoreKind.allCases)
    func overdue(kind: StoreKind) throws {
        let bench = try bench(kind, units: 4)
        try bench.store.transaction { tx in
            for (index, deadline) in [(0, 300), (1, 100), (2, 200), (3, 100)] as [(Int64, Int64)] {
                try Samples.change(unit(index), tx) {
                    $0.tasks[0].state = .sent(Samples.assignment(1, 1, deadline: deadline))
                    $0.tasks[1].state = .expired(Samples.assignment(2, 2, deadline: 1))
                }
            }
            let now = Timestamp(milliseconds: 300)
            #expect(try tx.overdueTasks(before: now, limit: 9) == [task(1, 0), task(3, 0), task(2, 0)])
            #expect(try tx.overdueTasks(before: now, limit: 2) == [task(1, 0), task(3, 0)])
            #expect(try tx.overdueTasks(before: Timestamp(milliseconds: 100), limit: 9).isEmpty)
        }
    }

    @Test("the validator's list holds what waits and nothing else", arguments: StoreKind.allCases)
    func awaiting(kind: StoreKind) throws {
        let bench = try bench(kind, units: 6)
        let a = Samples.assignment(1, 1)
        try bench.store.transaction { tx in
            try Samples.change(unit(5), tx) { $0.unit.state = .comparing }
            try Samples.change(unit(1), tx) {
                $0.unit.state = .active
                $0.tasks[1].state = .reported(a, Samples.report, check: .pending)
            }
            try Samples.change(unit(2), tx) {
                $0.unit.state = .active
                $0.tasks[1].state = .reported(a, Samples.report, check: .plausible)
            }
            // Came after the canonical result, passed its check, and must still be compared.
            try Samples.change(unit(3), tx) {
                $0.unit.state = .validated(canonical: task(3, 0))
                $0.tasks[0].state = .decided(a, Samples.report, Samples.verdict(.valid))
                $0.tasks[1].state = .reported(Samples.assignment(2, 2), Samples.report, check: .plausible)
            }
            // Nothing more will come of it.
            try Samples.change(unit(4), tx) {
                $0.unit.state = .cancelled
                $0.tasks[1].state = .reported(a, Samples.report, check: .pending)
            }
            #expect(try tx.unitsAwaitingValidation(limit: 9) == [unit(1), unit(3), unit(5)])
            #expect(try tx.unitsAwaitingValidation(limit: 2) == [unit(1), unit(3)])
            #expect(try tx.unitsAwaitingValidationCount() == 3)
            try Samples.change(unit(1), tx) {
                $0.tasks[1].state = .decided(a, Samples.report, Samples.verdict(.invalid))
            }
            try Samples.change(unit(5), tx) { $0.unit.state = .failed(.noAgreement) }
            #expect(try tx.unitsAwaitingValidation(limit: 9) == [unit(3)])
            let counts = try tx.counts(of: batch)
            #expect(counts.ready == 1 && counts.active == 2 && counts.validated == 1 && counts.failed == 1)
            #expect(counts.cancelled == 1 && counts.total == 6 && counts.ended == 3)
            #expect(counts.tasksDone == 5 && counts.tasksOut == 0)
        }
        #expect(try bench.store.transaction { try StoreAudit.differences($0) } == [])
    }
}
