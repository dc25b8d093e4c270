import Bytes
import ClientCore
import Domain
import FoundationEssentials
import Glibc
import Synchronization
import WorkerHost

/// The folder of one attachment, `projects/NAME` in the client's folder. Who changes it holds its lock: the running
/// client, or a command.
///
/// `lock`, `host.key` (0600), `identity.json`, `state`, `receipts`, `slots/`, `blobs/`, `cache/`. Each attachment has a
/// key of its own, so that two projects cannot tell that a host is the same by it.
public final class ProjectDirectory: Sendable {
    public let path: String
    private let lock: Mutex<Int32>

    /// Opens the folder, making it when it is not there, and takes its lock.
    ///
    /// - Throws: `.configuration` when another process holds it; `.cannotWrite`, `.osError`.
    public init(path: String) throws(Fault) {
        try Files.makeFolder(path)
        self.path = path
        guard let lock = try FolderLock.take("\(path)/lock") else {
            throw Fault(
                .configuration, "\(path) is in use", advice: "Wait until the other command has ended, and try again.")
        }
        self.lock = Mutex(lock)
        removeTemporaries()
    }

    deinit { release() }

    /// Lets others have the folder, though somebody here still knows it.
    public func release() {
        let lock = lock.withLock { lock in
            defer { lock = -1 }
            return lock
        }
        FolderLock.release(lock)
    }

    /// Whether somebody works in the folder.
    public static func isInUse(_ path: String) -> Bool { FolderLock.isTaken("\(path)/lock") }

    public var name: String { ProjectNames.last(path) }

    /// What is believed of the project's releases.
    func releases(of project: VerifyingKey) -> ReleaseStore {
        ReleaseStore(folder: "\(path)/releases", project: project)
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
                    advice: "Restore it from a copy, or attach again: this folder is then set aside.")
            }
            let key = SigningKey()
            try Files.replace(file, with: Array((Hex.encode(key.rawRepresentation) + "\n").utf8), mode: 0o600)
            return key
        }
        return try Self.key(at: file)
    }

    /// Whether the key is that with which this host was registered, as far as `identity.json` says it.
    package func isRegistered(_ key: SigningKey) -> Bool {
        guard let bytes = try? Files.read("\(path)/identity.json", limit: 1 << 16),
            let told = try? JSONDecoder().decode(SealedIdentity.self, from: Data(bytes)).hostPublicKey
        else { return true }
        return told == Hex.encode(key.publicKey.rawRepresentation)
    }

    private static func key(at file: String) throws(Fault) -> SigningKey {
        let text = String(decoding: try Files.read(file, limit: 256), as: UTF8.self).filter { !$0.isWhitespace }
        guard let bytes = Hex.decode(text), let key = SigningKey(rawRepresentation: bytes) else {
            throw Fault(
                .configuration, "\(file) does not hold a host key",
                advice: "Restore it from a copy, or attach again: this folder is then set aside.")
        }
        return key
    }

    /// Where this host is attached; nil when it is nowhere.
    public func identity() throws(Fault) -> ClientState.Attachment? { try Self.identity(in: path) }

    /// What a request needs that is made beside a running client, which holds the lock.
    ///
    /// - Parameter path: the project's folder.
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

    static func identity(in path: String) throws(Fault) -> ClientState.Attachment? {
        let file = "\(path)/identity.json"
        guard Files.exists(file) else { return nil }
        let bytes = try Files.read(file, limit: 1 << 16)
        do {
            let sealed = try JSONDecoder().decode(SealedIdentity.self, from: Data(bytes))
            guard sealed.isSound else { throw Fault(.badData, "it does not have its hash") }
            return sealed.attachment
        } catch {
            throw Fault(
                .configuration, "\(file) is damaged: it does not say where this host is attached",
                advice:
                    "Run `millrace-client attach URL` with the same address: host.key tells the server who this is, "
                    + "and tasks and results stay.")
        }
    }

    /// As `identity`, with the copy in `state` where the file itself is gone or damaged; nil when neither says it.
    ///
    /// - Throws: what reading throws when it is not the file's content that is wrong.
    static func recoveredIdentity(in path: String) throws(Fault) -> ClientState.Attachment? {
        do throws(Fault) {
            if let identity = try identity(in: path) { return identity }
        } catch { guard [.configuration, .badData].contains(error.kind) else { throw error } }
        guard Files.exists("\(path)/state") else { return nil }
        return try? StateFile.decode(try Files.read("\(path)/state", limit: StateFile.bytesMax)).attachment
    }

    /// Puts a missing or damaged identity right from its copy in `state`. What was damaged is set aside.
    ///
    /// - Parameter say: told what was found and done.
    public func repairIdentity(say: (String) -> Void) throws(Fault) {
        let file = "\(path)/identity.json"
        let isSound = ((try? Self.identity(in: path)) ?? nil) != nil
        guard !isSound, let copy = try Self.recoveredIdentity(in: path) else { return }
        var aside = ""
        if Files.exists(file) {
            aside = "; the damaged one was set aside as \(ProjectNames.last(try ProjectNames.setAside(file)))"
        }
        try save(copy)
        say("\(file) did not say where this host is attached and was written anew from the state\(aside)")
    }

    /// Whether there is anything that a server knows this host's key for.
    var holdsWork: Bool { ["identity.json", "state", "slots"].contains { Files.exists("\(path)/\($0)") } }

    public func save(_ identity: ClientState.Attachment) throws(Fault) { try Self.save(identity, in: path) }

    static func save(_ identity: ClientState.Attachment, in path: String) throws(Fault) {
        let sealed = SealedIdentity(identity, hostKey: try? key(at: "\(path)/host.key").publicKey)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
        guard let bytes = try? encoder.encode(sealed) else { throw Fault(.software, "identity cannot be encoded") }
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
            let aside = ProjectNames.last(try ProjectNames.setAside(file))
            say("\(error.message); it was set aside as \(aside), tasks are taken up from their folders")
            return ClientState(attachment: identity)
        }
    }

    public func save(_ state: ClientState) throws(Fault) {
        try Files.replace("\(path)/state", with: try StateFile.encode(state), mode: 0o600)
    }
}
