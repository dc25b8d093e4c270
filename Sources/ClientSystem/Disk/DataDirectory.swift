import Bytes
import ClientCore
import Domain
import FoundationEssentials
import Glibc
import WorkerHost

/// The folder in which a client keeps everything. One client at a time: it holds the lock while it lives.
///
/// `version`, `lock`, `host.key` (0600), `identity.json`, `state`, `status.json`, `receipts`, `slots/`, `blobs/`,
/// `cache/`.
public final class DataDirectory: Sendable {
    public let path: String
    private let lock: Int32

    /// `~/.local/share/millrace`, or `$XDG_DATA_HOME/millrace`.
    public static var standardPath: String {
        if let data = getenv("XDG_DATA_HOME"), data.pointee != 0 { return String(cString: data) + "/millrace" }
        let home = getenv("HOME").map { String(cString: $0) } ?? "."
        return home + "/.local/share/millrace"
    }

    /// Opens the folder, making it when it is not there, and takes the lock.
    ///
    /// - Throws: `.configuration` when another client holds it or a newer version wrote it; `.cannotWrite`, `.osError`.
    public init(path: String) throws(Fault) {
        try Files.makeFolder(path)
        // The worker runs in its slot's folder and is told absolute paths.
        guard let resolved = realpath(path, nil) else { throw Files.fault("resolve", path) }
        defer { free(resolved) }
        self.path = String(cString: resolved)
        // Who may look into the folder may see whether a client runs.
        lock = open("\(path)/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o640)
        guard lock >= 0 else { throw Files.fault("open", "\(path)/lock") }
        // A process that is just being started may hold a copy of a closed directory's lock for a moment.
        var attempts = 0
        while flock(lock, LOCK_EX | LOCK_NB) != 0, attempts < 25 {
            attempts += 1
            usleep(20_000)
        }
        guard attempts < 25 else {
            throw Fault(
                .configuration, "\(path) is used by another running client",
                advice: "Stop that client first, or give this one another folder with --data.")
        }
        try checkVersion()
        removeTemporaries()
    }

    // Runs also when `init` throws after this point.
    deinit {
        guard lock >= 0 else { return }
        // Closing alone would leave the lock to a child that is just being started and still has a copy.
        flock(lock, LOCK_UN)
        close(lock)
    }

    private func checkVersion() throws(Fault) {
        let file = "\(path)/version"
        guard Files.exists(file) else {
            try Files.replace(file, with: Array("\(StateFile.version)\n".utf8))
            return
        }
        let text = String(decoding: try Files.read(file, limit: 64), as: UTF8.self)
        guard let version = Int(text.filter { $0.isNumber }) else {
            throw Fault(.configuration, "\(file) does not hold a version number")
        }
        guard version <= StateFile.version else {
            throw Fault(
                .configuration,
                "\(path) was written by a newer client (version \(version), this is \(StateFile.version))",
                advice: "Use the newer client, or another folder with --data.")
        }
    }

    public static func exists(_ path: String) -> Bool { Files.exists("\(path)/version") }

    /// Whether a client holds the folder at this moment. A folder that is not there is held by nobody.
    public static func isInUse(_ path: String) -> Bool {
        let file = open("\(path)/lock", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return false }
        defer { close(file) }
        return flock(file, LOCK_EX | LOCK_NB) != 0
    }

    // MARK: Identity

    /// The host's private key.
    ///
    /// - Parameter makingOne: makes one when there is none; for a host that is about to be registered only, since the
    ///   server knows a host by its key.
    /// - Throws: `.configuration` when there is no key, or the file holds none.
    public func hostKey(makingOne: Bool = false) throws(Fault) -> SigningKey {
        let file = "\(path)/host.key"
        guard Files.exists(file) else {
            guard makingOne else {
                throw Fault(
                    .configuration, "\(file) is missing: without it the server does not know this host",
                    advice: "Restore it from a copy, or run `millrace-client detach --force` and attach anew.")
            }
            let key = SigningKey()
            try Files.replace(file, with: Array((Hex.encode(key.rawRepresentation) + "\n").utf8), mode: 0o600)
            return key
        }
        return try Self.key(at: file)
    }

    private static func key(at file: String) throws(Fault) -> SigningKey {
        let text = String(decoding: try Files.read(file, limit: 256), as: UTF8.self).filter { !$0.isWhitespace }
        guard let bytes = Hex.decode(text), let key = SigningKey(rawRepresentation: bytes) else {
            throw Fault(
                .configuration, "\(file) does not hold a host key",
                advice: "Restore it from a copy, or run `millrace-client detach --force` and attach anew.")
        }
        return key
    }

    /// Where this host is attached; nil when it is nowhere.
    public func identity() throws(Fault) -> ClientState.Attachment? { try Self.identity(in: path) }

    /// What a request needs that is made beside a running client, which holds the lock.
    ///
    /// - Throws: `.configuration` when this host is attached nowhere, or its key is missing.
    public static func credentials(
        in path: String
    ) throws(Fault) -> (identity: ClientState.Attachment, key: SigningKey) {
        guard let identity = try identity(in: path), Files.exists("\(path)/host.key") else {
            throw Fault(
                .configuration, "this host is not attached to a project",
                advice: "Run `millrace-client attach URL` first, or check --data.")
        }
        return (identity, try key(at: "\(path)/host.key"))
    }

    private static func identity(in path: String) throws(Fault) -> ClientState.Attachment? {
        let file = "\(path)/identity.json"
        guard Files.exists(file) else { return nil }
        let bytes = try Files.read(file, limit: 1 << 16)
        do {
            return try JSONDecoder().decode(ClientState.Attachment.self, from: Data(bytes))
        } catch {
            throw Fault(
                .configuration, "\(file) is damaged: it does not say where this host is attached",
                advice:
                    "Remove that file and run `millrace-client attach URL` with the same address: host.key tells the "
                    + "server who this is, and tasks and results stay.")
        }
    }

    public func save(_ identity: ClientState.Attachment) throws(Fault) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
        guard let bytes = try? encoder.encode(identity) else { throw Fault(.software, "identity cannot be encoded") }
        try Files.replace("\(path)/identity.json", with: [UInt8](bytes), mode: 0o600)
    }

