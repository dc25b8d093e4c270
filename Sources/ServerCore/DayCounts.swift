import Domain

/// How many tasks each host got in the last 24 hours, roughly: a window of its own per host that starts with its first
/// task. Kept in memory only; a restart forgives.
public struct DayCounts: Sendable {
    private var windows: [HostID: Window] = [:]

    private struct Window {
        var since: Timestamp
        var count: Int
    }

    private static let day = TimeSpan(seconds: 86_400)
    private static let hostsMax = 1_000_000

    public init() {}

    public func count(_ host: HostID, now: Timestamp) -> Int {
        guard let window = windows[host], now < window.since + DayCounts.day else { return 0 }
        return window.count
    }

    public mutating func add(_ tasks: Int, to host: HostID, now: Timestamp) {
        guard tasks > 0 else { return }
        if windows.count >= DayCounts.hostsMax { windows.removeAll() }
        let before = count(host, now: now)
        let since = before == 0 ? now : windows[host]?.since ?? now
        windows[host] = Window(since: since, count: before + tasks)
    }
}
