import Domain

/// Counts why tasks were skipped and puts it into words.
struct RefusalCounter {
    private struct Tally {
        var count = 0
        var need: Int64 = 0
        var seconds = 0.0
        var due = 0.0
        /// Whether the tasks differ in what they need.
        var varies = false
        var names: [String] = []
    }

    private var tallies: [Refusal.Reason: Tally] = [:]

    mutating func count(
        _ reason: Refusal.Reason, need: Int64 = 0, seconds: Double = 0, due: Double = 0, name: String? = nil
    ) {
        var tally = tallies[reason] ?? Tally(need: need, seconds: seconds, due: due)
        tally.count += 1
        if need != tally.need || seconds != tally.seconds { tally.varies = true }
        // The smallest need tells the volunteer what would have been enough for some of them.
        tally.need = min(tally.need, need)
        if seconds < tally.seconds {
            tally.seconds = seconds
            tally.due = due
        }
        if let name, !tally.names.contains(name), tally.names.count < 3 { tally.names.append(name) }
        tallies[reason] = tally
    }

    /// In the order in which the reasons are declared.
    func refusals(host: HostView) -> [Refusal] {
        Refusal.Reason.allCases.compactMap { reason in
            guard let tally = tallies[reason] else { return nil }
            return Refusal(reason: reason, count: tally.count, text: text(reason, tally, host))
        }
    }

    private func text(_ reason: Refusal.Reason, _ tally: Tally, _ host: HostView) -> String {
        let n = tally.count
        let least = tally.varies ? "at least " : ""
        let need = least + Text.bytes(tally.need)
        switch reason {
        case .sameVolunteer:
            return Text.tasks(n, "belongs", "belong") + " to work units of which this volunteer already has a task"
        case .unknownApp:
            let names = tally.names.joined(separator: ", ")
            return Text.tasks(n, "needs", "need") + " an app that this host's worker does not have: \(names)"
        case .notReleased:
            let names = tally.names.joined(separator: "; ")
            return Text.tasks(n, "waits", "wait")
                + " for a program that is in no list of releases which is valid now: \(names)"
        case .program:
            let names = tally.names.joined(separator: "; ")
            let starts = host.programPlatforms.joined(separator: ", ")
            return Text.tasks(n, "needs", "need") + " a program that does not run here: \(names); this host starts "
                + (starts.isEmpty ? "no programs of projects" : "those for \(starts)")
        case .bounds:
            return Text.tasks(n, "has", "have") + " a bound on operations below the estimate and could never finish"
        case .memory:
            return Text.tasks(n, "needs", "need")
                + " \(need) of memory, this host offers \(Text.bytes(host.memoryBytes))"
        case .disk:
            return Text.tasks(n, "needs", "need")
                + " \(need) of disk, this host has \(Text.bytes(host.diskFreeBytes)) free"
        case .output:
            return Text.tasks(n, "needs", "need")
                + " \(need) of disk for the result, this host has \(Text.bytes(host.diskFreeBytes)) free in all"
        case .deadline:
            return Text.tasks(n, "would be", "would be")
                + " done here in \(least)\(Text.duration(tally.seconds)), "
                + "after the deadline of \(Text.duration(tally.due))"
        case .company: return Text.tasks(n, "waits", "wait") + " for other volunteers for now"
        case .inProgressLimit, .dailyQuota, .noTasks:
            return reason.rawValue
        }
    }
}
