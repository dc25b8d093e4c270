import ClientCore
import Domain

/// A status in plain sentences, for the terminal view and for the page.
enum StatusSentence {
    /// What the client does, and where it does nothing: why, and what ends that.
    static func words(_ status: ClientStatus, nowMs: Int64) -> (words: String, style: TextStyle) {
        guard status.running else {
            return ("No client runs here; last seen \(StatusText.age(status.writtenAtMs, nowMs)) ago.", .bad)
        }
        if let sandbox = status.sandbox, sandbox.isOn, let lacking = sandbox.lacking {
            return ("It does not compute, since tasks would not be held: this computer lacks \(lacking).", .bad)
        }
        if let pause = status.pause {
            let since = StatusText.age(pause.sinceMs, nowMs)
            return ("Paused for \(since): \(pause.reason). It goes on when \(pause.until)\(end(status, nowMs)).", .busy)
        }
        if status.projects.isEmpty {
            return ("It waits for a project: `millrace-client attach URL` joins one.", .busy)
        }
        let running = status.projects.flatMap(\.tasks).count { $0.state == "computing" }
        if running > 0 {
            let use = status.allowance?.inUse == true ? ", while you use the computer" : ""
            return ("Computing \(running) \(running == 1 ? "task" : "tasks")\(use).", .good)
        }
        if let hold = status.projects.lazy.flatMap({ $0.holds ?? [] }).first {
            return ("Nothing is computed now: \(hold.reason). That ends when \(hold.until).", .busy)
        }
        if let reason = status.projects.lazy.flatMap(\.noWorkReasons).first {
            return ("Ready, but there is no work: the server says: \(reason)", .busy)
        }
        if let problem = status.projects.lazy.compactMap(\.problem).first {
            return ("Ready, but: \(problem)", .busy)
        }
        return (status.allowance?.mayCompute == true ? "Ready; it waits for work." : "Nothing is computed now.", .busy)
    }

    private static func end(_ status: ClientStatus, _ nowMs: Int64) -> String {
        let holds = status.projects.flatMap { $0.holds ?? [] }.filter { $0.code == .paused }
        guard let ends = holds.compactMap(\.untilMs).first, ends > nowMs else { return "" }
        return ", by itself in \(StatusText.duration(Double(ends - nowMs) / 1000))"
    }

    static func limits(_ allowance: AllowanceStatus, _ processor: ProcessorLimit?) -> String {
        let tasks = allowance.cores == 1 ? "1 task" : "\(allowance.cores) tasks"
        var words = "\(tasks) at once, \(allowance.cpuPercent) % of a core each"
        if let memory = allowance.memoryBytes { words += ", \(bytes(memory)) of memory" }
        words += allowance.inUse ? "; the computer is in use" : "; nobody uses the computer"
        if let processor, processor.cpuPercent < 100, let measured = processor.measuredPercent {
            words += "; \(Int(measured.rounded())) % of the processor measured"
        }
        return words
    }

    static func transfers(_ transfers: ClientStatus.Transfers, _ status: ClientStatus) -> String {
        var words = "\(bytes(transfers.bytesToday)) today"
        if let most = transfers.bytesPerDay { words += " of \(bytes(most))" }
        let tasks = status.projects.flatMap(\.tasks)
        let fetching = tasks.count { $0.state.hasPrefix("waiting for") }
        let sending = tasks.count { $0.state == "finished, to be uploaded" }
        if fetching > 0 { words += ", \(fetching) to fetch" }
        if sending > 0 { words += ", \(sending) to send" }
        if status.allowance?.mayUseNetwork == false { words += "; the network is not used now" }
        return words
    }

    static func sandbox(_ sandbox: ClientStatus.Sandbox) -> String {
        guard sandbox.isOn, sandbox.lacking == nil else { return SandboxText.words(sandbox) }
        return "tasks are held by \(sandbox.layers.active.count) layers"
    }

    static func percent(_ fraction: Double) -> Int { Int(min(1, max(0, fraction.isFinite ? fraction : 0)) * 100) }

    /// `12.3 MiB`.
    static func bytes(_ count: Int64) -> String {
        var (value, unit) = (Double(max(0, count)), 0)
        let units = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
        while value >= 1024, unit < units.count - 1 { (value, unit) = (value / 1024, unit + 1) }
        let tenths = Int((value * 10).rounded())
        return unit == 0 || tenths >= 1000
            ? "\(Int(value.rounded())) \(units[unit])"
            : "\(tenths / 10).\(tenths % 10) \(units[unit])"
    }

    /// Days instead of hours from two days on.
    ///
    /// - Parameter seconds: 0 or more.
    static func shortDuration(_ seconds: Double) -> String {
        seconds < 172_800 ? StatusText.duration(seconds) : "\(Int64(min(seconds, 1e12)) / 86_400) d"
    }
}
