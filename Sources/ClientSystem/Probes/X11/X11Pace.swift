import ClientCore

/// How closely `X11IdleProbe` looks.
///
/// A server that announces the user's return is trusted until the user was back without a word from it.
package struct X11Pace: Hashable, Sendable {
    package private(set) var isComputing = false
    package private(set) var isAlarmTrusted: Bool
    /// The user was back without a word, which may still be on its way: so there is a second look.
    private var isSuspicious = false
    private var looks = 0
    private var lastIdle: Int64 = 0
    private var lastHeard = 0.0

    /// Between looks at a server that does not announce the user's return, while tasks run.
    private static let pollSeconds = 0.2
    /// While nothing runs, the return of somebody who was away for so long is worth hearing at once: tasks may be about
    /// to run. Whoever types now and then is not.
    private static let awayMilliseconds: Int64 = 30_000
    /// The idle time may fall behind by so much without anybody being there.
    private static let toleranceMilliseconds: Int64 = 500
    /// Whoever was away for longer is announced.
    package static let alarmMilliseconds: Int64 = 1000

    package init(isAlarmTrusted: Bool) {
        self.isAlarmTrusted = isAlarmTrusted
    }

    /// Whether to sleep until the server says something.
    package var isWatching: Bool { isAlarmTrusted && (isComputing || lastIdle >= Self.awayMilliseconds) }

    /// When to look again, unless something is announced before.
    package func nextLook(after now: Double) -> Double {
        if isSuspicious || isPolling { return now + Self.pollSeconds }
        return X11IdleProbe.period.nextLook(after: now, isComputing: isComputing)
    }

    private var isPolling: Bool { isComputing && !isAlarmTrusted }

    /// Whether this look is one at the windows, too.
    package var isWindowDue: Bool {
        !isPolling || looks % Int(X11IdleProbe.period.computing / Self.pollSeconds) == 1
    }

    package mutating func change(isComputing: Bool) {
        self.isComputing = isComputing
        looks = 0
    }

    /// Notes what a look has shown.
    ///
    /// - Parameter asked: when it began, in seconds of a clock that is never set.
    /// - Parameter heard: when it ended. The idle time is one of between: whoever is slow to ask, or to hear, must not
    ///   take that for somebody's return.
    /// - Parameter isAnnounced: whether the server has announced a return since the last look.
    package mutating func note(idle: Int64, asked: Double, heard: Double, isAnnounced: Bool) {
        let least = lastIdle + Int64((asked - lastHeard) * 1000)
        let isBack = lastIdle > Self.alarmMilliseconds && idle < least - Self.toleranceMilliseconds
        if isAnnounced {
            isSuspicious = false
        } else if isSuspicious {
            (isAlarmTrusted, isSuspicious) = (false, false)
        } else {
            isSuspicious = isAlarmTrusted && isBack
        }
        (lastIdle, lastHeard) = (idle, heard)
        looks += 1
    }
}
