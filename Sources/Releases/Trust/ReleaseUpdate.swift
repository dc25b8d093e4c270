import Bytes
import Domain

/// One round of a client: says which file it wants next, and takes it or refuses it.
///
/// After TUF's client workflow (specification 1.0, section 5): new roots one by one, then timestamp, snapshot, targets,
/// each only by what was believed before. The caller fetches, up to `bytesMax`, hands over, and keeps `trusted` when it
/// has changed: also after a refusal, since what was accepted before it stays accepted.
public struct ReleaseUpdate: Sendable {
    /// What is asked for next.
    public struct Want: Hashable, Sendable {
        public let file: ReleaseFile
        /// More need not be fetched: it is refused.
        public let bytesMax: Int
    }

    /// What is believed by now; nil until there is a root.
    public private(set) var trusted: TrustedReleases?
    /// nil: the round is over.
    public private(set) var want: Want?
    private let project: VerifyingKey
    /// The moment that ages are held against, one for the whole round.
    private let startedAt: Timestamp
    private var anchor: ReleaseReference?
    private var roots = 0

    /// - Parameter project: the pinned key of the project.
    /// - Parameter trusted: what was kept; nil: nothing, then the round begins at the anchor.
    public init(project: VerifyingKey, trusted: TrustedReleases?, startedAt: Timestamp) {
        self.project = project
        self.trusted = trusted
        self.startedAt = startedAt
        ask(for: trusted.map { .root($0.root.version + 1) } ?? .anchor)
    }

    private mutating func ask(for file: ReleaseFile?, size: Int64? = nil) {
        want = file.map { Want(file: $0, bytesMax: size.map(Int.init) ?? $0.role.bytesMax) }
    }

    /// Takes the file that was asked for.
    ///
    /// - Parameter bytes: nil: there is none. For the next root this is the ordinary case.
    /// - Throws: why it is not believed; the round is over then.
    public mutating func take(_ bytes: [UInt8]?) throws(ReleaseRefusal) {
        guard let file = want?.file else { return }
        want = nil
        guard let bytes else {
            if case .root = file, anchor == nil || trusted != nil { return try endOfRoots() }
            throw ReleaseRefusal(.missing, file.name, "there is no such file")
        }
        switch file {
        case .anchor: try takeAnchor(bytes, file)
        case .root(let version):
            if trusted == nil { try takeFirstRoot(bytes, file) } else { try takeNextRoot(bytes, file) }
            try askForNextRoot(after: version)
        case .timestamp: try takeTimestamp(bytes, file)
        case .snapshot: try takeSnapshot(bytes, file)
        case .targets: try takeTargets(bytes, file)
        }
    }

    // MARK: Roots

    private mutating func takeAnchor(_ bytes: [UInt8], _ file: ReleaseFile) throws(ReleaseRefusal) {
        let source = try SignedText(bytes, file: file)
        try ReleaseCheck.signatures(source, of: [RootBody.Keys(threshold: 1, keys: [project])], file)
        let body = try Signed<AnchorBody>(source, file: file).body
        try ReleaseCheck.freshness(body.header, at: startedAt, file)
        anchor = body.root
        ask(for: .root(body.root.version), size: body.root.size)
    }

    private mutating func takeFirstRoot(_ bytes: [UInt8], _ file: ReleaseFile) throws(ReleaseRefusal) {
        guard let anchor else { throw ReleaseRefusal(.missing, file.name, "no anchor names it") }
        try ReleaseCheck.bytes(bytes, are: anchor, file)
        let root = try TrustedReleases.rootOnItsOwn(bytes, file)
        try ReleaseCheck.header(root.body.header, name: root.body.header.name, version: anchor.version, file)
        trusted = TrustedReleases(project: project, root: root)
    }

    private mutating func takeNextRoot(_ bytes: [UInt8], _ file: ReleaseFile) throws(ReleaseRefusal) {
        guard let before = trusted?.root.body else { return }
        let source = try SignedText(bytes, file: file)
        // The old keys first: until they have signed, what it says of new keys is a stranger's word.
        try ReleaseCheck.signatures(source, of: [before.root], file, admitsOthers: true)
        let next = try Signed<RootBody>(source, file: file)
        try ReleaseCheck.header(next.body.header, name: before.header.name, version: nil, file)
        guard next.version > before.header.version else {
            throw ReleaseRefusal(
                .rollback, file.name, "it is version \(next.version), after version \(before.header.version)")
        }
        try ReleaseCheck.header(next.body.header, name: before.header.name, version: before.header.version + 1, file)
        try ReleaseCheck.signatures(source, of: [before.root, next.body.root], file)
        trusted?.follow(next)
    }

