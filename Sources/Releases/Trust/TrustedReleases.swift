import Bytes
import Domain

/// What a client believes of one project's releases: kept on its disk, changed by `ReleaseUpdate` only.
public struct TrustedReleases: Hashable, Sendable {
    /// The project whose key anchored the first root.
    public let project: VerifyingKey
    public internal(set) var root: Signed<RootBody>
    /// The newest that were ever accepted under the present keys: nothing older is.
    public internal(set) var timestamp: Signed<TimestampBody>?
    public internal(set) var snapshot: Signed<SnapshotBody>?
    /// The last complete set: what programs are looked up in.
    public internal(set) var believed: ReleaseSet?

    /// One timestamp, the snapshot that it names, and the targets that this names.
    public struct ReleaseSet: Hashable, Sendable {
        public let timestamp: Signed<TimestampBody>
        public let snapshot: Signed<SnapshotBody>
        public let targets: Signed<TargetsBody>
    }

    init(project: VerifyingKey, root: Signed<RootBody>) {
        self.project = project
        self.root = root
    }

    /// Begins at a root that the caller has from where he trusts: the project's own folder.
    ///
    /// - Throws: when the root is not signed as it says itself.
    public init(project: VerifyingKey, root bytes: [UInt8], version: Int64) throws(ReleaseRefusal) {
        self.init(project: project, root: try Self.rootOnItsOwn(bytes, .root(version)))
        try ReleaseCheck.header(root.body.header, name: root.body.header.name, version: version, .root(version))
    }

    /// A root whose only witness is itself; whose it is, the caller knows.
    static func rootOnItsOwn(_ bytes: [UInt8], _ file: ReleaseFile) throws(ReleaseRefusal) -> Signed<RootBody> {
        let source = try SignedText(bytes, file: file)
        let root = try Signed<RootBody>(source, file: file)
        try ReleaseCheck.signatures(source, of: [root.body.root], file, admitsOthers: true)
        return root
    }

    /// The project's name for its releases.
    public var name: String { root.body.header.name }

    /// SHA-256 of the root's text in groups of four digits, for comparing by eye.
    public var rootFingerprint: String {
        let hex = Array(SHA256Hash.digest(of: root.source.text).hex.prefix(32))
        return stride(from: 0, to: hex.count, by: 4).map { String(hex[$0..<$0 + 4]) }.joined(separator: " ")
    }

    /// Takes over the next root. What keys signed that are no more, or no more alone, is forgotten: so a project whose
    /// keys were stolen recovers from version numbers that the thief made too high.
    mutating func follow(_ next: Signed<RootBody>) {
        let changed = ReleaseRole.named.filter { root.body[$0] != next.body[$0] }
        if changed.contains(.timestamp) || changed.contains(.snapshot) {
            timestamp = nil
            snapshot = nil
        }
        if changed.contains(where: { $0 != .root }) { believed = nil }
        root = next
    }

    // MARK: On the disk

    private static let title = "project"

    /// The bytes to keep; `init(stored:project:)` reads them.
    public var stored: [UInt8] {
        var bundle = ReleaseBundle()
        bundle.add(Self.title, project.rawRepresentation)
        bundle.add("root", root.bytes)
        if let timestamp { bundle.add("timestamp", timestamp.bytes) }
        if let snapshot { bundle.add("snapshot", snapshot.bytes) }
        if let believed {
            bundle.add("believed.timestamp", believed.timestamp.bytes)
            bundle.add("believed.snapshot", believed.snapshot.bytes)
            bundle.add("believed.targets", believed.targets.bytes)
        }
        return bundle.bytes
    }

    /// Reads what `stored` gave and verifies all of it once more, but for its age.
    ///
    /// - Throws: for any damage, and for the state of another project. Whoever began anew then would believe old things
    ///   again, so a person should decide.
    public init(stored bytes: [UInt8], project: VerifyingKey) throws(ReleaseRefusal) {
        let bundle = try ReleaseBundle(bytes)
        let refusal = { (reason: String) in ReleaseRefusal(.malformed, "the kept state", reason) }
        let names = ["timestamp", "snapshot", "believed.timestamp", "believed.snapshot", "believed.targets"]
        guard bundle.entries.allSatisfy({ ([Self.title, "root"] + names).contains($0.name) }) else {
            throw refusal("it holds an unknown part")
        }
        guard bundle[Self.title] == project.rawRepresentation, let rootBytes = bundle["root"] else {
            throw refusal("it is of another project, or has no root")
        }
        // The version of the root is its own; there is none above it to name it.
        var root = try Self.rootOnItsOwn(rootBytes, .root(1))
        root = try Self.rootOnItsOwn(rootBytes, .root(root.version))
        self.init(project: project, root: root)
        timestamp = try Self.part(bundle["timestamp"], root)
        snapshot = try Self.part(bundle["snapshot"], root)
        let parts = names.suffix(3).compactMap { bundle[$0] }
        guard parts.count == 3 else {
            guard parts.isEmpty else { throw refusal("it holds only a part of what was believed") }
            return
        }
        guard let timestamp: Signed<TimestampBody> = try Self.part(parts[0], root),
            let snapshot: Signed<SnapshotBody> = try Self.part(parts[1], root),
            let targets: Signed<TargetsBody> = try Self.part(parts[2], root)
        else { return }
        try ReleaseCheck.bytes(parts[1], are: timestamp.body.snapshot, snapshot.file)
        try ReleaseCheck.bytes(parts[2], are: snapshot.body.targets, targets.file)
        believed = ReleaseSet(timestamp: timestamp, snapshot: snapshot, targets: targets)
    }

    private static func part<Body: ReleaseBody>(
        _ bytes: [UInt8]?, _ root: Signed<RootBody>
    ) throws(ReleaseRefusal) -> Signed<Body>? {
        guard let bytes, let any = ReleaseFile(Body.role, version: 1) else { return nil }
        let source = try SignedText(bytes, file: any)
        try ReleaseCheck.signatures(source, of: [root.body[Body.role]], any)
        let part = try Signed<Body>(source, file: any)
        try ReleaseCheck.header(part.body.header, name: root.body.header.name, version: nil, any)
        return part
    }
}
