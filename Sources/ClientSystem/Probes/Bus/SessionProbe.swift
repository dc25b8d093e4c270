import CPosix
import ClientCore
import Domain

/// Whether people in login sessions are there, by what logind knows: the idle hint that desktops set (in Wayland
/// sessions, too), and when terminals were last typed into.
///
/// A desktop that has never set the hint does not tell, and does not count: without that rule, a machine with such a
/// desktop would never be idle.
package final class SessionProbe: ProbeSource {
    package let kind = ProbeKind.session
    package let isCalm = true
    private let socket: String
    private var connection: BusConnection?
    private static let logind = "org.freedesktop.login1"
    private static let limitSeconds = 1.0
    private static let sessionsMax = 32

    package init(roots: ProbeRoots) {
        socket = roots.systemBus
    }

    package var watched: [Int32] { connection.map { [$0.file] } ?? [] }

    package func read(now: Timestamp) -> ProbeReading.Value? {
        do throws(Fault) {
            let connection: BusConnection
            if let open = self.connection { connection = open } else { connection = try connect() }
            self.connection = connection
            try connection.takeSignals()
            return try look(connection, now)
        } catch {
            connection = nil
            return .unavailable(error.message)
        }
    }

    private func connect() throws(Fault) -> BusConnection {
        let connection = try BusConnection(socket: socket, limitSeconds: Self.limitSeconds)
        try connection.subscribe(
            "type='signal',sender='\(Self.logind)',interface='org.freedesktop.DBus.Properties',"
                + "member='PropertiesChanged',arg0='\(Self.logind).Session'")
        return connection
    }

    private func look(_ connection: BusConnection, _ now: Timestamp) throws(Fault) -> ProbeReading.Value {
        let manager = BusCall(
            Self.logind, "/org/freedesktop/login1", "\(Self.logind).Manager", "ListSessions")
        let sessions = try connection.call(manager).first?.elements ?? []
        var idle: [Int64] = []
        // Number, user's number, user, seat, object.
        for path in sessions.prefix(Self.sessionsMax).compactMap({ $0.elements?.last?.asString }) {
            let properties: [String: BusValue]
            do throws(Fault) {
                properties = try connection.properties(Self.logind, path, "\(Self.logind).Session")
            } catch {
                // It has just ended.
                if error.kind == .negative { continue }
                throw error
            }
            let milliseconds = Self.idleMilliseconds(
                properties, now: now, monotonicSeconds: millrace_monotonic_seconds())
            if let milliseconds { idle.append(milliseconds) }
        }
        if let least = idle.min() { return .idle(milliseconds: least) }
        return .unavailable(
            sessions.isEmpty ? "nobody is logged in" : "no login session says when it was last used")
    }

    /// For how long nobody has used a session; nil when it does not tell.
    package static func idleMilliseconds(
        _ session: [String: BusValue], now: Timestamp, monotonicSeconds: Double
    ) -> Int64? {
        guard ["user", "greeter"].contains(session["Class"]?.asString), session["State"]?.asString != "closing",
            // Microseconds since 1970; 0: never.
            let since = session["IdleSinceHint"]?.asUnsigned, since > 0
        else { return nil }
        let isGraphical = ["x11", "wayland", "mir"].contains(session["Type"]?.asString)
        // Of a desktop the time says since when it is so; of a terminal, when it was last used, whatever the hint says.
        if isGraphical, session["IdleHint"]?.asBool != true { return 0 }
        // This one does not move when the clock is set.
        let monotonic = session["IdleSinceHintMonotonic"]?.asUnsigned ?? 0
        let idle =
            monotonic > 0
            ? monotonicSeconds * 1000 - Double(monotonic) / 1000
            : Double(now.milliseconds) - Double(since) / 1000
        return Int64(min(max(0, idle), 1e15))
    }
}
