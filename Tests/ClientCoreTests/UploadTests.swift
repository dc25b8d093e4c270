import ClientCore
import Domain
import Testing
import Wire

@Suite("Uploads that the server refuses")
struct UploadTests {
    static let result = Driver.result(70_000)

    /// A large result whose ticket has just been refused.
    static func refused() throws -> (Driver, TaskID) {
        var driver = Driver()
        let task = try driver.takeUp()
        driver.send(.workerStarted(task))
        driver.send(.workerEnded(task, Driver.ending(0, result: result)), after: 5)
        #expect(driver.last.words.contains("upload 0"))
        driver.send(.callAnswered(driver.project.reply()))
        driver.send(.uploadFailed(task, .permanent("this upload ticket has expired")), after: 2)
        return (driver, task)
    }

    static func missing(_ driver: Driver, _ task: TaskID, offers: [WireTaskOffer] = []) -> ClientEvent {
        let receipt = driver.project.receipt(task, result.digest, .receiptResultMissing)
        return .callAnswered(driver.project.reply(offers: offers, receipts: [receipt]))
    }

    @Test(
        "It is reported without its bytes, and the receipt ends it",
        arguments: [WireReceiptStatus.receiptNotNeeded, .receiptDuplicate])
    func isSettled(status: WireReceiptStatus) throws {
        var (driver, task) = try Self.refused()
        let call = try #require(driver.call)
        #expect(call.request.reports.map(\.taskID) == [UInt64(task.rawValue)])
        #expect(call.inlineResults.isEmpty)
        #expect(call.request.heldTasks.isEmpty, "so that the server offers it again, with a new ticket")
        driver.send(
            .callAnswered(driver.project.reply(receipts: [driver.project.receipt(task, Self.result.digest, status)])))
        #expect(driver.stage(task) == nil)
    }

    @Test("A server that lacks the result and gives no new ticket is asked ever more rarely; the result is kept")
    func isKept() throws {
        var (driver, task) = try Self.refused()
        var waits: [Double] = []
        for _ in 0..<8 {
            let asked = driver.now
            driver.send(Self.missing(driver, task), random: 0.999)
            var reports = driver.call?.request.reports.count ?? 0
            for _ in 0..<2000 where reports == 0 {
                #expect(!driver.last.words.contains("upload 0"))
                if driver.call != nil { driver.send(.callAnswered(driver.project.reply()), random: 0.999) }
                driver.send(.tick, after: 1)
                reports = driver.call?.request.reports.count ?? 0
            }
            waits.append((driver.now - asked).seconds)
        }
        #expect(waits[0] <= 5 && waits[7] > 100)
        #expect(driver.stage(task) == .finished(Self.result))
    }

    @Test("A new ticket is tried")
    func newTicket() throws {
        var (driver, task) = try Self.refused()
        var offer = driver.project.offer(task, unit: try driver.project.container(task))
        offer.uploadTicket = "a new one"
        driver.send(Self.missing(driver, task, offers: [offer]))
        driver.send(.tick, after: 5)
        #expect(driver.last.words.contains("upload 0"))
        #expect(driver.machine.state[task: task]?.offer.uploadTicket == "a new one")
        driver.send(.uploaded(task))
        #expect(driver.stage(task) != .finished(Self.result), "it is marked as uploaded")
    }

    @Test("A server that loses every upload does not get a storm of them")
    func lostUploads() throws {
        var driver = Driver()
        let task = try driver.takeUp()
        driver.send(.workerStarted(task))
        driver.send(.workerEnded(task, Driver.ending(0, result: Self.result)), after: 5)
        driver.send(.callAnswered(driver.project.reply()))
        var uploads = 1
        var isUploading = true
        for _ in 0..<120 {
            if isUploading {
                driver.send(.uploaded(task))
                driver.send(Self.missing(driver, task))
            } else {
                driver.send(.tick, after: 0.5)
            }
            isUploading = driver.last.words.contains("upload 0")
            if isUploading { uploads += 1 }
        }
        #expect((3..<12).contains(uploads))
    }
}
