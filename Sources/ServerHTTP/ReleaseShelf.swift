import Bytes
import Domain
import Glibc
import Releases
import ServerCore
import Synchronization
import WorkerHost

/// The folder of the project's signed releases: what `millrace release publish` brought, served as static files.
///
/// The server takes what a client would take: who has the admin's token, but not the offline keys, can put nothing
/// there that clients believe. Files with a version in their name come first, the timestamp last, so that a reader
/// finds all that it names. After a crash in between the same publication, sent again, completes it.
public final class ReleaseShelf: Sendable {
    public let path: String
    private let project: SigningKey
    /// One publication at a time.
    private let turn = Mutex(())
    /// What was read last, and of which file; see `listing`.
    private let seen = Mutex<(stamp: FileStamp, trusted: TrustedReleases?)?>(nil)
    private static let stateName = "trusted"
    private static let anchorDays: Int64 = 14
    private static let stateBytesMax = 4 << 20

    /// - Parameter project: signs anchors.
    public init(path: String, project: SigningKey) {
        self.path = path
        self.project = project
    }

    /// - Returns: nil when there is no such file.
    func read(_ file: ReleaseFile, now: Timestamp) throws -> [UInt8]? {
        if file == .anchor { return try anchor(now: now) }
        return try Self.read("\(path)/\(file.name)", limit: file.role.bytesMax)
    }

    private static func read(_ path: String, limit: Int) throws -> [UInt8]? {
        Files.exists(path) ? try Files.read(path, limit: limit) : nil
    }

    /// Where newcomers begin: at the newest root. The same bytes all day long, for caches.
    private func anchor(now: Timestamp) throws -> [UInt8]? {
        guard let kept = try kept() else { return nil }
        let end = Timestamp(milliseconds: (UTCDay(now).number + 1 + Self.anchorDays) * UTCDay.milliseconds)
        return AnchorBody(kept.root, expires: end).draft.signed(by: [project]).bytes
    }

    /// What was published last. - Throws: `Fault` of kind `.configuration` when it is damaged.
    private func kept() throws -> TrustedReleases? {
        guard let bytes = try Self.read("\(path)/\(Self.stateName)", limit: Self.stateBytesMax) else { return nil }
        do {
            return try TrustedReleases(stored: bytes, project: project.publicKey)
        } catch {
            throw Fault(
                .configuration, "\(path)/\(Self.stateName) is damaged, or of another project's key: \(error.reason)",
                advice: "remove the folder \(path) and publish again from the release folder")
        }
    }

    /// What a client that has the newest releases would say of a program. Asked inside of transactions: the file is only
    /// looked at again when it has changed, so that what another server process published counts as well.
    ///
    /// A damaged state denies everything, and stops nothing else.
    public func listing(_ name: String, _ version: String, now: Timestamp) -> ProgramListing {
        let stamp = FileStamp("\(path)/\(Self.stateName)")
        let trusted: TrustedReleases?
        do {
            trusted = try seen.withLock { seen in
                if let seen, seen.stamp == stamp { return seen.trusted }
                let fresh = try kept()
                seen = (stamp, fresh)
                return fresh
            }
        } catch {
            return .denied((error as? Fault)?.message ?? "\(error)")
        }
        guard let trusted else { return .denied("no releases are published at this server") }
        switch trusted.program(app: name, version: version, platforms: ProgramFile.platforms, now: now) {
        case .failure(let denial): return .denied(denial.reason)
        case .success:
            let files = trusted.believed?.targets.body.app(name, version: version)?.files ?? []
            return .listed(files.map(\.platform))
        }
    }

    /// The files of apps that are released: their blobs must stay.
    public func programs() throws -> Set<Digest> {
        Set(try kept()?.believed?.targets.body.apps.flatMap { $0.files.map(\.digest) } ?? [])
    }

    /// What a publication brought.
    struct Publication: Sendable {
        var trusted: TrustedReleases
        /// Whether the list of programs is another one than before.
        var isNewList: Bool
    }

