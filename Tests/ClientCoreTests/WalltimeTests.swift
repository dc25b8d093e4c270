import ClientCore
import Domain
import Testing
import Wire

@Suite("How long a batch job lasts")
struct WalltimeTests {
    @Test(
        "What people and Slurm write",
        arguments: [
            ("2h", 7200), ("90m", 5400), ("1h30m", 5400), ("5400s", 5400), ("5400", 5400), ("1d", 86_400),
            ("1d2h3m4s", 93_784), ("02:00:00", 7200), ("2:00:00", 7200), ("59:30", 3570), ("1-00", 86_400),
            ("1-12:30", 131_400), ("7-00:00:01", 604_801), ("60", 60), ("365d", 31_536_000),
        ] as [(String, Double)])
    func good(text: String, seconds: Double) throws {
        #expect(try Walltime.seconds(text) == seconds)
    }

    @Test("No end", arguments: ["unlimited", "UNLIMITED"])
    func unlimited(text: String) throws {
        #expect(try Walltime.seconds(text) == nil)
    }

    @Test(
        "Anything else is refused with what is expected",
        arguments: [
            "", " ", "h", "2 h", "2x", "-5", "1.5h", "30m2h", "2h2h", "2h30", "1:2:3:4", "1:60", "00:61:00", "1-", "-1",
            "1-24:00:00", "1-2-3", "1-12:30m", ":30", "30:", "INVALID", "NOT_SET", "٣h", "99999999999", "1e3",
            "59", "366d", "0", "0h", String(repeating: "1", count: 100),
        ])
    func bad(text: String) {
        let fault = #expect(throws: Fault.self) { try Walltime.seconds(text) }
        #expect(fault?.kind == .usage)
        #expect(
            "\(fault.map { "\($0)" } ?? "")".contains("1m") || "\(fault.map { "\($0)" } ?? "")".contains("HH:MM:SS"))
    }

    @Test("Every time that Slurm can print is read as what it means")
    func slurm() throws {
        for days in [0, 1, 9, 364] {
            for hours in [0, 1, 23] {
                for (minutes, seconds) in [(0, 0), (1, 1), (59, 59)] {
                    let total = Double(((days * 24 + hours) * 60 + minutes) * 60 + seconds)
                    guard total >= Walltime.secondsMin else { continue }
                    let two = { (value: Int) in value < 10 ? "0\(value)" : "\(value)" }
                    let rest = "\(two(minutes)):\(two(seconds))"
                    // As squeue does: what is zero in front is left out.
                    let text =
                        days > 0 ? "\(days)-\(two(hours)):\(rest)" : hours > 0 ? "\(hours):\(rest)" : rest
                    #expect(try Walltime.seconds(text) == total, "\(text)")
                }
            }
        }
    }

    @Test("Told to stop where the folder goes with the job: workers leave, tasks go back, then the client ends")
    func stopGivesBack() throws {
        var driver = Driver { $0.atWalltime = .giveBack }
        let task = try driver.takeUp()
        driver.send(.workerStarted(task))
        driver.send(.stopRequested)
        #expect(driver.last.words.contains("stop 0"))
        driver.send(.workerEnded(task, Driver.ending(75)), after: 1)
        #expect(!driver.last.words.contains("exit"))
        if driver.call == nil { driver.send(.tick, after: 10) }
        #expect(driver.call?.request.reports.map(\.failure.code) == [5])
        driver.send(.callAnswered(driver.project.reply(receipts: [driver.project.receipt(task, nil)])))
        #expect(driver.last.words.last == "exit")
        #expect(driver.machine.state.tasks.isEmpty)
    }

    @Test("A single round does not wait for ever for a server that does not answer")
    func roundWithoutServer() throws {
        for once in [true, false] {
            var driver = Driver { $0.once = once }
            driver.send(.callFailed(.failed("nobody answers")))
            #expect(driver.machine.gaveUp == nil)
            for _ in 0..<59 where driver.last.words.last != "exit" {
                driver.send(.tick, after: 10)
                if driver.call != nil { driver.send(.callFailed(.failed("nobody answers"))) }
            }
            #expect(driver.last.words.last != "exit" && driver.machine.gaveUp == nil)
            driver.send(.tick, after: 11)
            if driver.call != nil { driver.send(.callFailed(.failed("nobody answers"))) }
            #expect((driver.last.words.last == "exit") == once)
            #expect(driver.machine.gaveUp == (once ? "nobody answers" : nil))
        }
    }

    @Test("An answer in between begins the wait anew; a result that is to be reported is worth an hour")
    func roundWithResult() throws {
        var driver = Driver { $0.once = true }
        let task = try driver.takeUp()
        driver.send(.workerStarted(task))
        driver.send(.workerEnded(task, Driver.ending(70)), after: 1000)
        func fail(for seconds: Double) {
            let end = driver.now + TimeSpan(seconds: seconds)
            while driver.now < end, driver.last.words.last != "exit" {
                if driver.call != nil { driver.send(.callFailed(.failed("nobody answers"))) }
                driver.send(.tick, after: 10)
            }
        }
        fail(for: 3500)
        #expect(driver.machine.gaveUp == nil && driver.machine.state.tasks.count == 1)
        fail(for: 300)
        #expect(driver.machine.gaveUp == "nobody answers" && driver.last.words.last == "exit")
        #expect(driver.machine.state.tasks.count == 1, "the next run reports it")
    }

    @Test("Told to stop where the folder stays: it does not wait for the server")
    func stopKeeps() throws {
        var driver = Driver { $0.walltimeSeconds = 1000 }
        let task = try driver.takeUp()
        driver.send(.workerStarted(task))
        driver.send(.stopRequested)
        driver.send(.workerEnded(task, Driver.ending(75)), after: 1)
        #expect(driver.last.words.last == "exit")
        #expect(driver.stage(task) == .ready)
    }

    @Test("A stop never makes a limited time longer")
    func stopNearTheEnd() throws {
        var driver = Driver {
            $0.walltimeSeconds = 1000
            $0.atWalltime = .giveBack
        }
        let task = try driver.takeUp()
        driver.send(.workerStarted(task))
        driver.send(.tick, after: 950)
        driver.send(.stopRequested)
        driver.send(.workerEnded(task, Driver.ending(75)), after: 1)
        if driver.call != nil { driver.send(.callFailed(.failed("nobody answers"))) }
        driver.send(.tick, after: 46)
        #expect(driver.last.words.last == "exit")
    }
}
