import Bytes
import Domain

/// Which keys sign for which role: the source of all trust but the first step.
public struct RootBody: ReleaseBody {
    public static let role = ReleaseRole.root

    /// `threshold` of these keys must sign.
    public struct Keys: Hashable, Sendable {
        /// 1 ... the number of keys.
        public var threshold: Int
        public var keys: Set<VerifyingKey>

        public init(threshold: Int, keys: Set<VerifyingKey>) {
            self.threshold = threshold
            self.keys = keys
        }

        /// Whether a root may say this.
        public var isSound: Bool {
            threshold >= 1 && threshold <= keys.count && keys.count <= ReleaseLimits.keysPerRoleMax
        }
    }

    public var header: ReleaseHeader
    public var root: Keys
    public var targets: Keys
    public var snapshot: Keys
    public var timestamp: Keys

    public init(header: ReleaseHeader, root: Keys, targets: Keys, snapshot: Keys, timestamp: Keys) {
        self.header = header
        self.root = root
        self.targets = targets
        self.snapshot = snapshot
        self.timestamp = timestamp
    }

    /// The keys of a role that a root names. - Precondition: not `anchor`.
    public subscript(role: ReleaseRole) -> Keys {
        get {
            switch role {
            case .root: root
            case .targets: targets
            case .snapshot: snapshot
            case .timestamp: timestamp
            case .anchor: preconditionFailure("the project's key signs anchors")
            }
        }
        set {
            switch role {
            case .root: root = newValue
            case .targets: targets = newValue
            case .snapshot: snapshot = newValue
            case .timestamp: timestamp = newValue
            case .anchor: preconditionFailure("the project's key signs anchors")
            }
        }
    }

    public var lines: [String] {
        ReleaseRole.named.map { role in
            let keys = self[role].keys.map { Hex.encode($0.rawRepresentation) }.sorted()
            return "keys \(role.rawValue) \(self[role].threshold) \(keys.joined(separator: " "))"
        }
    }

    public init(header: ReleaseHeader, _ reader: inout ReleaseBodyReader) throws(ReleaseRefusal) {
        var found: [Keys] = []
        for role in ReleaseRole.named {
            let words = Array(try reader.lines.next("keys"))
            guard words.count >= 3, words[0] == role.rawValue[...] else {
                let known = ReleaseRole.named.map(\.rawValue).joined(separator: ", ")
                throw ReleaseRefusal(
                    .wrongRole, reader.lines.file,
                    "keys of \"\((words.first ?? "").prefix(40))\" instead of \(role.rawValue); the roles are "
                        + known)
            }
            var keys: Set<VerifyingKey> = []
            guard words.count - 2 <= ReleaseLimits.keysPerRoleMax else {
                throw reader.lines.refusal("more than \(ReleaseLimits.keysPerRoleMax) keys of \(role.rawValue)")
            }
            for word in words.dropFirst(2) {
                guard let key = Hex.decode(String(word)).flatMap({ VerifyingKey(rawRepresentation: $0) }) else {
                    throw reader.lines.refusal("\"\(word.prefix(80))\" is no key")
                }
                keys.insert(key)
            }
            let threshold = try reader.lines.number(words[1], max: Int64(ReleaseLimits.keysPerRoleMax))
            let entry = Keys(threshold: Int(threshold), keys: keys)
            guard entry.isSound, keys.count == words.count - 2 else {
                throw reader.lines.refusal("\(threshold) of \(keys.count) keys can't sign for \(role.rawValue)")
            }
            found.append(entry)
        }
        self.init(header: header, root: found[0], targets: found[1], snapshot: found[2], timestamp: found[3])
    }
}

/// Which `targets` is the present one.
public struct SnapshotBody: ReleaseBody {
    public static let role = ReleaseRole.snapshot
    public var header: ReleaseHeader
    public var targets: ReleaseReference

    public init(header: ReleaseHeader, targets: ReleaseReference) {
        self.header = header
        self.targets = targets
    }

    public var lines: [String] { ["targets \(targets.words)"] }

    public init(header: ReleaseHeader, _ reader: inout ReleaseBodyReader) throws(ReleaseRefusal) {
        self.init(header: header, targets: try ReleaseReference("targets", &reader.lines, role: .targets))
    }
}

/// Which `snapshot` is the present one.
public struct TimestampBody: ReleaseBody {
    public static let role = ReleaseRole.timestamp
    public var header: ReleaseHeader
    public var snapshot: ReleaseReference

    public init(header: ReleaseHeader, snapshot: ReleaseReference) {
        self.header = header
        self.snapshot = snapshot
    }

    public var lines: [String] { ["snapshot \(snapshot.words)"] }

    public init(header: ReleaseHeader, _ reader: inout ReleaseBodyReader) throws(ReleaseRefusal) {
        self.init(header: header, snapshot: try ReleaseReference("snapshot", &reader.lines, role: .snapshot))
    }
}

/// The root at which a client begins that knows none; its own version is that root's.
public struct AnchorBody: ReleaseBody {
    public static let role = ReleaseRole.anchor
    public var header: ReleaseHeader
    public var root: ReleaseReference

    public init(header: ReleaseHeader, root: ReleaseReference) {
        self.header = header
        self.root = root
    }

    public var lines: [String] { ["root \(root.words)"] }

    public init(header: ReleaseHeader, _ reader: inout ReleaseBodyReader) throws(ReleaseRefusal) {
        self.init(header: header, root: try ReleaseReference("root", &reader.lines, role: .root))
        guard root.version == header.version else { throw reader.lines.refusal("its version is not the root's") }
    }

    /// What a server tells newcomers of the root that it has.
    public init(_ root: Signed<RootBody>, expires: Timestamp) {
        self.init(
            header: ReleaseHeader(name: root.body.header.name, version: root.version, expires: expires),
            root: root.reference)
    }
}
