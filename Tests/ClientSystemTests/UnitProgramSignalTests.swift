import Domain
import Glibc
import Testing
import Wire
import WorkerHost

/// How programs of units are stopped, continued, asked to end, killed, and taken up again.
@Suite(
    "Stopping programs of units", .enabled(if: SandboxTests.isThere && Files.exists(WorkerProgramFixture.worker)))
struct UnitProgramSignalTests {
    /// Counts to the end in steps, from its checkpoint on.
    private static let counting = """
        n=$(cat checkpoint 2> /dev/null || echo 0)
        trap 'echo $n > checkpoint; exit 75' TERM
        echo "begun at $n" >> /output/checkpoint.log
        while [ $n -lt 1000 ]; do
            n=$((n+1)); echo "0.$n" > progress
            if [ -e /input/stop.csv ]; then while :; do sleep 0.05; done; fi
        done
        echo $n > out.txt
        """

    @Test("Asked to end, it saves a checkpoint; the next run goes on from there, and its CPU time adds up")
    func checkpoint() throws {
        let fixture = try UnitProgramFixture()
        var unit = UnitProgramFixture.Unit(Self.counting)
        unit.results = ["out.txt", "checkpoint.log"]
        var stopped = unit
        stopped.sections = ["stop.csv": "x\n"]
        let run = try fixture.start("slot", stopped)
        #expect(eventually { run.progress()?.fraction == 0.1 })
        run.terminate()
        let exit = run.wait()
        #expect(exit.exit.code == 75 && exit.lastWords.contains("with a checkpoint"), "\(exit)")
        #expect(fixture.output("slot", "checkpoint") == "1\n")
        let used = try #require(WorkerRun.progress(in: fixture.slot("slot"))?.cpuSeconds)
        #expect(used > 0)
        #expect(try fixture.end("slot", unit).exit.code == 0)
        #expect(try fixture.result("slot") == ["out.txt": "1000\n", "checkpoint.log": "begun at 0\nbegun at 1\n"])
        #expect(WorkerRun.progress(in: fixture.slot("slot"))?.cpuSeconds ?? 0 > used)
    }

    @Test("It is asked once, whether the whole group hears of it, or this process alone, or its client is gone")
    func once() throws {
        let fixture = try UnitProgramFixture()
        let unit = UnitProgramFixture.Unit(
            """
            n=0; trap 'n=$((n+1)); [ $n = 1 ] && end=$(( $(date +%s) + 2 ))' TERM
            end=99999999999; echo 0.5 > progress
            while [ $(date +%s) -lt $end ]; do sleep 0.1; done
            echo $n > checkpoint; exit 75
            """)
        for (name, ask) in [
            ("group", { (run: WorkerRun) in run.terminate() }), ("alone", { kill($0.pid, SIGTERM) }),
        ] {
            let run = try fixture.start(name, unit)
            #expect(eventually { run.progress()?.fraction == 0.5 })
            ask(run)
            #expect(run.wait().exit.code == 75)
            #expect(fixture.output(name, "checkpoint") == "1\n", "\(name)")
        }
    }

    @Test("One that ignores it is ended after ten seconds, with all that it started; what it wrote stays")
    func ignores() throws {
        let fixture = try UnitProgramFixture()
        let name = "8\(getpid()).17"
        let unit = UnitProgramFixture.Unit(
            "trap '' TERM INT HUP\n(sleep \(name) &)\nsleep \(name) &\necho 7 > checkpoint; echo 0.5 > progress\nwait")
        let run = try fixture.start("slot", unit)
        #expect(eventually { run.progress()?.fraction == 0.5 })
        #expect(UnitProgramFixture.lives(name))
        run.terminate()
        let exit = run.wait()
        #expect(exit.exit.code == 75, "\(exit)")
        #expect(eventually { !UnitProgramFixture.lives(name) })
        #expect(fixture.output("slot", "checkpoint") == "7\n")
    }

    @Test("Stopped it stands still with all that it started, and goes on; killed, everything is gone at once")
    func suspend() throws {
        let fixture = try UnitProgramFixture()
        let unit = UnitProgramFixture.Unit(
            """
            count() { n=0; while :; do n=$((n+1)); echo $n > $1.new; mv $1.new $1; done; }
            (count one &)
            count two &
            wait
            """)
        let run = try fixture.start("slot", unit)
        func counts() -> [String?] { ["one", "two"].map { fixture.output("slot", $0) } }
        #expect(eventually { !counts().contains(nil) })
        // What its children use counts, and they are of the worker's group.
        #expect(eventually { run.cpuSeconds() ?? 0 > 0.5 })
        #expect(ProcessTimes.cpuSeconds(ofGroup: run.pid) ?? 0 > 0.4)
        run.suspend()
        var stopped = counts()
        #expect(
            eventually {
                stopped = counts()
                usleep(2_000_000)
                return counts() == stopped
            })
        run.resume()
        #expect(eventually { zip(counts(), stopped).allSatisfy { $0 != $1 } })
        #expect(eventually { WorkerRun.progress(in: fixture.slot("slot"))?.cpuSeconds ?? 0 > 0.3 })
        let group = run.pid
        run.kill()
        #expect(run.wait().exit.signal == SIGKILL)
        #expect(eventually { ProcessTimes.cpuSeconds(ofGroup: group) == nil })
    }

    @Test("Its progress is mirrored; what is no number leaves it as it was")
    func progress() throws {
        let fixture = try UnitProgramFixture()
        let unit = UnitProgramFixture.Unit(
            """
            echo 0.25 > progress; while [ ! -e checkpoint ]; do sleep 0.05; done
            echo rubbish > progress; sleep 1.2
            echo 7 > progress; while :; do sleep 0.1; done
            """)
        let run = try fixture.start("slot", unit)
        #expect(eventually { run.progress()?.fraction == 0.25 })
        // The folder may be another user's by now; root's tests and the user's own can write it all the same.
        try fixture.folder.write("slot/program-output/checkpoint", "go on")
        var seen: Set<Double> = []
        #expect(
            eventually {
                seen.insert(run.progress()?.fraction ?? -1)
                return seen.contains(1)
            })
        #expect(seen.isSubset(of: [0.25, 1]))
        run.kill()
        run.wait()
    }

    @Test("A program that has ended is not started again when only its result is missing")
    func done() throws {
        let fixture = try UnitProgramFixture()
        try Files.makeFolder(fixture.slot("slot") + "/program-output")
        try fixture.folder.write("slot/program-output/out.txt", "from before\n")
        try fixture.folder.write("slot/program-done", "")
        let exit = try fixture.end("slot", "echo anew > out.txt")
        #expect(exit.exit.code == 0, "\(exit)")
        #expect(try fixture.result("slot") == ["out.txt": "from before\n"])
    }

    @Test("Two workers never share a folder, and the second leaves the first alone")
    func lock() throws {
        let fixture = try UnitProgramFixture()
        let unit = UnitProgramFixture.Unit("echo 0.5 > progress; while :; do sleep 0.1; done")
        let run = try fixture.start("slot", unit)
        #expect(eventually { run.progress()?.fraction == 0.5 })
        let second = try fixture.end("slot", unit)
        #expect(second.exit.code == 75 && second.lastWords.contains("another worker computes"))
        #expect(run.poll() == nil)
        run.kill()
        run.wait()
    }
}
