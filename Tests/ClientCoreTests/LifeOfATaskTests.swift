import Bytes
import ClientCore
import Domain
import Foundation
import Testing
import Wire

@Suite("The life of a task")
struct LifeOfATaskTests {
    @Test("The first thing a client does is to ask for work")
    func asksForWork() throws {
        let driver = Driver(cores: 2) {
            $0.bufferSeconds = 60
        }
        let call = try #require(driver.call)
        // One for each core while nobody knows how long they are, and new work for each.
        #expect(call.request.wantTasks == 2)
        #expect(call.request.wantSeconds == 60)
        #expect(call.request.queuedSeconds == 0)
        #expect(call.request.availability == 1)
        #expect(call.request.apps == ["counting/1"])
        #expect(call.sequence >= driver.now.milliseconds)
    }

    @Test("An offer is verified, stored, saved, and only then started")
    func storesBeforeStarting() throws {
        var driver = Driver()
        let task = try driver.takeUp()
        #expect(driver.last.words.prefix(3) == ["store 0", "save", "start 0"])
        #expect(driver.stage(task) == .ready)
    }

    @Test("A small result travels in the report, and leaves the disk after the receipt only, the state first")
    func smallResult() throws {
        var driver = Driver()
        let task = try driver.takeUp()
        driver.send(.workerStarted(task))
        let result = Driver.result()
        driver.send(.workerEnded(task, Driver.ending(0, result: result)), after: 5)
        #expect(driver.stage(task) == .finished(result))
        let call = try #require(driver.call)
        #expect(call.inlineResults == [task])
        #expect(call.request.reports.first?.success.cpuSeconds == 5)
        #expect(driver.last.words == ["save", "call"])
        driver.send(.callAnswered(driver.project.reply(receipts: [driver.project.receipt(task, result.digest)])))
        #expect(driver.stage(task) == nil)
        #expect(driver.last.words.prefix(3) == ["keep receipts", "save", "drop 0"])
        #expect(driver.machine.state.totals.reportedResults == 1)
        #expect(driver.machine.state.totals.kernelSeconds == 4)
    }

    @Test("A large result is uploaded before it is reported")
    func largeResult() throws {
        var driver = Driver()
        let task = try driver.takeUp()
        driver.send(.workerStarted(task))
        driver.send(.workerEnded(task, Driver.ending(0, result: Driver.result(70_000))), after: 5)
        #expect(driver.last.words.contains("upload 0"))
        // No report yet; the call that goes out asks for work only.
        #expect(driver.call?.request.reports.isEmpty != false)
        driver.send(.callAnswered(driver.project.reply()))
        driver.send(.uploaded(task), after: 2)
        let call = try #require(driver.call)
        #expect(call.request.reports.count == 1)
        #expect(call.inlineResults.isEmpty)
    }

    @Test("A result that the server lacks is uploaded again")
    func resultMissing() throws {
        var driver = Driver()
        let task = try driver.takeUp()
        driver.send(.workerStarted(task))
        let result = Driver.result(70_000)
        driver.send(.workerEnded(task, Driver.ending(0, result: result)), after: 5)
        driver.send(.callAnswered(driver.project.reply()))
        driver.send(.uploaded(task), after: 2)
        driver.send(
            .callAnswered(
                driver.project.reply(
                    receipts: [driver.project.receipt(task, result.digest, .receiptResultMissing)])))
        #expect(driver.last.words.contains("upload 0"))
        #expect(driver.stage(task) == .finished(result))
    }

