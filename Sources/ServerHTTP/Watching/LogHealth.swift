/// How the publishing of the log goes, for those who watch the server.
struct LogHealth: Sendable {
    /// When the public files were last known to have every leaf.
    private(set) var since: ContinuousClock.Instant
    /// Why the last attempt failed; nil when it did not.
    private(set) var trouble: String?
    /// Leaves that the public has not seen, at the last attempt; nil when that cannot be told.
    private(set) var waiting: Int64? = 0

    init(since: ContinuousClock.Instant) {
        self.since = since
    }

    /// What a line in the server's log is worth.
    enum News: Equatable {
        case behind(String)
        case caughtUp
    }

    /// Takes note of an attempt. - Returns: nil when it went as the one before.
    mutating func went(_ trouble: String?, waiting: Int64?, now: ContinuousClock.Instant) -> News? {
        defer { self.trouble = trouble }
        self.waiting = waiting
        guard let trouble else {
            since = now
            return self.trouble == nil ? nil : .caughtUp
        }
        return self.trouble.map { Self.gist($0) == Self.gist(trouble) } ?? false ? nil : .behind(trouble)
    }

    /// The same trouble with other numbers, since leaves still come, is the same trouble.
    private static func gist(_ text: String) -> String { text.filter { !$0.isNumber } }

    /// Seconds since the public files were complete.
    func seconds(now: ContinuousClock.Instant) -> Double {
        let age = since.duration(to: now).components
        return max(0, Double(age.seconds) + Double(age.attoseconds) * 1e-18)
    }

    /// For `/healthz`: `log ok`, or how far it is behind. The reason may name files, and is for the admin.
    func line(now: ContinuousClock.Instant) -> String {
        guard trouble != nil else { return "log ok, complete \(Int(seconds(now: now))) s ago" }
        let leaves = waiting.map { "\($0) leaves" } ?? "leaves"
        return "log behind, \(leaves) not published for \(Int(seconds(now: now))) s; the server's log says why"
    }

    /// For the admin, with the reason; nil when nothing is wrong.
    func detail(now: ContinuousClock.Instant) -> String? {
        guard let trouble else { return nil }
        let leaves = waiting.map { "\($0) leaves" } ?? "leaves"
        return "\(leaves) not published for \(Int(seconds(now: now))) s: \(trouble)"
    }
}