    // MARK: State

    /// What the last client saved. A damaged file is set aside, never lost: the tasks are found in their folders.
    ///
    /// - Parameter say: told what was set aside and why.
    /// - Throws: `.configuration` when the host is attached nowhere.
    public func loadState(say: (String) -> Void) throws(Fault) -> ClientState {
        guard let identity = try identity() else {
            throw Fault(
                .configuration, "this host is not attached to a project",
                advice: "Run `millrace-client attach URL` first.")
        }
        let file = "\(path)/state"
        guard Files.exists(file) else { return ClientState(attachment: identity) }
        do throws(Fault) {
            var state = try StateFile.decode(try Files.read(file, limit: StateFile.bytesMax))
            state.attachment = identity
            return state
        } catch {
            guard error.kind == .badData else { throw error }
            var number = 1
            while Files.exists("\(file).damaged-\(number)") { number += 1 }
            guard rename(file, "\(file).damaged-\(number)") == 0 else { throw Files.fault("set aside", file) }
            say("\(error.message); it was set aside as state.damaged-\(number), tasks are taken up from their folders")
            return ClientState(attachment: identity)
        }
    }

    public func save(_ state: ClientState) throws(Fault) {
        try Files.replace("\(path)/state", with: try StateFile.encode(state), mode: 0o600)
    }

    // MARK: Status

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
            throw Fault(.badData, "\(path)/status.json cannot be read")
        }
        status.running = isInUse(path)
        if !status.running { status.computing = false }
        return status
    }
}
