/// Who signs what. `anchor` is signed by the project's own key, the others by keys that the root names.
public enum ReleaseRole: String, CaseIterable, Hashable, Sendable {
    /// Which keys sign for which role. Kept offline.
    case root
    /// Which programs there are: names, versions, files by hash and size. Kept offline.
    case targets
    /// Which version of `targets` is the present one: nobody combines an old one with something newer.
    case snapshot
    /// Which snapshot is the present one; renewed often, so that silence is noticed.
    case timestamp
    /// Where a client that knows no root begins: the hash of one. Made by the server.
    case anchor

    /// Those whose keys the root names, in the order of its lines.
    public static let named: [ReleaseRole] = [.root, .targets, .snapshot, .timestamp]

    public var bytesMax: Int {
        switch self {
        case .root: ReleaseLimits.rootBytesMax
        case .targets: ReleaseLimits.targetsBytesMax
        case .snapshot: ReleaseLimits.snapshotBytesMax
        case .timestamp: ReleaseLimits.timestampBytesMax
        case .anchor: ReleaseLimits.anchorBytesMax
        }
    }
}

/// A file of a release folder. All but two have their version in the name, so that what is published never changes.
public enum ReleaseFile: Hashable, Sendable, CustomStringConvertible {
    case anchor
    case root(Int64)
    case timestamp
    case snapshot(Int64)
    case targets(Int64)

    /// Reads a name; nil for everything that is none, paths for example.
    public init?(name: some StringProtocol) {
        switch name {
        case "anchor": self = .anchor
        case "timestamp": self = .timestamp
        default:
            let parts = name.split(separator: ".", omittingEmptySubsequences: false)
            guard parts.count == 2, let version = Int64(parts[0]), version >= 1, version <= ReleaseLimits.versionMax,
                parts[0] == "\(version)", let role = ReleaseRole(rawValue: String(parts[1])),
                let file = ReleaseFile(role, version: version), file.isVersioned
            else { return nil }
            self = file
        }
    }

    /// - Parameter version: of no matter where there is one file only.
    public init?(_ role: ReleaseRole, version: Int64) {
        switch role {
        case .root: self = .root(version)
        case .targets: self = .targets(version)
        case .snapshot: self = .snapshot(version)
        case .timestamp: self = .timestamp
        case .anchor: self = .anchor
        }
    }

    public var role: ReleaseRole {
        switch self {
        case .anchor: .anchor
        case .root: .root
        case .timestamp: .timestamp
        case .snapshot: .snapshot
        case .targets: .targets
        }
    }

    /// Whether it stays as it is for ever.
    public var isVersioned: Bool { role != .anchor && role != .timestamp }

    public var name: String {
        switch self {
        case .anchor, .timestamp: role.rawValue
        case .root(let version), .snapshot(let version), .targets(let version): "\(version).\(role.rawValue)"
        }
    }

    public var description: String { name }
}
