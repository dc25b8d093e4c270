import ClientCore
import Domain
import Testing

@Suite("What waits for the disk")
struct ActionTests {
    private static let task = TaskID(rawValue: 64)

    @Test("Nothing that stops or continues a worker waits behind a disk that refuses")
    func workersAreStoppedAtOnce() {
        let actions: [ClientAction] = [
            .suspendWorker(Self.task), .resumeWorker(Self.task), .stopWorker(Self.task), .killWorker(Self.task),
            .say("a word"),
        ]
        #expect(actions.allSatisfy { $0.standing == .atOnce })
    }

    @Test("What rests on the saved state keeps its place, and what only tidies up holds nothing up")
    func orderIsKept() {
        for action in [ClientAction.save, .startWorker(Self.task), .exit] {
            #expect(action.standing == .inOrder)
        }
        for action in [ClientAction.dropTask(Self.task), .keepBlobs([])] {
            #expect(action.standing == .dispensable)
        }
        #expect(ClientAction.exit.isExit && !ClientAction.save.isExit)
    }
}

@Suite("What a host says of its availability")
struct AvailabilityTests {
    @Test("A new client whose user is at the keyboard is not taken for one that never computes")
    func newClient() {
        var driver = Driver { $0.idle.always = false }
        driver.send(.probed([ProbeReading(kind: .userInput, value: .idle(milliseconds: 0), at: driver.now)]), after: 5)
        driver.send(.tick, after: 60)
        #expect(driver.machine.state.availability > 0.99)
        for _ in 0..<48 { driver.send(.tick, after: 3600) }
        #expect(driver.machine.state.availability < 0.2, "two days without computing do count")
        #expect(driver.machine.state.availability >= 0.01)
    }
}
