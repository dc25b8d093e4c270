import Foundation
import TestChild
import Testing

@Suite("KillPlan")
struct KillPlanTests {
    private let kinds = [
        KillPlan.Kind(name: "server", weight: 3, folders: ["a", "b"], lastFolder: "results"),
        KillPlan.Kind(name: "client", weight: 2, folders: ["c"], lastFolder: nil),
        KillPlan.Kind(name: "database", weight: 1, folders: [], lastFolder: nil),
    ]

    private func plan(_ seed: UInt64, signals: Int = 100) -> [Kill] {
        KillPlan(seed: seed, signals: signals, units: 2000, kinds: kinds).kills
    }

    @Test("The same seed kills the same, another one something else")
    func seeds() {
        #expect(plan(1) == plan(1))
        #expect(plan(1) != plan(2))
    }

    @Test("Just so many signals, spread over the work, to every kind and in every place", arguments: 1...50)
    func everything(seed: Int) {
        for signals in [1, 2, 8, 100] {
            let kills = plan(UInt64(seed), signals: signals)
            #expect(kills.reduce(0) { $0 + $1.moment.signals } == signals)
            #expect(kills.allSatisfy { (0..<2000).contains($0.afterUnits) })
            #expect(kills.map(\.afterUnits) == kills.map(\.afterUnits).sorted())
        }
        let kills = plan(UInt64(seed))
        #expect(Set(kills.map(\.kind)) == [0, 1, 2])
        #expect(kills.suffix(3).allSatisfy { $0.kind == 0 && $0.moment.folder == "results" })
        #expect(Set(kills.compactMap(\.moment.folder)) == ["a", "b", "c", "results"])
        #expect(kills.contains { $0.moment.signals == 2 })
    }
}

extension KillMoment {
    fileprivate var folder: String? {
        if case .whenTouched(let folder, _) = self { folder } else { nil }
    }
}

@Suite("FolderWatch")
struct FolderWatchTests {
    @Test("A process is killed when a folder that it fills has changed so often, and not before")
    func kills() async throws {
        let folder = try TemporaryFolder()
        let path = folder.path("watched")
        // Makes the folder, a file each tenth of a second, and goes on for a minute.
        let script = "sleep 0.3; mkdir \"$0\"; for n in $(seq 600); do : > \"$0/$n\"; sleep 0.1; done"
        let process = TestChild()
        try process.run("/bin/sh", ["-c", script, path], outputPath: "/dev/null", errorPath: "/dev/null")
        let happened = await FolderWatch.kill(process.processIdentifier, after: 3, at: path, limitMilliseconds: 30_000)
        #expect(happened && process.terminationStatus == 128 + SIGKILL)
        #expect(try FileManager.default.contentsOfDirectory(atPath: path).count >= 3)
    }
}
