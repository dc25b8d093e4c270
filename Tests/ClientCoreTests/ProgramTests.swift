import Bytes
import ClientCore
import Domain
import Foundation
import Preferences
import Testing
import Wire

@Suite("Units whose program a scientist wrote")
struct ProgramTests {
    private static let digest = SHA256Hash.digest(of: Array("a program".utf8))
    private static let file = UnitProgram.File(digest: digest, size: 9, platform: "any", interpreter: "sh")

    private static func driver(change: (inout ClientSettings) -> Void = { _ in }) -> Driver {
        Driver { settings in
            settings.programPlatforms = ["x86_64-linux", "any"]
            change(&settings)
        }
    }

    private static func makeProgram(_ body: inout WireWorkUnitBody) {
        body.app = "executable"
        body.program.name = "solver"
        body.program.version = "1.0"
    }

    private static func status(_ driver: Driver) -> ClientStatus.Task? {
        driver.machine.status(now: driver.now, liveWorkerCPUSeconds: 0).tasks.first
    }

    /// Brings the program of the first task so far that its worker runs.
    private static func run(_ driver: inout Driver) throws -> TaskID {
        let task = try driver.takeUp(change: makeProgram)
        driver.send(.programAnswered(task, .file(file)))
        driver.send(.blobFetched(digest))
        driver.send(.workerStarted(task))
        return task
    }

    @Test("Releases are asked, the program is fetched, and only then it is started")
    func order() throws {
        var driver = Self.driver()
        let task = try driver.takeUp(change: Self.makeProgram)
        #expect(driver.last.words.contains("find solver 1.0 for 0") && !driver.last.words.contains("start 0"))
        #expect(Self.status(driver)?.state == "waiting for its program")
        #expect(Self.status(driver)?.message?.contains("solver 1.0") == true)
        driver.send(.tick, after: 60)
        #expect(!driver.last.words.contains("find solver 1.0 for 0"))
        driver.send(.programAnswered(task, .file(Self.file)))
        #expect(driver.last.words == ["save", "fetch blob solver 1.0"])
        guard case .fetchBlob(let blob)? = driver.last.last else { Issue.record("nothing is fetched"); return }
        #expect(blob.digest == Self.digest && blob.size == 9 && blob.packing == .raw)
        #expect(Self.status(driver)?.state == "waiting for inputs")
        driver.send(.blobFetched(Self.digest))
        #expect(driver.last.words.contains("start 0"))
    }

    @Test("The program's own file lies in memory, too: it counts beside what the unit declares")
    func memory() throws {
        var driver = Self.driver()
        driver.send(.granted(CoreGrant(cores: 1, bufferCores: 1, othersMemoryBytes: 5 << 30, isShared: true)))
        let task = try driver.takeUp(change: Self.makeProgram)
        var large = Self.file
        large.size = 1 << 30
        driver.send(.programAnswered(task, .file(large)))
        driver.send(.blobFetched(Self.digest))
        #expect(!driver.last.words.contains("start 0"))
        #expect(Self.status(driver)?.message == "waits for memory: it needs 1088 MiB, others hold 5120 of 6144")
        driver.send(.granted(CoreGrant(cores: 1, bufferCores: 1, othersMemoryBytes: 4 << 30, isShared: true)))
        #expect(driver.last.words == ["start 0"])
    }

    @Test("The server is told which programs are started here, and as which apps")
    func calls() throws {
        let cases: [([String], Bool, [String], [String])] = [
            (["x86_64-linux", "any"], true, ["x86_64-linux", "any"], ["counting/1", "executable/1"]),
            (["any", "wasm"], true, ["any", "wasm"], ["counting/1", "executable/1", "wasm/1"]),
            (["wasm"], true, ["wasm"], ["counting/1", "wasm/1"]), ([], true, [], ["counting/1"]),
            (["any"], false, [], ["counting/1"]),
        ]
        for (platforms, allowed, told, apps) in cases {
            let driver = Self.driver {
                $0.programPlatforms = platforms
                $0.idle.preferences.allowsPrograms = allowed
                // What the worker lists of its own is no promise to start programs.
                $0.apps += ["executable/1"]
            }
            #expect(driver.call?.request.programPlatforms == told)
            #expect(driver.call?.request.apps == apps)
        }
    }

    @Test("What must not be started here is given back with the reason, and nobody is to blame")
    func objections() throws {
        let cases: [(String, (inout ClientSettings) -> Void, (inout WireWorkUnitBody) -> Void)] = [
            ("the preferences say `programs: no`", { $0.idle.preferences.allowsPrograms = false }, { _ in }),
            (
                "the sandbox lacks landlock",
                {
                    $0.programPlatforms = []
                    $0.programsLacking = "the sandbox lacks landlock"
                }, { _ in }
            ),
            (
                "nothing that runs WebAssembly modules", { _ in },
                {
                    $0.app = "wasm"; $0.program.fuel = 1000
                }
            ),
        ]
        for (words, settings, body) in cases {
            var driver = Self.driver(change: settings)
            _ = try driver.takeUp {
                Self.makeProgram(&$0)
                body(&$0)
            }
            #expect(driver.failure == .givenBack)
            #expect(Self.status(driver)?.message?.contains(words) == true, "\(words)")
            #expect(driver.machine.state.failuresInRow == 0)
            #expect(!driver.last.words.contains { $0.hasPrefix("find") || $0.hasPrefix("start") })
        }
        var driver = Self.driver()
        _ = try driver.takeUp {
            Self.makeProgram(&$0)
            $0.appVersion = 2
        }
        #expect(driver.failure == .unknownApp)
    }

