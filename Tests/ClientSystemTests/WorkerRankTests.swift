import CPosix
import Domain
import Glibc
import Testing
import WorkerHost

/// How a thread stands with the scheduler, as the kernel tells anybody.
struct Rank: Hashable {
    /// -20 ... 19.
    var nice: Int
    /// 0: other, 5: idle; see sched(7).
    var policy: Int
    /// 3: only when nobody else wants the disk.
    var disk: Int

    init?(process: pid_t, thread: pid_t) {
        guard let text = ProcessTimes.text("/proc/\(process)/task/\(thread)/stat"), let end = text.lastIndex(of: ")")
        else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ").map { Int($0) }
        // The nineteenth and the forty-first field of the line; the state is the third.
        guard fields.count > 38, let nice = fields[16], let policy = fields[38] else { return nil }
        self.nice = nice
        self.policy = policy
        disk = Int(millrace_disk_class(thread))
    }

    init(nice: Int, policy: Int, disk: Int) {
        (self.nice, self.policy, self.disk) = (nice, policy, disk)
    }

    static let last = Rank(nice: 19, policy: 5, disk: 3)

    /// Of all threads of a process; empty when it is gone.
    static func all(_ process: pid_t) -> Set<Rank> {
        let threads = ((try? Files.names(in: "/proc/\(process)/task")) ?? []).compactMap { pid_t($0) }
        return Set(threads.compactMap { Rank(process: process, thread: $0) })
    }
}

@Suite("The worker's place among programs", .enabled(if: Files.exists(WorkerProgramFixture.worker)))
struct WorkerRankTests {
    @Test("Every thread of the real worker has nice 19, SCHED_IDLE and the idle class of the disk")
    func lastEverywhere() throws {
        let fixture = try WorkerProgramFixture()
        // It may be through before it was looked at: then another is looked at.
        var seen: Set<Rank> = []
        for round in 0..<50 where seen != [.last] {
            let run = try fixture.start("rank-\(round)")
            while run.poll() == nil, seen != [.last] {
                let ranks = Rank.all(run.pid)
                if !ranks.isEmpty { seen = ranks }
            }
            run.kill()
            run.wait()
        }
        #expect(seen == [.last])
        // The look can tell one from the other.
        #expect(Rank.all(getpid()) != [.last])
    }

    @Test(
        "It has a session of its own, which is the last of all sessions",
        .enabled("this kernel does not group by sessions", { Files.exists("/proc/self/autogroup") }))
    func session() throws {
        let fixture = try WorkerProgramFixture()
        var seen: Set<String> = []
        for round in 0..<50 where seen.isEmpty {
            let run = try fixture.start("session-\(round)")
            // It may have to wait for its turn to say so; and be through before it was looked at.
            while run.poll() == nil, seen.isEmpty {
                guard getsid(run.pid) == run.pid, let text = ProcessTimes.text("/proc/\(run.pid)/autogroup"),
                    text.contains("nice 19")
                else { continue }
                seen.insert(text)
            }
            run.kill()
            run.wait()
        }
        #expect(!seen.isEmpty)
        // Nothing is said of the session that all begin in.
        #expect(ProcessTimes.text("/proc/self/autogroup")?.contains("nice 19") != true)
    }
}
