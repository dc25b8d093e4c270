import ClientCore
import Domain
import Testing
import Wire

@Suite("How workers end")
struct WorkerEndTests {
    static let codes: [(Int32, TaskErrorCode)] = [
        (65, .badWorkUnit), (70, .workerFailed), (71, .overLimit), (78, .unknownApp), (1, .workerFailed),
    ]

    @Test("Exit codes become the errors that the server knows", arguments: codes)
    func exitCodes(code: Int32, error: TaskErrorCode) throws {
        var driver = Driver()
        let task = try driver.takeUp()
        driver.send(.workerStarted(task))
        driver.send(.workerEnded(task, Driver.ending(code, words: "because")), after: 5)
        #expect(driver.failure == error)
        #expect(driver.machine.state.failuresInRow == 1)
    }

    @Test("A worker that ends well without a result has failed")
    func noResult() throws {
        var driver = Driver()
        let task = try driver.takeUp()
        driver.send(.workerStarted(task))
        driver.send(.workerEnded(task, Driver.ending(0)), after: 5)
        #expect(driver.failure == .workerFailed)
    }

    @Test("A worker that a stranger killed is begun again from its checkpoint, twice")
    func strangersSignal() throws {
        var driver = Driver()
        let task = try driver.takeUp()
        for _ in 0..<2 {
            driver.send(.workerStarted(task))
            driver.send(.workerEnded(task, Driver.ending(nil)), after: 5)
            #expect(driver.last.words.contains("start 0"))
        }
        driver.send(.workerStarted(task))
        driver.send(.workerEnded(task, Driver.ending(nil)), after: 5)
        #expect(driver.failure == .workerFailed)
    }

    @Test("Signals in a long life do not add up: between them the task must come no further", arguments: [0.1, 0.005])
    func signalsWithProgress(step: Double) throws {
        var driver = Driver()
        let task = try driver.takeUp()
        var ends = 0
        while driver.failure == nil, ends < 8 {
            ends += 1
            let progress = WorkerProgress(
                fraction: 0.1 + step * Double(ends), used: Usage(cpuSeconds: 1), peakMemoryBytes: 0)
            driver.send(.workerStarted(task))
            driver.send(.workerProgressed(task, progress))
            var ending = Driver.ending(nil)
            ending.progress = progress
            driver.send(.workerEnded(task, ending), after: 5)
        }
        #expect((driver.failure == nil) == (step == 0.1), "\(ends)")
        #expect(ends == (step == 0.1 ? 8 : 3))
    }

    @Test("A signal is no reason not to fetch damaged inputs once more")
    func signalThenInputs() throws {
        var driver = Driver()
        let task = try driver.takeUp()
        driver.send(.workerStarted(task))
        driver.send(.workerEnded(task, Driver.ending(nil)), after: 5)
        driver.send(.workerStarted(task))
        driver.send(.workerEnded(task, Driver.ending(66)), after: 5)
        #expect(driver.failure == nil)
        driver.send(.workerStarted(task))
        driver.send(.workerEnded(task, Driver.ending(66)), after: 5)
        #expect(driver.failure == .badInput)
    }

    @Test("Damaged inputs are fetched once more before the task fails")
    func damagedInput() throws {
        var driver = Driver()
        let digest = try #require(Digest(bytes: [UInt8](repeating: 9, count: 32)))
        let task = try driver.takeUp { body in
            var input = WireInputRef()
            input.name = "photons"
            input.sha256.append(contentsOf: digest.bytes)
            input.size = 100
            input.packing = "plain"
            body.inputs = [input]
        }
        driver.send(.blobFetched(digest))
        driver.send(.workerStarted(task))
        driver.send(.workerEnded(task, Driver.ending(66)), after: 5)
        #expect(driver.last.words.filter { $0.contains("blob") } == ["drop blob", "fetch blob photons"])
        driver.send(.blobFetched(digest))
        #expect(driver.last.words.contains("start 0"))
        driver.send(.workerStarted(task))
        driver.send(.workerEnded(task, Driver.ending(66)), after: 5)
        #expect(driver.failure == .badInput)
    }

