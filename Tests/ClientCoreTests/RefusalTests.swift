import Bytes
import ClientCore
import Domain
import Foundation
import Testing
import Wire

@Suite("What a client does not believe")
struct RefusalTests {
    @Test("A unit signed by somebody else is not run")
    func wrongSignature() throws {
        var driver = Driver()
        let task = driver.project.task(0)
        let unit = try driver.project.container(task, key: SigningKey())
        driver.send(.callAnswered(driver.project.reply(offers: [driver.project.offer(task, unit: unit)])))
        #expect(driver.failure == .badWorkUnit)
        #expect(!driver.last.words.contains("start 0"))
        #expect(driver.call?.request.reports.first?.failure.code == 1)
    }

    @Test("A unit with another hash than announced is not run")
    func wrongHash() throws {
        var driver = Driver()
        let task = driver.project.task(0)
        var offer = driver.project.offer(task, unit: try driver.project.container(task))
        offer.unitSha256 = Data(repeating: 1, count: 32)
        driver.send(.callAnswered(driver.project.reply(offers: [offer])))
        #expect(driver.failure == .badWorkUnit)
    }

    @Test("A unit that is another task's is not run")
    func otherUnit() throws {
        var driver = Driver()
        let task = driver.project.task(0)
        let unit = try driver.project.container(driver.project.task(1))
        driver.send(.callAnswered(driver.project.reply(offers: [driver.project.offer(task, unit: unit)])))
        #expect(driver.failure == .badWorkUnit)
    }

    @Test("A unit of another size than announced is not run")
    func otherSize() throws {
        var driver = Driver()
        let task = driver.project.task(0)
        let unit = try driver.project.container(task)
        var offer = driver.project.offer(task, unit: unit)
        offer.unitBytes += 1
        driver.send(.callAnswered(driver.project.reply(offers: [offer])))
        #expect(driver.failure == .badWorkUnit)
        #expect(driver.machine.problem?.contains("\(unit.count + 1) were announced") == true)
    }

    @Test("A unit that needs more memory than the host has is given back, and nobody is to blame")
    func tooMuchMemory() throws {
        var driver = Driver()
        _ = try driver.takeUp { $0.memoryBytes = 1 << 50 }
        #expect(driver.failure == .givenBack)
        #expect(!driver.last.words.contains("start 0"))
        #expect(driver.machine.state.failuresInRow == 0)
        let status = driver.machine.status(now: driver.now, liveWorkerCPUSeconds: 0)
        #expect(status.tasks.first?.message?.contains("of memory, this host has 8192") == true)
    }

    @Test("A unit that needs more disk than the host has is given back, too")
    func tooMuchDisk() throws {
        var driver = Driver()
        _ = try driver.takeUp { $0.diskBytes = 1 << 60 }
        #expect(driver.failure == .givenBack)
        #expect(!driver.last.words.contains("start 0"))
    }

    @Test("A task that an earlier client took, and that can never fit, is given back; a result of it is not lost")
    func takenBefore() throws {
        var driver = Driver()
        let task = driver.project.task(0)
        let unit = try driver.project.container(task) { $0.memoryBytes = 1 << 50 }
        let offer = Offer(
            task: task, project: "p", unit: SHA256Hash.digest(of: unit), unitBytes: Int64(unit.count),
            deadline: driver.now + TimeSpan(seconds: 1000), estimatedSeconds: 1, uploadTicket: "t", flops: 1e9)
        var other = driver
        driver.send(.started(slots: [SlotFinding(task: task, offer: offer, unit: unit, result: nil)], blobs: []))
        #expect(driver.failure == .givenBack)
        let result = Driver.result()
        other.send(.started(slots: [SlotFinding(task: task, offer: offer, unit: unit, result: result)], blobs: []))
        #expect(other.stage(task) == .finished(result))
    }

    @Test("The nearest deadline is not overtaken while it waits for memory, and status says why it waits")
    func memoryIsWaitedFor() throws {
        var driver = Driver(cores: 4)
        _ = try driver.takeUp(0) { $0.memoryBytes = 4 << 30 }
        _ = try driver.takeUp(1) { $0.memoryBytes = 5 << 30 }
        _ = try driver.takeUp(2) { $0.memoryBytes = 1 << 20 }
        #expect(!driver.last.words.contains { $0.hasPrefix("start") })
        let status = driver.machine.status(now: driver.now, liveWorkerCPUSeconds: 0)
        #expect(status.tasks[1].state == "ready")
        #expect(status.tasks[1].message == "waits for memory: it needs 5120 MiB, others hold 4096 of 6144")
        driver.send(.workerStarted(driver.project.task(0)))
        driver.send(.workerEnded(driver.project.task(0), Driver.ending(0, result: Driver.result())), after: 5)
        #expect(driver.last.words.filter { $0.hasPrefix("start") } == ["start 1", "start 2"])
    }

