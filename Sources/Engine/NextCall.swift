/// When a host should call again: the server's `next_call_seconds`.
public struct NextCall: Hashable, Sendable {
    /// After a reply that gave what was asked for.
    public var busySeconds: Double
    /// When nothing waits just now, but units are open and may need more tasks at any moment.
    public var waitingSeconds: Double
    /// When nothing is open, or nothing that waits suits this host.
    public var idleSeconds: Double
    /// Never longer.
    public var maximumSeconds: Double

    /// - Parameter busySeconds: over 0; the others not smaller than the one before.
    public init(
        busySeconds: Double = 1, waitingSeconds: Double = 10, idleSeconds: Double = 60, maximumSeconds: Double = 3600
    ) {
        precondition(
            busySeconds > 0 && waitingSeconds >= busySeconds && idleSeconds >= waitingSeconds
                && maximumSeconds >= idleSeconds)
        self.busySeconds = busySeconds
        self.waitingSeconds = waitingSeconds
        self.idleSeconds = idleSeconds
        self.maximumSeconds = maximumSeconds
    }

    /// A host that has used up its quota and holds nothing comes back when the next task of the day is due to it, so
    /// that a broken host costs the server next to nothing. A host that holds tasks is never told to wait long: it
    /// has results to report.
    /// - Parameter hasOpenUnits: whether any unit of the site is ready, active or comparing.
    public func seconds(after choice: Choice, host: HostView, hasOpenUnits: Bool) -> Double {
        let reasons = choice.refusals.map(\.reason)
        if !choice.tasks.isEmpty || reasons.isEmpty { return busySeconds }
        if host.inProgress > 0 { return waitingSeconds }
        if reasons.contains(.dailyQuota) {
            return min(max(86_400 / Double(max(host.dailyQuota, 1)), idleSeconds), maximumSeconds)
        }
        if !hasOpenUnits { return idleSeconds }
        // New tasks come and queues get shorter; a lack of memory, disk or an app stays for a while.
        let passing: Set<Refusal.Reason> = [.noTasks, .sameVolunteer, .deadline]
        return reasons.contains(where: passing.contains) ? waitingSeconds : idleSeconds
    }
}