    private mutating func askForNextRoot(after version: Int64) throws(ReleaseRefusal) {
        roots += 1
        guard roots <= ReleaseLimits.rootsPerUpdateMax else {
            throw ReleaseRefusal(
                .tooManyRoots, ReleaseFile.root(version).name,
                "more than \(ReleaseLimits.rootsPerUpdateMax) new roots at once; the next update goes on")
        }
        ask(for: .root(version + 1))
    }

    /// Roots on the way may have expired; the last must not.
    private mutating func endOfRoots() throws(ReleaseRefusal) {
        guard let root = trusted?.root else { return }
        try ReleaseCheck.freshness(root.body.header, at: startedAt, root.file)
        ask(for: .timestamp)
    }

    // MARK: The other roles

    private mutating func takeTimestamp(_ bytes: [UInt8], _ file: ReleaseFile) throws(ReleaseRefusal) {
        let new: Signed<TimestampBody> = try read(bytes, file, version: nil)
        if let old = trusted?.timestamp {
            try ReleaseCheck.advance(from: old.source, old.version, to: new.source, new.version, file)
            try ReleaseCheck.advance(from: old.body.snapshot, to: new.body.snapshot, of: .snapshot, file)
        }
        try ReleaseCheck.freshness(new.body.header, at: startedAt, file)
        trusted?.timestamp = new
        let reference = new.body.snapshot
        guard let snapshot = trusted?.snapshot, snapshot.reference == reference else {
            return ask(for: .snapshot(reference.version), size: reference.size)
        }
        try follow(snapshot)
    }

    private mutating func takeSnapshot(_ bytes: [UInt8], _ file: ReleaseFile) throws(ReleaseRefusal) {
        guard let reference = trusted?.timestamp?.body.snapshot else { return }
        try ReleaseCheck.bytes(bytes, are: reference, file)
        let new: Signed<SnapshotBody> = try read(bytes, file, version: reference.version)
        if let old = trusted?.snapshot {
            try ReleaseCheck.advance(from: old.body.targets, to: new.body.targets, of: .targets, file)
        }
        try ReleaseCheck.freshness(new.body.header, at: startedAt, file)
        trusted?.snapshot = new
        try follow(new)
    }

    /// Goes on with the targets that a snapshot names, without fetching what is here.
    private mutating func follow(_ snapshot: Signed<SnapshotBody>) throws(ReleaseRefusal) {
        try ReleaseCheck.freshness(snapshot.body.header, at: startedAt, snapshot.file)
        let reference = snapshot.body.targets
        guard let targets = trusted?.believed?.targets, targets.reference == reference else {
            return ask(for: .targets(reference.version), size: reference.size)
        }
        try believe(targets)
    }

    private mutating func takeTargets(_ bytes: [UInt8], _ file: ReleaseFile) throws(ReleaseRefusal) {
        guard let reference = trusted?.snapshot?.body.targets else { return }
        try ReleaseCheck.bytes(bytes, are: reference, file)
        let new: Signed<TargetsBody> = try read(bytes, file, version: reference.version)
        for app in trusted?.believed?.targets.body.apps ?? [] {
            if let now = new.body.app(app.name, version: app.version), now != app {
                throw ReleaseRefusal(
                    .rewritten, file.name,
                    "version \(app.version) of \(app.name) was released with other files or layers")
            }
        }
        try believe(new)
    }

    private mutating func believe(_ targets: Signed<TargetsBody>) throws(ReleaseRefusal) {
        try ReleaseCheck.freshness(targets.body.header, at: startedAt, targets.file)
        guard let timestamp = trusted?.timestamp, let snapshot = trusted?.snapshot else { return }
        trusted?.believed = TrustedReleases.ReleaseSet(timestamp: timestamp, snapshot: snapshot, targets: targets)
    }

    /// Signatures before content.
    private func read<Body: ReleaseBody>(
        _ bytes: [UInt8], _ file: ReleaseFile, version: Int64?
    ) throws(ReleaseRefusal) -> Signed<Body> {
        guard let root = trusted?.root.body else { throw ReleaseRefusal(.missing, file.name, "there is no root") }
        let source = try SignedText(bytes, file: file)
        try ReleaseCheck.signatures(source, of: [root[Body.role]], file)
        let signed = try Signed<Body>(source, file: file)
        try ReleaseCheck.header(signed.body.header, name: root.header.name, version: version, file)
        return signed
    }
}

extension ReleaseUpdate {
    /// Runs to the end.
    ///
    /// - Parameter read: fetches a file, at most `bytesMax` and one byte more; nil when there is none.
    /// - Returns: why the round ended early; nil: all is believed.
    /// - Throws: what `read` throws.
    public mutating func run<E: Error>(_ read: (Want) throws(E) -> [UInt8]?) throws(E) -> ReleaseRefusal? {
        while let want {
            let bytes = try read(want)
            do throws(ReleaseRefusal) { try take(bytes) } catch { return error }
        }
        return nil
    }
}