    @Test("The sweep of old inputs spares those that are on their way")
    func sweep() throws {
        var driver = Driver(cores: 2)
        let digests = try [UInt8(8), 9].map { try #require(Digest(bytes: [UInt8](repeating: $0, count: 32))) }
        driver.send(.started(slots: [], blobs: [digests[0]]))
        driver.send(.tick, after: 90_000)
        driver.send(.started(slots: [], blobs: [digests[0]]))
        driver.send(.tick, after: 80_000)
        var input = WireInputRef()
        input.name = "photons"
        input.sha256 = Data(digests[1].bytes)
        input.size = 100
        input.packing = "table"
        _ = try driver.takeUp { $0.inputs = [input] }
        #expect(driver.last.words.contains("fetch blob photons"))
        driver.send(.tick, after: 10_000)
        var kept: [Digest]?
        for case .keepBlobs(let digests) in driver.last { kept = digests }
        #expect(kept == [digests[1]])
    }

    @Test("A container that does not come inline is fetched; inputs are fetched once for all tasks")
    func fetches() throws {
        var driver = Driver(cores: 2)
        let (first, second) = (driver.project.task(0), driver.project.task(1))
        var input = WireInputRef()
        input.name = "photons"
        input.sha256 = Data(repeating: 9, count: 32)
        input.size = 100
        input.packing = "table"
        let units = try [first, second].map { try driver.project.container($0) { $0.inputs = [input] } }
        driver.send(
            .callAnswered(
                driver.project.reply(offers: [
                    driver.project.offer(first, unit: units[0], inline: false),
                    driver.project.offer(second, unit: units[1]),
                ])))
        #expect(driver.last.words.filter { $0.hasPrefix("fetch") } == ["fetch unit 0", "fetch blob photons"])
        driver.send(.unitFetched(first, units[0]))
        #expect(driver.last.words == ["store 0", "save"])
        let digest = try #require(Digest(bytes: [UInt8](repeating: 9, count: 32)))
        driver.send(.blobFetched(digest))
        #expect(driver.last.words == ["start 0", "start 1"])
    }

    @Test(
        "A failed download is tried again after a growing wait; one that cannot succeed fails the task",
        arguments: [true, false])
    func fetchFailures(isPermanent: Bool) throws {
        var driver = Driver()
        let task = driver.project.task(0)
        let unit = try driver.project.container(task)
        driver.send(
            .callAnswered(driver.project.reply(offers: [driver.project.offer(task, unit: unit, inline: false)])))
        driver.send(.unitFetchFailed(task, isPermanent ? .permanent("gone") : .temporary("slow")))
        if isPermanent {
            #expect(driver.failure == .badWorkUnit)
        } else {
            #expect(!driver.last.words.contains("fetch unit 0"))
            driver.send(.tick, after: 4)
            #expect(driver.last.words.contains("fetch unit 0"))
        }
    }

    @Test("As many workers run at once as there are cores, first come, first served")
    func severalAtOnce() throws {
        var driver = Driver(cores: 2) { $0.bufferSeconds = 60 }
        let tasks = (0..<3).map { driver.project.task(Int64($0)) }
        let offers = try tasks.enumerated().map { at, task in
            driver.project.offer(
                task, unit: try driver.project.container(task), deadlineMs: UInt64(1 << 50) - UInt64(at))
        }
        driver.send(.callAnswered(driver.project.reply(offers: offers)))
        #expect(driver.last.words.filter { $0.hasPrefix("start") } == ["start 0", "start 1"])
    }

    @Test("A task past its deadline goes on and is reported; one that was not begun is given back")
    func deadlines() throws {
        var driver = Driver { $0.bufferSeconds = 60 }
        let (first, second) = (driver.project.task(0), driver.project.task(1))
        let deadline = UInt64(driver.now.milliseconds + 60_000)
        let offers = try [first, second].map {
            driver.project.offer($0, unit: try driver.project.container($0), deadlineMs: deadline)
        }
        driver.send(.callAnswered(driver.project.reply(offers: offers)))
        driver.send(.workerStarted(first))
        driver.send(.tick, after: 120)
        #expect(driver.stage(first) == .ready)
        #expect(driver.failure == .givenBack)
        driver.send(.callAnswered(driver.project.reply(receipts: [driver.project.receipt(second, nil)])))
        driver.send(.workerEnded(first, Driver.ending(0, result: Driver.result())), after: 5)
        #expect(driver.call?.request.reports.first?.taskID == UInt64(first.rawValue))
    }

    @Test("The deadline is kept by this host's clock, whatever the server's says")
    func clocks() throws {
        var driver = Driver()
        let task = driver.project.task(0)
        var reply = driver.project.reply(
            offers: [
                driver.project.offer(task, unit: try driver.project.container(task), deadlineMs: 5_000_060_000)
            ])
        reply.serverTimeMs = 5_000_000_000
        driver.send(.callAnswered(reply))
        #expect(driver.machine.state[task: task]?.offer.deadline == driver.now + TimeSpan(seconds: 60))
    }

    @Test("Tasks that nobody needs are dropped: at once, or when their worker has ended")
    func abortList() throws {
        var driver = Driver { $0.bufferSeconds = 60 }
        let (running, waiting) = (driver.project.task(0), driver.project.task(1))
        let offers = try [running, waiting].map {
            driver.project.offer($0, unit: try driver.project.container($0))
        }
        driver.send(.callAnswered(driver.project.reply(offers: offers)))
        driver.send(.workerStarted(running))
        driver.send(.callAnswered(driver.project.reply(abort: [running, waiting])))
        #expect(driver.last.words.contains("kill 0"))
        #expect(driver.last.words.contains("drop 1"))
        #expect(!driver.last.words.contains("drop 0"))
        driver.send(.workerEnded(running, Driver.ending(nil)))
        #expect(driver.last.words.contains("drop 0"))
        #expect(driver.machine.state.tasks.isEmpty)
    }

    @Test("A result that the disk did not keep is reported as a failure, and its receipt ends it")
    func damagedResult() throws {
        var driver = Driver()
        let task = try driver.takeUp()
        driver.send(.workerStarted(task))
        driver.send(.workerEnded(task, Driver.ending(0, result: Driver.result())), after: 5)
        driver.send(.resultDamaged(task))
        #expect(driver.failure == .workerFailed)
        #expect(driver.last.words == ["save"])
        driver.send(.callAnswered(driver.project.reply()))
        driver.send(.tick, after: 5)
        #expect(driver.call?.request.reports.first?.failure.code == 3)
        #expect(driver.call?.request.reports.first?.failure.message == "the result file was damaged on disk")
        driver.send(.callAnswered(driver.project.reply(receipts: [driver.project.receipt(task, nil)])))
        #expect(driver.stage(task) == nil)
    }

    @Test("What a task has reached is known after a stop, and by the next client")
    func fractionStays() throws {
        var driver = Driver()
        let task = try driver.takeUp()
        driver.send(.workerStarted(task))
        let progress = WorkerProgress(fraction: 0.25, used: Usage(cpuSeconds: 3), peakMemoryBytes: 1)
        driver.send(.workerProgressed(task, progress))
        driver.send(.stopRequested)
        var ending = Driver.ending(75)
        ending.progress?.fraction = 0.5
        driver.send(.workerEnded(task, ending))
        let status = driver.machine.status(now: driver.now, liveWorkerCPUSeconds: 0)
        #expect(status.tasks.map(\.fraction) == [0.5])
        #expect(try StateFile.decode(try StateFile.encode(driver.machine.state))[task: task]?.fraction == 0.5)
    }

    @Test("A finished result stays even if the unsigned abort list names it")
    func abortOfAFinishedTask() throws {
        var driver = Driver()
        let task = try driver.takeUp()
        driver.send(.workerStarted(task))
        driver.send(.workerEnded(task, Driver.ending(0, result: Driver.result())), after: 5)
        driver.send(.callAnswered(driver.project.reply(abort: [task])))
        #expect(driver.stage(task) == .finished(Driver.result()))
    }
}
