import CPosix
import ClientCore
import Domain
import FoundationEssentials
import Glibc
import WorkerHost

/// The folder in which a client keeps everything. One client at a time runs in it: it holds the lock while it lives.
///
/// `version`, `lock`, `status.json`, `shares.json`, and `projects/NAME/` for each attachment (`ProjectDirectory`).
public final class DataDirectory: Sendable {
    public let path: String
    private let lock: Int32
    /// What was found damaged or old when it was opened.
    let words: [String]
    /// Of the layout.
    public static let version = 2

    /// `~/.local/share/millrace`, or `$XDG_DATA_HOME/millrace`.
    public static var standardPath: String {
        if let data = getenv("XDG_DATA_HOME"), data.pointee != 0 { return String(cString: data) + "/millrace" }
        let home = getenv("HOME").map { String(cString: $0) } ?? "."
        return home + "/.local/share/millrace"
    }

    /// Opens the folder for a client that runs, making it when it is not there, and takes the lock. A folder of an
    /// earlier version is taken over.
    ///
    /// - Parameter say: told what was found damaged or old.
    /// - Throws: `.configuration` when another client holds it or a newer version wrote it; `.cannotWrite`, `.osError`.
    public convenience init(path: String, say: (String) -> Void = { _ in }) throws(Fault) {
        try self.init(path: path, fallback: nil, say: say)
    }

    /// - Parameter fallback: as `TakeOver.run`.
    private init(path: String, fallback: String?, say: (String) -> Void) throws(Fault) {
        self.path = try Self.resolved(path)
        guard let lock = try FolderLock.take("\(path)/lock") else {
            throw Fault(
                .configuration, "\(path) is used by another running client",
                advice: "Stop that client first, or give this one another folder with --data.")
        }
        self.lock = lock
        var words: [String] = []
        do throws(Fault) {
            try Self.bringUpToDate(self.path, fallback) { line in
                words.append(line)
                say(line)
            }
        } catch {
            // `deinit` does not run for one that was not made whole.
            FolderLock.release(lock)
            throw error
        }
        self.words = words
        for folder in [self.path, "\(self.path)/\(ProjectNames.folder)"] {
            ProjectDirectory.removeTemporaries(in: folder)
        }
    }

    deinit { FolderLock.release(lock) }

    /// Brings a folder to the present version for a command that works beside a client, and lets it go again.
    ///
    /// - Parameter fallback: the project's folder when an old one does not say whose it is.
    /// - Returns: the folder's path without links.
    /// - Throws: `.configuration` when a client of an earlier or a later version runs in it.
    static func prepare(_ path: String, fallback: String? = nil, say: (String) -> Void) throws(Fault) -> String {
        if isInUse(path) {
            guard layout(try resolved(path)) == .present else {
                throw Fault(
                    .configuration, "\(path) is used by a client of another version",
                    advice: "Stop that client, and run the command again.")
            }
            return try resolved(path)
        }
        return try DataDirectory(path: path, fallback: fallback, say: say).path
    }

    private static func resolved(_ path: String) throws(Fault) -> String {
        try Files.makeFolder(path)
        // The worker runs in its slot's folder and is told absolute paths.
        guard let resolved = realpath(path, nil) else { throw Files.fault("resolve", path) }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    public static func exists(_ path: String) -> Bool {
        Files.exists("\(path)/version") || TakeOver(data: path).isDue
    }

    /// - Parameter words: what it means that there is none.
    /// - Throws: `.noInput` when there is no client's folder, `.osError` when this user may not look.
    public static func mustExist(_ path: String, _ words: String) throws(Fault) {
        guard !exists(path) else { return }
        var status = stat()
        guard stat("\(path)/version", &status) == 0 || errno == ENOENT || errno == ENOTDIR else {
            throw Files.fault("open", path)
        }
        throw Fault(.noInput, words)
    }

    /// Whether a client runs in the folder at this moment. In a folder that is not there none does.
    public static func isInUse(_ path: String) -> Bool { FolderLock.isTaken("\(path)/lock") }

    // MARK: Version

    private enum Layout: Equatable {
        /// Nothing is there yet.
        case empty
        case old
        case present
        case newer(Int)
        /// The file is there and holds no number.
        case unreadable
    }

    private static func layout(_ path: String) -> Layout {
        guard Files.exists("\(path)/version") else { return TakeOver(data: path).isDue ? .old : .empty }
        let text = (try? Files.read("\(path)/version", limit: 64)).map { String(decoding: $0, as: UTF8.self) }
        guard let version = text.flatMap({ Int($0.filter { !$0.isWhitespace }) }), version > 0 else {
            return .unreadable
        }
        if version > Self.version { return .newer(version) }
        return TakeOver(data: path).isDue || version < Self.version ? .old : .present
    }

    private static func bringUpToDate(
        _ path: String, _ fallback: String?, _ say: (String) -> Void
    ) throws(Fault) {
        switch layout(path) {
        case .present: return
        case .newer(let version):
            throw Fault(
                .configuration, "\(path) was written by a newer client (version \(version), this is \(Self.version))",
                advice: "Use the newer client, or another folder with --data.")
        case .unreadable:
            // What lies in the folder says as well which version it is of.
            let aside = try ProjectNames.setAside("\(path)/version")
            say("\(path)/version does not hold a version number; it was set aside as \(ProjectNames.last(aside))")
        case .empty, .old: break
        }
        try TakeOver(data: path).run(fallback: fallback, say: say)
        try Files.replace("\(path)/version", with: Array("\(Self.version)\n".utf8))
    }

    // MARK: Files

    public func save(_ status: ClientStatus) throws(Fault) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
        guard let bytes = try? encoder.encode(status) else { return }
        try Files.replace("\(path)/status.json", with: [UInt8](bytes) + [UInt8(ascii: "\n")], durable: false)
    }

