import ClientCore
import Foundation

/// A status as a client could give it, with words as bad as a server could send.
enum SampleStatus {
    static let nowMs: Int64 = 1_800_000_000_000

    /// - Parameter tasks: of the first project.
    /// - Parameter words: in all places that a server fills.
    static func make(
        tasks: Int, words: String = "gamma-pulsar", isRunning: Bool = true, isPaused: Bool = false, projects: Int = 1
    ) throws -> ClientStatus {
        var status: [String: Any] = [
            "running": isRunning, "writtenAtMs": nowMs, "computing": !isPaused,
            "probes": [["name": "keyboard", "value": "idle for 12 s", "atMs": nowMs]],
            "transfers": ["bytesToday": 12_345_678, "bytesPerDay": 1 << 30],
            "allowance": [
                "inUse": false, "mayCompute": !isPaused, "mayUseNetwork": true, "cores": 2, "cpuPercent": 100,
                "objections": [[String: Any]](),
            ] as [String: Any],
        ]
        if isPaused {
            status["pause"] = [
                "reason": "you paused the client", "sinceMs": nowMs - 60_000, "until": "you resume it",
            ]
        }
        status["projects"] = (0..<projects).map { project(tasks: $0 == 0 ? tasks : 0, words: words, number: $0) }
        return try JSONDecoder().decode(ClientStatus.self, from: JSONSerialization.data(withJSONObject: status))
    }

    private static func project(tasks: Int, words: String, number: Int) -> [String: Any] {
        let states = [
            "computing", "paused", "suspended", "ready", "waiting for its work unit", "finished, to be reported",
        ]
        return [
            "name": "server_\(number)", "state": "working", "share": 100, "cores": 2, "server": "http://\(words)",
            "site": words, "volunteer": words, "host": 7, "creditCobblestones": 812.25,
            "provisionalCobblestones": 3.5, "validTasks": 12, "invalidTasks": 1, "reportedResults": 13,
            "reportedFailures": 2, "failuresInRow": 0, "lastContactMs": nowMs - 12_000,
            "noWorkReasons": tasks == 0 ? [words] : [], "kernelCPUSeconds": 10.0, "workerCPUSeconds": 5000.0,
            "clientCPUSeconds": 1.0,
            "tasks": (0..<tasks).map { task in
                [
                    "id": "1.\(task + 1)#0", "project": words, "label": "\(words) \(task)",
                    "state": states[task % states.count], "fraction": Double(task % 11) / 10, "cpuSeconds": 3.0,
                    "deadlineMs": nowMs + Int64(task - 1) * 86_400_000, "remainingSeconds": Double(task) * 700,
                    "message": task % 3 == 1 ? words : nil as String? as Any,
                ].filter { !($0.value is NSNull) && "\($0.value)" != "nil" }
            },
        ]
    }
}
