import Bytes
import Testing
import WorkerHost

@Suite("Turns of running and standing")
struct DutyRuleTests {
    /// Runs the rule for so many periods on a machine that gives a task `speed(period)` of a core when it wants to run.
    static func used(
        _ share: Double, _ tasks: Int, periods: Int, overshootSeconds: Double = 0, speed: (Int) -> Double
    ) -> Double {
        var rule = DutyRule()
        var (used, last) = (0.0, 0.0)
        for period in 0..<periods {
            let run = rule.runSeconds(
                share: share, tasks: tasks, elapsedSeconds: DutyRule.periodSeconds, usedSeconds: last)
            #expect((0...DutyRule.periodSeconds).contains(run))
            // Who is stopped late runs on for a while.
            let really = run > 0 ? min(run + overshootSeconds, DutyRule.periodSeconds) : 0
            last = really * Double(tasks) * speed(period)
            used += last
        }
        return used / (Double(periods) * DutyRule.periodSeconds * Double(tasks))
    }

    @Test("Every percentage is kept within a tenth of a percent on a machine that does what it is told")
    func exact() {
        for percent in 1..<100 {
            for tasks in 1...4 {
                let share = Double(percent) / 100
                let used = Self.used(share, tasks, periods: 1000) { _ in 1 }
                #expect(abs(used - share) < 0.001 + 1.0 / 1000, "\(percent) %, \(tasks) tasks: \(used)")
            }
        }
    }

    @Test("Signals that come late are made up for")
    func late() {
        for percent in [5, 20, 50, 80] {
            let used = Self.used(Double(percent) / 100, 2, periods: 1000, overshootSeconds: 0.008) { _ in 1 }
            #expect(abs(used - Double(percent) / 100) < 0.005)
        }
    }

    @Test("Where others take most of the machine, it runs longer; with enough for it, it gets its share")
    func contended() {
        #expect(abs(Self.used(0.5, 1, periods: 1000) { _ in 0.6 } - 0.5) < 0.005)
        // Not enough: it runs all the time, and what it did not get is not saved up.
        #expect(abs(Self.used(0.5, 1, periods: 1000) { _ in 0.3 } - 0.3) < 0.005)
        let afterwards = Self.used(0.5, 1, periods: 200) { $0 < 100 ? 0 : 1 }
        #expect(afterwards * 200 <= 0.5 * 100 + 2)
    }

    @Test("Never more than the share and one period, never less than what a machine in any mood allows")
    func anyMood() {
        var draw = SeededGenerator(seed: 5)
        for _ in 0..<200 {
            let share = Double.random(in: 0.01..<1, using: &draw)
            let periods = Int.random(in: 50...400, using: &draw)
            let speeds = (0..<periods).map { _ in Double.random(in: 0...1, using: &draw) }
            let used = Self.used(share, Int.random(in: 1...8, using: &draw), periods: periods) { speeds[$0] }
            #expect(used <= share + 1.5 / Double(periods))
            let floor = speeds.reduce(0) { $0 + min(share, 1) * $1 } / Double(periods)
            #expect(used >= floor - 0.05 - 1.0 / Double(periods))
        }
    }

    @Test("A program that takes more cores than its task has pays for them")
    func manyThreads() {
        // Eight threads for one task: a fifth of a core in all, all the same.
        let used = Self.used(0.2, 1, periods: 4000) { _ in 8 }
        #expect(abs(used - 0.2) < 0.01)
    }

    @Test("The measurement is over the last minute, and of what tasks occupied")
    func ledger() {
        var ledger = CPULedger()
        ledger.note(at: 0, usedSeconds: 0, occupiedSeconds: 0)
        #expect(ledger.measured == nil)
        ledger.note(at: 10, usedSeconds: 0, occupiedSeconds: 0)
        // Nothing was to run: there is nothing to say.
        #expect(ledger.measured == nil)
        for second in 1...100 {
            // Two tasks, each half of the time; after a minute three quarters.
            let used = Double(second) + (second > 60 ? 0.5 * Double(second - 60) : 0)
            ledger.note(at: 10 + Double(second), usedSeconds: used, occupiedSeconds: 2 * Double(second))
            if second == 30 { #expect(abs((ledger.measured?.percent ?? 0) - 50) < 1e-9) }
        }
        let measured = ledger.measured
        #expect(abs((measured?.seconds ?? 0) - 60) < 1e-9)
        // Of the last minute 20 s were at a half, 40 at three quarters.
        #expect(abs((measured?.percent ?? 0) - (50 * 20 + 75 * 40) / 60) < 1e-6)
    }
}