    @Test("A full disk is nobody's failure: the task waits and starts again")
    func fullDisk() throws {
        var driver = Driver()
        let task = try driver.takeUp()
        driver.send(.workerStarted(task))
        driver.send(.workerEnded(task, Driver.ending(73, words: "No space left on device")), after: 5)
        #expect(driver.stage(task) == .ready)
        #expect(!driver.last.words.contains("start 0"))
        #expect(driver.machine.problem?.contains("No space") == true)
        driver.send(.tick, after: 20)
        #expect(driver.last.words.contains("start 0"))
    }

    @Test("A worker that cannot be started blocks starts for a growing while")
    func cannotStart() throws {
        var driver = Driver()
        let task = try driver.takeUp()
        driver.send(.workerNotStarted(task, "no such program"))
        #expect(!driver.last.words.contains("start 0"))
        driver.send(.tick, after: 8)
        #expect(driver.last.words.contains("start 0"))
        driver.send(.workerNotStarted(task, "no such program"))
        driver.send(.tick, after: 8)
        #expect(!driver.last.words.contains("start 0"))
        #expect(driver.stage(task) == .ready)
    }

    @Test("A task over its FLOPs bound is killed and reported")
    func overTheBound() throws {
        var driver = Driver()
        // 1e11 FLOPs at a quarter of 4 GFLOP/s are 100 s; the server's 10 s times 100 are 1000 s and win.
        let task = try driver.takeUp()
        driver.send(.workerStarted(task))
        let slow = { (seconds: Double) in
            WorkerProgress(
                fraction: 0.5, used: Usage(cpuSeconds: seconds, wallSeconds: seconds, kernelSeconds: seconds),
                peakMemoryBytes: 0)
        }
        driver.send(.workerProgressed(task, slow(999)), after: 999)
        #expect(!driver.last.words.contains("kill 0"))
        driver.send(.workerProgressed(task, slow(1001)), after: 2)
        #expect(driver.last.words.contains("kill 0"))
        driver.send(.workerEnded(task, Driver.ending(nil)))
        #expect(driver.failure == .overLimit)
    }

    @Test("A result beyond the unit's output bound, or a folder beyond its disk bound, is over the limit")
    func otherBounds() throws {
        var driver = Driver()
        let task = try driver.takeUp()
        driver.send(.workerStarted(task))
        driver.send(.workerEnded(task, Driver.ending(0, result: Driver.result(2 << 20))), after: 5)
        #expect(driver.failure == .overLimit)

        var other = Driver()
        let second = try other.takeUp()
        other.send(.workerStarted(second))
        other.send(.diskBoundPassed(second, bytes: 1 << 40))
        #expect(other.last.words.contains("kill 0"))
        other.send(.workerEnded(second, Driver.ending(nil)))
        #expect(other.failure == .overLimit)
    }

    @Test("After five failures in a row the host waits at least ten minutes before it asks for more")
    func fiveFailures() throws {
        var driver = Driver()
        for index in 0..<5 {
            let task = try driver.takeUp(Int64(index))
            driver.send(.workerStarted(task))
            driver.send(.workerEnded(task, Driver.ending(70)), after: 5)
            #expect(driver.failure == .workerFailed)
            driver.send(.callAnswered(driver.project.reply(receipts: [driver.project.receipt(task, nil)])), after: 5)
            #expect(driver.machine.state.tasks.isEmpty)
            driver.send(.tick, after: 5)
            if index < 4 { #expect((driver.call?.request.wantTasks ?? 0) > 0, "failure \(index)") }
        }
        #expect(driver.call == nil)
        driver.send(.tick, after: 500)
        #expect(driver.call == nil)
        driver.send(.tick, after: 1000)
        #expect((driver.call?.request.wantTasks ?? 0) > 0)
    }
}