    @Test("Tasks share three quarters of the memory, and one may always run")
    func memoryIsShared() throws {
        var driver = Driver(cores: 4)
        _ = try driver.takeUp(0) { $0.memoryBytes = 7 << 30 }
        #expect(driver.last.words.contains("start 0"), "8 GiB are there")
        _ = try driver.takeUp(1) { $0.memoryBytes = 1 << 20 }
        #expect(!driver.last.words.contains("start 1"))
        var other = Driver(cores: 4)
        var started: [String] = []
        for index in 0..<4 {
            _ = try other.takeUp(Int64(index)) { $0.memoryBytes = 2 << 30 }
            started += other.last.words.filter { $0.hasPrefix("start") }
        }
        #expect(started == ["start 0", "start 1", "start 2"], "three times 2 GiB fit into 6")
    }

    @Test("An app that the worker does not know is reported as such")
    func unknownApp() throws {
        var driver = Driver()
        _ = try driver.takeUp { $0.appVersion = 2 }
        #expect(driver.failure == .unknownApp)
    }

    @Test("An altered byte anywhere in the container is noticed")
    func alteredContainer() throws {
        let project = Project()
        let task = project.task(0)
        let good = try project.container(task)
        for at in stride(from: 0, to: good.count, by: 7) {
            var driver = Driver()
            var bad = try driver.project.container(task)
            bad[at % bad.count] ^= 0x20
            let offer = driver.project.offer(task, unit: try driver.project.container(task), inline: false)
            driver.send(.callAnswered(driver.project.reply(offers: [offer])))
            driver.send(.unitFetched(task, bad))
            #expect(driver.failure == .badWorkUnit, "byte \(at)")
        }
    }

    enum Forgery: CaseIterable {
        case unsigned, otherKey, otherHost, otherResult, unknownStatus
    }

    @Test("A result outlives every forged receipt", arguments: Forgery.allCases)
    func forgedReceipts(forgery: Forgery) throws {
        var driver = Driver()
        let task = try driver.takeUp()
        driver.send(.workerStarted(task))
        let result = Driver.result()
        driver.send(.workerEnded(task, Driver.ending(0, result: result)), after: 5)
        let project = driver.project
        var reply: WireSchedulerReply
        switch forgery {
        case .unsigned:
            reply = project.reply(receipts: [project.receipt(task, result.digest)])
            reply.receiptsSignature = Data(repeating: 0, count: 64)
        case .otherKey: reply = project.reply(receipts: [project.receipt(task, result.digest)], key: SigningKey())
        case .otherHost:
            reply = project.reply(receipts: [project.receipt(task, result.digest)], host: HostID(rawValue: 8))
        case .otherResult:
            reply = project.reply(receipts: [project.receipt(task, Digest(bytes: [UInt8](repeating: 3, count: 32)))])
        case .unknownStatus:
            reply = project.reply(receipts: [project.receipt(task, result.digest, .UNRECOGNIZED(99))])
        }
        driver.send(.callAnswered(reply))
        #expect(driver.stage(task) == .finished(result))
        #expect(!driver.last.words.contains("drop 0"))
        #expect(driver.machine.problem != nil)
        // It is reported again, later.
        #expect(driver.call == nil)
        driver.send(.tick, after: 300)
        #expect(driver.call?.request.reports.count == 1)
    }

    @Test(
        "Receipts that end a task: late, duplicate, not needed",
        arguments: [WireReceiptStatus.receiptLate, .receiptDuplicate, .receiptNotNeeded])
    func finalReceipts(status: WireReceiptStatus) throws {
        var driver = Driver()
        let task = try driver.takeUp()
        driver.send(.workerStarted(task))
        let result = Driver.result()
        driver.send(.workerEnded(task, Driver.ending(0, result: result)), after: 5)
        driver.send(
            .callAnswered(driver.project.reply(receipts: [driver.project.receipt(task, result.digest, status)])))
        #expect(driver.stage(task) == nil)
    }

    @Test("Offers that are none are passed over")
    func brokenOffers() throws {
        var driver = Driver()
        let task = driver.project.task(0)
        let unit = try driver.project.container(task)
        let changes: [(inout WireTaskOffer) -> Void] = [
            { $0.taskID = 0 }, { $0.taskID = .max }, { $0.unitSha256 = Data([1]) }, { $0.unitBytes = 1 << 40 },
            { $0.estimatedSeconds = .nan }, { $0.flops = .infinity },
            { $0.uploadTicket = String(repeating: "x", count: 5000) },
        ]
        for change in changes {
            var offer = driver.project.offer(task, unit: unit)
            change(&offer)
            driver.send(.callAnswered(driver.project.reply(offers: [offer])), after: 100)
            #expect(driver.machine.state.tasks.isEmpty)
        }
    }
}
