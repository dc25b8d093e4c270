import Domain
import Engine
import Testing

/// Speed, quota and the pace of calls.
struct HostTests {
    private func host(
        measured: Double? = nil, benchmark: Double = 2e9, valid: Int64 = 0, invalid: Int64 = 0, errors: Int64 = 0
    ) -> HostRecord {
        HostRecord(
            id: HostID(rawValue: 1), volunteer: VolunteerID(rawValue: 2), publicKey: [],
            profile: HostProfile(
                name: "pc", platform: "x86_64-linux", cpuModel: "test", cores: 0, memoryBytes: 1000,
                diskFreeBytes: 1000, benchmarkFlopsPerSecond: benchmark, clientVersion: "1"),
            sequence: 0, measuredFlopsPerSecond: measured, validCount: valid, invalidCount: invalid,
            errorCount: errors, credit: .zero, createdAt: Timestamp(seconds: 0), lastSeenAt: Timestamp(seconds: 0))
    }

    @Test func speedIsMeasuredElseBenchmarkedElseSlow() {
        #expect(HostSpeed.perCore(host(measured: 5e9)) == 5e9)
        #expect(HostSpeed.perCore(host()) == 2e9)
        for useless in [0, -1, .nan, .infinity] {
            #expect(HostSpeed.perCore(host(measured: useless, benchmark: useless)) == 1e9)
        }
        #expect(HostSpeed.perCore(host(benchmark: 1e30)) == 1e13)
        #expect(HostSpeed.seconds(flops: 1e12, flopsPerSecond: 2e9) == 500)
    }

    @Test func speedFollowsTheTimePerOperation() throws {
        #expect(HostSpeed.updated(nil, flops: 1e12, wallSeconds: 100) == 1e10)
        let slower = try #require(HostSpeed.updated(1e10, flops: 1e12, wallSeconds: 1000))
        #expect(abs(1 / slower - (0.8 / 1e10 + 0.2 / 1e9)) < 1e-15)
        var speed: Double? = 1e9
        for _ in 0..<60 { speed = HostSpeed.updated(speed, flops: 1e12, wallSeconds: 100) }
        #expect(abs(try #require(speed) / 1e10 - 1) < 1e-4)
        for wall in [0, -5, .nan, .infinity] {
            #expect(HostSpeed.updated(3e9, flops: 1e12, wallSeconds: wall) == 3e9)
            #expect(HostSpeed.updated(nil, flops: 1e12, wallSeconds: wall) == nil)
        }
        #expect(HostSpeed.updated(nil, flops: 1e21, wallSeconds: 1e-9) == 1e13)
    }

    @Test func unknownAvailabilityIsWhole() {
        #expect([0, .nan, -1, .infinity].map(HostSpeed.availability) == [1, 1, 1, 1])
        #expect([0.5, 0.001, 7].map(HostSpeed.availability) == [0.5, 0.01, 1])
    }

    @Test func viewOfAHostTakesOffWhatIsReserved() {
        let view = HostView(host(), availability: 0, apps: ["a/1"], inProgress: 3, reservedDiskBytes: 400)
        #expect(view.diskFreeBytes == 600)
        #expect(view.cores == 1)
        #expect(view.availability == 1)
        #expect(view.flopsPerSecond == 2e9)
        #expect(view.dailyQuota == 10_000)
    }

    @Test func quotaShrinksWithBlameAndRecoversWithMerit() {
        func quota(_ valid: Int64, _ invalid: Int64, _ errors: Int64, cores: Int = 1) -> Int {
            HostQuota.tasksPerDay(valid: valid, invalid: invalid, errors: errors, cores: cores)
        }
        #expect(quota(0, 0, 0) == 10_000)
        #expect(quota(0, 0, 0, cores: 4) == 40_000)
        #expect(quota(0, 0, 1) == 1975)
        #expect(quota(0, 0, 10) == 7)
        #expect(quota(0, 5, 0) == quota(0, 0, 10))
        #expect(quota(0, 0, 1_000_000) == HostQuota.tasksPerDayMin)
        #expect(quota(1000, 0, 10) > 9000)
        for errors in [Int64(1), 10, 100, 100_000] {
            var last = 0
            for valid in stride(from: Int64(0), through: 400_000, by: 1000) {
                let now = quota(valid, 0, errors)
                #expect(now >= last)
                last = now
            }
            #expect(last > 4000, "\(errors) errors are never lived down")
        }
        #expect(quota(.max, .max, .max) > 0)
        #expect(quota(-5, -5, -5, cores: -1) == 10_000)
    }

    @Test func callsAreSoonWhileThereIsWorkAndRareWhenThereIsNone() {
        let pace = NextCall(busySeconds: 1, waitingSeconds: 10, idleSeconds: 60, maximumSeconds: 3600)
        func seconds(
            _ reasons: [Refusal.Reason], given: Bool = false, inProgress: Int = 0, quota: Int = 10_000,
            open: Bool = true
        ) -> Double {
            let tasks = given ? [SchedulerTests.task(0)] : []
            let host = SchedulerTests.host(inProgress: inProgress, quota: quota)
            var choice = Scheduler.choose(
                tasks, host: SchedulerTests.host(), want: WorkRequest(tasks: 1, seconds: 0, queuedSeconds: 0),
                now: SchedulerTests.now)
            choice.refusals = reasons.map { Refusal(reason: $0, count: 1, text: "") }
            return pace.seconds(after: choice, host: host, hasOpenUnits: open)
        }
        #expect(seconds([], given: true) == 1)
        #expect(seconds([.noTasks], given: true) == 1)
        #expect(seconds([]) == 1)
        #expect(seconds([.noTasks]) == 10)
        #expect(seconds([.noTasks], open: false) == 60)
        #expect(seconds([.memory]) == 60)
        #expect(seconds([.memory, .deadline]) == 10)
        #expect(seconds([.memory], inProgress: 2) == 10)
        #expect(seconds([.dailyQuota], quota: 4) == 3600)
        #expect(seconds([.dailyQuota], quota: 864) == 100)
        #expect(seconds([.dailyQuota], inProgress: 1, quota: 4) == 10)
    }
}