    /// Checks files as a client would, and that every program is here; then makes them public.
    ///
    /// - Parameter size: of a blob; nil when it is not here.
    /// - Parameter announce: called when all is checked and before anything is public.
    /// - Throws: `RequestRefusal` with the reason.
    func publish(
        _ bundle: ReleaseBundle, now: Timestamp, size: (Digest) throws -> Int64?,
        announce: (Publication) throws -> Void
    ) throws {
        try turn.withLock { _ in
            let old = try kept()
            let publication = try check(bundle, after: old, now: now)
            for app in publication.trusted.believed?.targets.body.apps ?? [] {
                for file in app.files where try size(file.digest) != file.size {
                    throw RequestRefusal(
                        .missingInput,
                        "the file of \(app.name) \(app.version) for \(file.platform) is not here: \(file.digest)",
                        advice: "millrace release publish uploads it")
                }
            }
            try announce(publication)
            try write(publication.trusted, after: old, bundle)
        }
    }

    private func check(
        _ bundle: ReleaseBundle, after old: TrustedReleases?, now: Timestamp
    ) throws -> Publication {
        var update = ReleaseUpdate(project: project.publicKey, trusted: old, startedAt: now)
        let first = old == nil ? try firstAnchor(bundle, now: now) : []
        let refusal = update.run { (want) throws(Never) in want.file == .anchor ? first : bundle[want.file.name] }
        if let refusal { throw RequestRefusal(.badRequest, "\(refusal)") }
        guard let trusted = update.trusted else { throw RequestRefusal(.badRequest, "the bundle has no root") }
        let list = trusted.believed?.targets.body
        return Publication(trusted: trusted, isNewList: list != old?.believed?.targets.body)
    }

    /// The first publication begins the chain: version 1 of the root, by the word of who has the admin's token.
    private func firstAnchor(_ bundle: ReleaseBundle, now: Timestamp) throws -> [UInt8] {
        guard let bytes = bundle[ReleaseFile.root(1).name] else {
            throw RequestRefusal(.badRequest, "the first publication needs the file 1.root")
        }
        do {
            let root = try TrustedReleases(project: project.publicKey, root: bytes, version: 1).root
            let end = now + TimeSpan(seconds: 3600)
            return AnchorBody(root, expires: end).draft.signed(by: [project]).bytes
        } catch {
            throw RequestRefusal(.badRequest, "\(error)")
        }
    }

    /// Only bytes that were checked: a bundle may hold other files, and others under the names of those that are here.
    private func write(_ trusted: TrustedReleases, after old: TrustedReleases?, _ bundle: ReleaseBundle) throws {
        try Files.makeFolder(path, mode: 0o755, isPublic: true)
        // The check has followed the new roots one by one, each in the bundle's own bytes.
        let first = (old?.root.version ?? 0) + 1
        for version in stride(from: first, through: trusted.root.version, by: 1) {
            let file = ReleaseFile.root(version)
            if let bytes = bundle[file.name] { try put(file, bytes) }
        }
        try put(trusted.root.file, trusted.root.bytes)
        if let targets = trusted.believed?.targets { try put(targets.file, targets.bytes) }
        if let snapshot = trusted.snapshot { try put(snapshot.file, snapshot.bytes) }
        if let timestamp = trusted.timestamp { try put(timestamp.file, timestamp.bytes) }
        try Files.replace("\(path)/\(Self.stateName)", with: trusted.stored, isPublic: true)
    }

    private func put(_ file: ReleaseFile, _ bytes: [UInt8]) throws {
        try Files.replace("\(path)/\(file.name)", with: bytes, isPublic: true)
    }
}

/// Tells one file of a name from the next: each is written anew and renamed to its place.
private struct FileStamp: Hashable {
    private let inode: UInt64
    private let size: Int64
    private let seconds: Int
    private let nanoseconds: Int

    /// All zero when there is none.
    init(_ path: String) {
        var status = stat()
        _ = stat(path, &status)
        inode = UInt64(status.st_ino)
        size = Int64(status.st_size)
        seconds = status.st_mtim.tv_sec
        nanoseconds = status.st_mtim.tv_nsec
    }
}