    /// The status that the last client wrote, whether or not one runs.
    ///
    /// - Throws: `.noInput` when there is none.
    public static func status(in path: String) throws(Fault) -> ClientStatus {
        let bytes: [UInt8]
        do throws(Fault) { bytes = try Files.read("\(path)/status.json", limit: StateFile.bytesMax) } catch {
            guard error.kind == .noInput else { throw error }
            throw Fault(
                .noInput, "no client has run in \(path) yet", advice: "Attach to a project, then `millrace-client run`."
            )
        }
        guard var status = try? JSONDecoder().decode(ClientStatus.self, from: Data(bytes)) else {
            throw Fault(
                .badData, "\(path)/status.json cannot be read", advice: "A client that runs writes it anew in a minute."
            )
        }
        status.running = isInUse(path)
        if !status.running { status.computing = false }
        return status
    }

    /// What was used by which project; it only serves to be fair, so that a failure to write it is nobody's matter.
    package func save(_ shares: ShareBook) throws(Fault) {
        guard let bytes = try? JSONEncoder().encode(shares) else { return }
        try Files.replace("\(path)/shares.json", with: [UInt8](bytes) + [UInt8(ascii: "\n")], durable: false)
    }

    /// - Parameter say: told that a damaged file was set aside.
    package func loadShares(say: (String) -> Void) -> ShareBook {
        let file = "\(path)/shares.json"
        // It is not synced: after a power failure it may be there without anything in it.
        guard Files.size(file) ?? 0 > 0 else { return ShareBook() }
        if let bytes = try? Files.read(file, limit: 1 << 20),
            let shares = try? JSONDecoder().decode(ShareBook.self, from: Data(bytes)), shares.isSound
        {
            return shares
        }
        if let aside = try? ProjectNames.setAside(file) {
            say(
                "\(file) is damaged: what each project used is counted anew; it was set aside as "
                    + ProjectNames.last(aside))
        }
        return ShareBook()
    }
}

/// A lock on a folder, held by a process for as long as it has the descriptor.
enum FolderLock {
    /// - Returns: the descriptor; nil when another process has the lock.
    static func take(_ path: String) throws(Fault) -> Int32? {
        // Who may look into the folder may see whether a client runs.
        let lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o640)
        guard lock >= 0 else { throw Files.fault("open", path) }
        // A process that is just being started may hold a copy of a closed folder's lock for a moment.
        for attempt in 0..<25 {
            if flock(lock, LOCK_EX | LOCK_NB) == 0 { return lock }
            if attempt < 24 { usleep(20_000) }
        }
        close(lock)
        return nil
    }

    /// Closing alone would leave the lock to a child that is just being started and still has a copy.
    static func release(_ lock: Int32) {
        guard lock >= 0 else { return }
        flock(lock, LOCK_UN)
        close(lock)
    }

    static func isTaken(_ path: String) -> Bool {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return false }
        defer { close(file) }
        // Shared, so that two who ask do not see each other.
        return flock(file, LOCK_SH | LOCK_NB) != 0
    }
}
