import Synchronization

/// How many pages a write-ahead log has, as of the last commit.
final class LogFrames: Sendable {
    let count = Atomic<Int>(0)
}

/// Moves a write-ahead log into the database file beside the writer, which would stop for a tenth of a second
/// otherwise.
///
/// Most of the log is moved on another connection while transactions go on. The rest, a few pages, is moved by the
/// writer between two transactions; only then is nothing left in the log, so that SQLite begins it anew.
final class LogMover: Sendable {
    /// So many pages of 4 KiB are worth moving; with so many the writer moves them itself, whatever it takes.
    static let framesMin = 4096
    static let framesMax = 65_536
    /// So few are moved in no time.
    private static let rest = 256
    private static let passesMax = 8

    let frames = LogFrames()
    private let file: String
    private let isRestDue = Atomic<Bool>(false)
    private let connection = Mutex<Connection?>(nil)

    init(file: String) { self.file = file }

    var isDue: Bool {
        frames.count.load(ordering: .relaxed) >= Self.framesMin && !isRestDue.load(ordering: .acquiring)
    }

    /// On any thread.
    func move() {
        guard isDue else { return }
        connection.withLock { connection in
            if connection == nil {
                connection = try? Connection(file: file)
                try? connection?.script("PRAGMA busy_timeout = 5000; PRAGMA synchronous = NORMAL")
            }
            guard let connection else { return }
            for _ in 0..<Self.passesMax where connection.moveLog() < Self.rest { break }
        }
        isRestDue.store(true, ordering: .releasing)
    }

    /// Moves the rest, when it is time. - Parameter connection: the writer's, between two transactions.
    func finish(on connection: Connection) {
        guard isRestDue.load(ordering: .acquiring) || frames.count.load(ordering: .relaxed) >= Self.framesMax else {
            return
        }
        _ = connection.moveLog()
        isRestDue.store(false, ordering: .releasing)
    }
}
