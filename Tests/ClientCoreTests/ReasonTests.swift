import ClientCore
import Domain
import Testing
import Wire

@Suite("Every task says why it does not get on")
struct ReasonTests {
    private static let digest = Digest(bytes: [UInt8](repeating: 9, count: 32))!

    private static func withInput(_ body: inout WireWorkUnitBody) {
        var input = WireInputRef()
        input.name = "photons"
        input.sha256.append(contentsOf: digest.bytes)
        input.size = 100
        input.packing = "plain"
        body.inputs = [input]
    }

    private static func row(_ driver: Driver, _ place: Int = 0) -> (String, String?) {
        let row = driver.machine.status(now: driver.now, liveWorkerCPUSeconds: 0).tasks[place]
        return (row.state, row.message)
    }

    private static func computes(_ driver: Driver) -> Bool {
        ClientStatus(
            writtenAt: driver.now, policy: driver.machine.policy, cores: 1,
            projects: [driver.machine.status(now: driver.now, liveWorkerCPUSeconds: 0)]
        ).computing
    }

    @Test("A worker that stands still names what stands against it, the user's pause or the machine")
    func paused() throws {
        var (driver, _) = try PausingTests.driver()
        #expect(Self.row(driver) == ("computing", nil) && Self.computes(driver))
        driver.send(.probed(PausingTests.here(driver.now)))
        #expect(Self.row(driver).0 == "paused")
        #expect(Self.row(driver).1?.hasPrefix("keyboard or pointer were used") == true)
        #expect(!Self.computes(driver))
        driver.send(.userPaused(until: nil))
        #expect(Self.row(driver) == ("paused", "you paused the client"))
    }

    @Test("Ready, and not started: no core, no worker, or nothing may compute")
    func ready() throws {
        var driver = Driver { $0.bufferSeconds = 3600 }
        let task = try driver.takeUp()
        driver.send(.workerStarted(task))
        _ = try driver.takeUp(1)
        #expect(Self.row(driver, 1) == ("ready", "waits for a core"))
        driver.send(.workerEnded(task, Driver.ending(75, words: "the machine goes down")), after: 1)
        #expect(Self.row(driver, 1).1?.contains("no worker can be started: exit code 75: the machine") == true)
        driver.send(.callAnswered(driver.project.reply()))
        #expect(Self.row(driver, 1).1?.contains("tried again in") == true, "a reply of the server does not end that")
        driver.send(.userPaused(until: nil))
        #expect(Self.row(driver, 1) == ("ready", "you paused the client"))
    }

    @Test("Without its unit or inputs it names what failed, whatever the server said since; or the closed network")
    func inputs() throws {
        var driver = Driver()
        _ = try driver.takeUp(change: Self.withInput)
        #expect(Self.row(driver) == ("waiting for inputs", "1 of them being fetched"))
        driver.send(.blobFetchFailed(Self.digest, .temporary("the mirror is away")))
        driver.send(.callAnswered(driver.project.reply()))
        #expect(driver.machine.problem == nil)
        #expect(Self.row(driver) == ("waiting for inputs", "the mirror is away"))
        let other = driver.project.task(1)
        let offer = driver.project.offer(other, unit: try driver.project.container(other), inline: false)
        var more = Driver { $0.bufferSeconds = 3600 }
        more.send(.callAnswered(more.project.reply(offers: [offer])))
        #expect(Self.row(more) == ("waiting for its work unit", "it is being fetched"))
        more.send(.unitFetchFailed(other, .temporary("slow")))
        more.send(.callAnswered(more.project.reply()))
        #expect(Self.row(more) == ("waiting for its work unit", "slow"))
        driver.send(.blobFetched(Self.digest))
        #expect(Self.row(driver).0 == "computing")
    }

    @Test("A part that nobody needs is given up after a day")
    func parts() throws {
        var driver = Driver()
        let task = try driver.takeUp(change: Self.withInput)
        driver.send(.blobFetchFailed(Self.digest, .temporary("away")))
        driver.send(.taskAborted(task, reason: ""))
        driver.send(.callAnswered(driver.project.reply(receipts: [driver.project.receipt(task, nil)])))
        driver.send(.tick, after: 80_000)
        #expect(!driver.last.words.contains("keep blobs"))
        driver.send(.tick, after: 10_000)
        #expect(driver.last.words.contains("keep blobs"))
        for case .keepBlobs(let kept) in driver.last { #expect(kept.isEmpty) }
    }

    @Test("The client is paused when all projects are, until the last of the pauses is over")
    func pauseOfAll() {
        func project(_ state: String, until: Int64?, isPaused: Bool = true) -> ClientStatus.Project {
            var project = ClientStatus.Project(name: "a", state: state, attachment: nil, share: 100, problem: nil)
            let hold = ClientStatus.Hold(code: .paused, reason: "you paused the client", until: "", untilMs: until)
            project.holds = isPaused ? [hold] : []
            return project
        }
        let (soon, late, free) = (
            project("working", until: 5), project("working", until: nil),
            project("working", until: nil, isPaused: false)
        )
        #expect(ClientStatus.pauseOfAll([soon, late])?.untilMs == nil)
        #expect(ClientStatus.pauseOfAll([soon, late]) != nil)
        #expect(ClientStatus.pauseOfAll([soon, free]) == nil && ClientStatus.pauseOfAll([]) == nil)
        #expect(ClientStatus.pauseOfAll([soon, project("stopped", until: nil, isPaused: false)])?.untilMs == 5)
        #expect(ClientStatus.pauseOfAll([project("stopped", until: 7)])?.untilMs == 7)
    }
}