    @Test("A program that releases do not name is given back with their reason")
    func refused() throws {
        var driver = Self.driver()
        let task = try driver.takeUp(change: Self.makeProgram)
        driver.send(.programAnswered(task, .refused("solver 1.0 is not released")))
        #expect(driver.failure == .givenBack && driver.machine.state.failuresInRow == 0)
        #expect(driver.call?.request.reports.first?.failure.message == "solver 1.0 is not released")
    }

    @Test("While the server cannot be asked, the task waits, is told why, and releases are asked again later and later")
    func unknown() throws {
        var driver = Self.driver()
        let task = try driver.takeUp(change: Self.makeProgram)
        var waits: [Double] = []
        for _ in 0..<6 {
            driver.send(.programAnswered(task, .unknown("the server is away")))
            #expect(driver.failure == nil)
            #expect(Self.status(driver)?.message == "the server is away")
            let due = try #require(driver.machine.wakeAt)
            var waited = 0.0
            while !driver.last.words.contains("find solver 1.0 for 0"), waited < 10_000 {
                driver.send(.tick, after: 1)
                waited += 1
            }
            #expect(driver.now >= due)
            waits.append(waited)
        }
        #expect(waits == waits.sorted() && waits[0] >= 5 && waits[5] > waits[0])
        driver.send(.programAnswered(task, .file(Self.file)))
        #expect(driver.last.words.contains("fetch blob solver 1.0"))
    }

    @Test("Not confirmed just before the start, it is not started before releases have spoken again")
    func doubted() throws {
        var driver = Self.driver()
        let task = try driver.takeUp(change: Self.makeProgram)
        driver.send(.programAnswered(task, .file(Self.file)))
        driver.send(.blobFetched(Self.digest))
        driver.send(.programDoubted(task))
        #expect(driver.last.words.contains("find solver 1.0 for 0"))
        driver.send(.tick, after: 100)
        #expect(!driver.last.words.contains("start 0"))
        driver.send(.programAnswered(task, .refused("withdrawn")))
        #expect(driver.failure == .givenBack)
    }

    @Test("Withdrawn, or no longer wanted by the owner, a program that runs is ended and its task given back")
    func stopped() throws {
        for isOwner in [false, true] {
            var driver = Self.driver()
            let task = try Self.run(&driver)
            if isOwner {
                var preferences = Preferences.standard
                preferences.allowsPrograms = false
                driver.send(.settingsChanged(preferences))
            } else {
                driver.send(.programAnswered(task, .refused("solver 1.0 was withdrawn")))
            }
            #expect(driver.last.words.contains("kill 0"))
            driver.send(.tick, after: 1)
            #expect(!driver.last.words.contains("kill 0"))
            driver.send(.workerEnded(task, Driver.ending(nil)))
            #expect(driver.failure == .givenBack && driver.machine.state.failuresInRow == 0)
        }
    }

    @Test("While it runs, releases that cannot be told or name another file change nothing")
    func runsOn() throws {
        var driver = Self.driver()
        let task = try Self.run(&driver)
        let other = UnitProgram.File(digest: SHA256Hash.digest(of: [1]), size: 1, platform: "any")
        for answer in [ProgramAnswer.unknown("away"), .file(other)] {
            driver.send(.programAnswered(task, answer))
            #expect(!driver.last.words.contains("kill 0"))
            #expect(driver.machine.state[task: task]?.unit?.program?.file == Self.file)
        }
        // A late answer for a task that is over, or that nobody knows, is none.
        driver.send(.workerEnded(task, Driver.ending(0, result: Driver.result())))
        driver.send(.programAnswered(task, .refused("late")))
        driver.send(.programAnswered(driver.project.task(9), .refused("unknown")))
        driver.send(.programDoubted(driver.project.task(9)))
        #expect(driver.failure == nil)
    }

    @Test("Changed bytes are fetched once more; then the task fails")
    func changedBytes() throws {
        var driver = Self.driver()
        let task = try Self.run(&driver)
        driver.send(.workerEnded(task, Driver.ending(66, words: "its hash is another")))
        #expect(driver.last.words.contains("drop blob") && driver.last.words.contains("fetch blob solver 1.0"))
        driver.send(.blobFetched(Self.digest))
        driver.send(.workerStarted(task))
        driver.send(.workerEnded(task, Driver.ending(66)))
        #expect(driver.failure == .badInput)
    }

    @Test("What releases said survives a restart, and a state without programs is read as before")
    func restart() throws {
        var driver = Self.driver()
        let task = try Self.run(&driver)
        let again = try StateFile.decode(try StateFile.encode(driver.machine.state))
        #expect(again[task: task]?.unit?.program?.file == Self.file)
        var plain = Driver()
        let other = try plain.takeUp()
        let old = try StateFile.decode(try StateFile.encode(plain.machine.state))
        #expect(old[task: other]?.unit != nil && old[task: other]?.unit?.program == nil)
    }
}
