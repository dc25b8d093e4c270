import CPosix
import Confinement
import Domain
import Glibc

/// Measures how much longer a task takes to start in a sandbox.
struct StartCost {
    let worker: String
    private static let runs = 15

    /// Medians of the differences, seconds.
    ///
    /// Kernels: a probe that does next to nothing, shut in and not. Programs: `/bin/true`, enclosed, and by itself
    /// after a worker that does nothing, since a task has a worker in any case; its two stages that are shut in come
    /// on top.
    func measure(lacking: [String: String]) throws(Fault) -> [String: Double] {
        var seconds: [String: Double] = [:]
        let stage = try SelftestStage()
        let scene = try stage.scene(for: 0, .kernel, worker: worker)
        if lacking["kernel"] == nil {
            let words = try SandboxSelftest.json(scene)
            let plain = try median { () throws(Fault) in
                _ = try CapturedRun.perform(
                    worker, ["probe-escape", "home-folder", "plain", words], timeoutSeconds: 60)
            }
            let shut = try median { () throws(Fault) in
                _ = try CapturedRun.perform(
                    worker, ["probe-escape", "home-folder", "kernel", words], timeoutSeconds: 60)
            }
            seconds["kernel"] = max(0, shut - plain)
        }
        if lacking["program"] == nil {
            let plain = try median { () throws(Fault) in
                _ = try CapturedRun.perform(worker, ["--help"], timeoutSeconds: 60)
                _ = try CapturedRun.perform("/bin/true", [], timeoutSeconds: 60)
            }
            let enclosed = try median { () throws(Fault) in
                let enclosure = Enclosure(
                    command: ["/bin/true"], environment: [], bounds: SandboxSelftest.programBounds)
                let errors = try ReadingEnd(bytesMax: 1000, keepsEnd: true)
                let run = try EnclosedRun.launch(
                    enclosure, [], worker, output: errors.writing, errors: errors.writing)
                errors.closeWriting()
                _ = run.collect(lastWords: "")
            }
            seconds["program"] = max(0, enclosed - plain) + 2 * (seconds["kernel"] ?? 0)
        }
        return seconds
    }

    private func median(_ body: () throws(Fault) -> Void) throws(Fault) -> Double {
        var times: [Double] = []
        for _ in 0..<Self.runs {
            let began = millrace_monotonic_seconds()
            try body()
            times.append(millrace_monotonic_seconds() - began)
        }
        return times.sorted()[times.count / 2]
    }
}
