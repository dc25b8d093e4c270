import Domain
import Engine
import Testing

/// Tasks that a program of the project's own computes go to hosts that run it.
struct ProgramSchedulingTests {
    private func host(_ platforms: [String]) -> HostView {
        var host = SchedulerTests.host(apps: ["executable/1", "fold/2"])
        host.programPlatforms = platforms
        return host
    }

    private func task(_ index: Int64, _ platforms: [String]?) -> Candidate {
        var task = SchedulerTests.task(index, app: platforms == nil ? "fold" : "executable/1")
        task.program = platforms.map { ProgramNeed(title: "solver 1.0", platforms: $0) }
        return task
    }

    private func choose(_ tasks: [Candidate], _ host: HostView) -> Choice {
        Scheduler.choose(
            tasks, host: host, want: WorkRequest(tasks: 10, seconds: 0, queuedSeconds: 0), now: SchedulerTests.now)
    }

    /// Every set of platforms of a host against every set of a release.
    @Test func aCommonPlatformIsEnoughAndNeeded() {
        let names = ["any", "wasm", "x86_64-linux"]
        let sets = (0..<8).map { bits in names.indices.filter { bits & 1 << $0 != 0 }.map { names[$0] } }
        for offered in sets {
            for released in sets {
                let isCommon = offered.contains { released.contains($0) }
                let choice = choose([task(1, released)], host(offered))
                #expect(choice.tasks.isEmpty == !isCommon, "\(offered) \(released)")
                #expect(Scheduler.suiting([task(1, released)], host: host(offered)) == [isCommon])
            }
        }
    }

    @Test func tasksWithoutProgramAskForNoPlatform() {
        #expect(choose([task(1, nil)], host([])).tasks.count == 1)
        #expect(Scheduler.suiting([task(1, nil)], host: host([])) == [true])
    }

    @Test func theReasonIsSaid() {
        let none = choose([task(1, ["any", "x86_64-linux"]), task(2, ["any", "x86_64-linux"])], host([]))
        #expect(
            none.refusals == [
                Refusal(
                    reason: .program, count: 2,
                    text: "2 tasks need a program that does not run here: solver 1.0 (any, x86_64-linux); "
                        + "this host starts no programs of projects")
            ])
        let other = choose([task(1, ["aarch64-linux"])], host(["any", "x86_64-linux"]))
        #expect(
            other.refusals.map(\.text) == [
                "1 task needs a program that does not run here: solver 1.0 (aarch64-linux); "
                    + "this host starts those for any, x86_64-linux"
            ])
        let withdrawn = choose([task(1, [])], host(["any"]))
        #expect(
            withdrawn.refusals.map(\.text) == [
                "1 task waits for a program that is in no list of releases which is valid now: solver 1.0"
            ])
    }

    @Test func anotherReasonDoesNotHideIt() {
        let choice = choose([task(1, ["wasm"]), SchedulerTests.task(2, app: "dock"), task(3, [])], host(["any"]))
        #expect(choice.refusals.map(\.reason) == [.unknownApp, .notReleased, .program])
    }
}
