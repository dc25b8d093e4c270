import Domain
import Logging
import Synchronization

/// What a line of the server's log is about; each may have a level of its own.
public enum LogArea: String, CaseIterable, Sendable {
    /// Starting, stopping, configuration.
    case server
    /// Requests and connections.
    case http
    /// Splitting, checking, comparing, assembling.
    case jobs
    /// The public log.
    case ledger
    /// Files and space.
    case disk
}

/// From which level on each area is written. May change while the server runs.
public final class LogLevels: Sendable {
    private let levels: Mutex<[LogArea: Logger.Level]>

    /// - Parameter text: `info,http=debug,jobs=warning`: a level for all that are not named, and levels of areas.
    /// - Throws: `Fault` of kind `.usage`.
    public init(_ text: String) throws(Fault) {
        levels = Mutex(try LogLevels.parse(text))
    }

    public func set(_ text: String) throws(Fault) {
        let parsed = try LogLevels.parse(text)
        levels.withLock { $0 = parsed }
    }

    public func level(of area: LogArea) -> Logger.Level { levels.withLock { $0[area] ?? .info } }

    private static func parse(_ text: String) throws(Fault) -> [LogArea: Logger.Level] {
        var all = Logger.Level.info
        var named: [LogArea: Logger.Level] = [:]
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let words = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map {
                String($0).trimmed
            }
            guard let level = Logger.Level(rawValue: words.last ?? "") else {
                let known = Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")
                throw Fault(.usage, "\"\(words.last ?? "")\" is no level of the log", advice: "levels are \(known)")
            }
            guard words.count == 2 else {
                all = level
                continue
            }
            guard let area = LogArea(rawValue: words[0]) else {
                let known = LogArea.allCases.map(\.rawValue).joined(separator: ", ")
                throw Fault(.usage, "\"\(words[0])\" is no area of the log", advice: "areas are \(known)")
            }
            named[area] = level
        }
        return LogArea.allCases.reduce(into: [:]) { $0[$1] = named[$1] ?? all }
    }
}

/// A logger for each area.
public struct ServerLogs: Sendable {
    private let loggers: [Logger]

    /// The same for all: for tests.
    public init(all log: Logger) {
        loggers = LogArea.allCases.map { _ in log }
    }

    /// - Parameter sink: where lines go, by the name of the area.
    public init(levels: LogLevels, sink: @escaping @Sendable (String) -> any LogHandler) {
        loggers = LogArea.allCases.map { area in
            Logger(label: "millrace.\(area.rawValue)") { name in
                AreaHandler(area: area, levels: levels, inner: sink(name))
            }
        }
    }

    public subscript(area: LogArea) -> Logger {
        loggers[LogArea.allCases.firstIndex(of: area) ?? 0]
    }
}

/// Asks for its level every time.
private struct AreaHandler: LogHandler {
    let area: LogArea
    let levels: LogLevels
    var inner: any LogHandler
    /// What the program sets for one of its parts; the operator may want to hear less, never more.
    private var floor = Logger.Level.trace

    init(area: LogArea, levels: LogLevels, inner: any LogHandler) {
        self.area = area
        self.levels = levels
        self.inner = inner
    }

    var logLevel: Logger.Level {
        get { max(levels.level(of: area), floor) }
        set { floor = newValue }
    }

    var metadata: Logger.Metadata {
        get { inner.metadata }
        set { inner.metadata = newValue }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { inner[metadataKey: key] }
        set { inner[metadataKey: key] = newValue }
    }

    func log(event: LogEvent) { inner.log(event: event) }
}
