import Domain

/// Something that is wrong with the public files of a log.
public enum LogFinding: Error, Hashable, Sendable {
    public enum Change: String, Hashable, Sendable, CaseIterable {
        /// Other bytes than those that were signed.
        case changed
        /// The leaf is not there; the next one stands in its place, or none.
        case removed
        /// A leaf stands here that was not signed; the signed one follows, or the end.
        case added
    }

    /// There is no checkpoint.
    case noCheckpoint
    /// The checkpoint is malformed, not signed by the log's key, or of another log.
    case badCheckpoint(NoteRefusal)
    /// A checkpoint that is smaller than one that was seen before.
    case rolledBack(seen: Int64, now: Int64)
    /// The log was seen with another root at this size: its past was rewritten.
    case forked(size: Int64, seen: Digest, now: Digest)
    /// This leaf is the first one that is wrong.
    case leaf(Int64, Change)
    /// These leaves and their tile were changed together; which one of them first cannot be told.
    case leaves(first: Int64, last: Int64)
    /// A tile whose hashes are not those of the signed tree. - Parameter hash: the first wrong one, from 0; nil when
    ///   the tile has a wrong length or cannot be compared.
    case tile(path: String, hash: Int?)
    /// A file that the checkpoint needs.
    case missing(path: String, first: Int64, last: Int64)
    /// Leaves and tiles agree with one another, but not with the signed root.
    case wrongRoot(size: Int64, signed: Digest, found: Digest)
    /// What the checkpoint says cannot be confirmed, since too many files are wrong.
    case unconfirmed(size: Int64)
}

extension LogFinding: CustomStringConvertible {
    /// A stable word for programs.
    public var word: String {
        switch self {
        case .noCheckpoint: "no_checkpoint"
        case .badCheckpoint: "bad_checkpoint"
        case .rolledBack: "rolled_back"
        case .forked: "forked"
        case .leaf(_, let change): "leaf_\(change.rawValue)"
        case .leaves: "leaves_changed"
        case .tile: "tile"
        case .missing: "missing"
        case .wrongRoot: "wrong_root"
        case .unconfirmed: "unconfirmed"
        }
    }

    /// The first leaf that it is about; nil when it is about none.
    public var firstLeaf: Int64? {
        switch self {
        case .leaf(let index, _), .leaves(let index, _), .missing(_, let index, _): index
        case .noCheckpoint, .badCheckpoint, .rolledBack, .forked, .tile, .wrongRoot, .unconfirmed: nil
        }
    }

    public var description: String {
        switch self {
        case .noCheckpoint: "there is no checkpoint"
        case .badCheckpoint(let refusal): "the checkpoint is refused: \(refusal)"
        case .rolledBack(let seen, let now): "the log was rolled back: it had \(seen) leaves, now it has \(now)"
        case .forked(let size, let seen, let now):
            "the log was rewritten before leaf \(size): its root at that size was \(seen.hex), now it is \(now.hex)"
        case .leaf(let index, .changed): "leaf \(index) was changed"
        case .leaf(let index, .removed): "leaf \(index) was removed"
        case .leaf(let index, .added): "a leaf was added at \(index)"
        case .leaves(let first, let last): "leaves among \(first) to \(last) were changed, together with their tile"
        case .tile(let path, let hash):
            "\(path) does not match the signed root" + (hash.map { "; its first wrong hash is number \($0)" } ?? "")
        case .missing(let path, let first, let last): "\(path) is missing, of the leaves \(first) to \(last)"
        case .wrongRoot(let size, let signed, let found):
            "the \(size) leaves have the root \(found.hex), but \(signed.hex) is signed"
        case .unconfirmed(let size): "the signed root of \(size) leaves cannot be reached from these files"
        }
    }
}

/// What a verifier found.
public struct LogReport: Sendable {
    /// nil when there is none that the log has signed.
    public var checkpoint: SignedCheckpoint?
    /// In the order of the leaves; the first `LogReport.findingsMax`.
    public var findings: [LogFinding] = []
    /// All of them.
    public var findingsTotal = 0
    /// Leaves that were read and are the signed ones.
    public var leavesConfirmed: Int64 = 0
    /// What convicts the log itself, for a file; nil when nothing does.
    public var evidence: Evidence?

    public static let findingsMax = 20

    public var isClean: Bool { findingsTotal == 0 }

    mutating func add(_ finding: LogFinding) {
        findingsTotal += 1
        if findings.count < Self.findingsMax { findings.append(finding) }
    }
}
