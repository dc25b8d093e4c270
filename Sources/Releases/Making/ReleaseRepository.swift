import Bytes
import Domain

/// A project's release metadata as its keepers see it: what is published, and drafts that wait for signatures.
///
/// Root and targets are drafts first, so that several people can sign one after another, on machines that never meet a
/// network. Snapshot and timestamp follow from them and are made and signed in one step.
public struct ReleaseRepository: Hashable, Sendable {
    public private(set) var root: Signed<RootBody>?
    public private(set) var targets: Signed<TargetsBody>?
    public private(set) var snapshot: Signed<SnapshotBody>?
    public private(set) var timestamp: Signed<TimestampBody>?
    public private(set) var rootDraft: Signed<RootBody>?
    public private(set) var targetsDraft: Signed<TargetsBody>?

    /// What signing brought.
    public struct Outcome: Hashable, Sendable {
        /// To be written in this order: what a file names is there before it.
        public var files: [File] = []
        /// What is still missing, a line each.
        public var lacking: [String] = []

        public init() {}

        public struct File: Hashable, Sendable {
            public var file: ReleaseFile
            public var bytes: [UInt8]
        }

        mutating func add<Body>(_ signed: Signed<Body>) {
            files.append(File(file: signed.file, bytes: signed.bytes))
        }
    }

    public init() {}

    // MARK: Reading

    /// Takes in a file of the folder, or a draft. - Throws: `.malformed` and its like; signatures are not looked at.
    public mutating func load(_ bytes: [UInt8], as file: ReleaseFile, isDraft: Bool) throws(ReleaseRefusal) {
        let source = try SignedText(bytes, file: file)
        switch (file.role, isDraft) {
        case (.root, false): root = try Signed(source, file: file)
        case (.root, true): rootDraft = try Signed(source, file: file)
        case (.targets, false): targets = try Signed(source, file: file)
        case (.targets, true): targetsDraft = try Signed(source, file: file)
        case (.snapshot, _): snapshot = try Signed(source, file: file)
        case (.timestamp, _): timestamp = try Signed(source, file: file)
        case (.anchor, _): break
        }
    }

    /// The newest content of targets, draft or not.
    public var newestTargets: TargetsBody? { targetsDraft?.body ?? targets?.body }
    public var newestRoot: RootBody? { rootDraft?.body ?? root?.body }

    // MARK: Drafts

    /// The first root and an empty list of programs, to be signed.
    public static func begin(_ root: RootBody, terms: ReleaseTerms, now: Timestamp) -> ReleaseRepository {
        var repository = ReleaseRepository()
        repository.setRoot(root, terms: terms, now: now)
        let header = ReleaseHeader(name: root.header.name, version: 1, expires: terms.end(of: .targets, from: now))
        repository.setTargets(TargetsBody(header: header), terms: terms, now: now)
        return repository
    }

    /// Drafts the next targets; signatures under an earlier draft are gone, since its text is.
    public mutating func setTargets(_ body: TargetsBody, terms: ReleaseTerms, now: Timestamp) {
        var body = body
        body.header.version = (targets?.version ?? 0) + 1
        body.header.expires = terms.end(of: .targets, from: now)
        targetsDraft = Self.draft(body)
    }

    /// Drafts the next root.
    public mutating func setRoot(_ body: RootBody, terms: ReleaseTerms, now: Timestamp) {
        var body = body
        body.header.version = (root?.version ?? 0) + 1
        body.header.expires = terms.end(of: .root, from: now)
        rootDraft = Self.draft(body)
    }

    private static func draft<Body: ReleaseBody>(_ body: Body, _ signed: SignedText? = nil) -> Signed<Body> {
        Signed(body, signed ?? body.draft)
    }

    // MARK: Signing

    /// Signs the drafts with all keys that may; publishes those that have enough, and what follows from them.
    public mutating func sign(_ keys: [SigningKey], terms: ReleaseTerms, now: Timestamp) -> Outcome {
        var outcome = Outcome()
        signRoot(keys, &outcome)
        guard let root else { return outcome }
        // New keys of targets: the same list, signed by them.
        if targetsDraft == nil, let targets, !Self.holds(targets, root.body[.targets]) {
            setTargets(targets.body, terms: terms, now: now)
        }
        if let draft = targetsDraft {
            let signed = Self.signed(draft, by: keys, of: [root.body[.targets]])
            if Self.holds(signed, root.body[.targets]) {
                targets = signed
                targetsDraft = nil
                outcome.add(signed)
            } else {
                targetsDraft = signed
                outcome.lacking.append(Self.lack(signed, root.body[.targets]))
            }
        }
        let isOld = snapshot.map { $0.body.targets != targets?.reference || !Self.holds($0, root.body[.snapshot]) }
        let isStale = timestamp.map { !Self.holds($0, root.body[.timestamp]) }
        if isOld ?? true || isStale ?? true {
            let more = refresh(keys, terms: terms, now: now)
            outcome.files += more.files
            outcome.lacking += more.lacking
        }
        return outcome
    }

    private mutating func signRoot(_ keys: [SigningKey], _ outcome: inout Outcome) {
        guard let draft = rootDraft else { return }
        let roles = (root.map { [$0.body.root] } ?? []) + [draft.body.root]
        let signed = Self.signed(draft, by: keys, of: roles)
        if roles.allSatisfy({ Self.holds(signed, $0, admitsOthers: true) }) {
            root = signed
            rootDraft = nil
            outcome.add(signed)
        } else {
            rootDraft = signed
            for role in roles where !Self.holds(signed, role, admitsOthers: true) {
                // The old keys and the new ones are the same more often than not.
                let line = Self.lack(signed, role)
                if !outcome.lacking.contains(line) { outcome.lacking.append(line) }
            }
        }
    }

    /// A new timestamp, and a new snapshot where the old one does not do any more or is in the last half of its time.
    public mutating func refresh(_ keys: [SigningKey], terms: ReleaseTerms, now: Timestamp) -> Outcome {
        var outcome = Outcome()
        guard let root, let targets, Self.holds(targets, root.body[.targets]) else { return outcome }
        let name = root.body.header.name
        let half = Int64(terms.snapshot) * 43_200_000
        let stays = snapshot.map {
            $0.body.targets == targets.reference && Self.holds($0, root.body[.snapshot])
                && $0.expires > now + TimeSpan(milliseconds: half)
        }
        if stays != true {
            let header = ReleaseHeader(
                name: name, version: (snapshot?.version ?? 0) + 1, expires: terms.end(of: .snapshot, from: now))
            let body = SnapshotBody(header: header, targets: targets.reference)
            guard let made = Self.made(body, keys, root.body[.snapshot], &outcome) else { return outcome }
            snapshot = made
            outcome.add(made)
        }
        guard let snapshot else { return outcome }
        let header = ReleaseHeader(
            name: name, version: (timestamp?.version ?? 0) + 1, expires: terms.end(of: .timestamp, from: now))
        let body = TimestampBody(header: header, snapshot: snapshot.reference)
        guard let made = Self.made(body, keys, root.body[.timestamp], &outcome) else { return outcome }
        timestamp = made
        outcome.add(made)
        return outcome
    }

    /// Signed at once by enough keys, or not made.
    private static func made<Body: ReleaseBody>(
        _ body: Body, _ keys: [SigningKey], _ role: RootBody.Keys, _ outcome: inout Outcome
    ) -> Signed<Body>? {
        let signed = signed(draft(body), by: keys, of: [role])
        guard holds(signed, role) else {
            outcome.lacking.append(lack(signed, role))
            return nil
        }
        return signed
    }

    private static func signed<Body: ReleaseBody>(
        _ draft: Signed<Body>, by keys: [SigningKey], of roles: [RootBody.Keys]
    ) -> Signed<Body> {
        let allowed = roles.reduce(into: Set<VerifyingKey>()) { $0.formUnion($1.keys) }
        // Whoever may sign no more is left out: clients would refuse the whole.
        let kept = draft.source.signatures.filter { allowed.contains($0.key) }
        let text = SignedText(text: draft.source.text, signatures: kept)
        return Self.draft(draft.body, text.signed(by: keys.filter { allowed.contains($0.publicKey) }))
    }

    private static func holds<Body>(
        _ signed: Signed<Body>, _ role: RootBody.Keys, admitsOthers: Bool = false
    ) -> Bool {
        do throws(ReleaseRefusal) {
            try ReleaseCheck.signatures(signed.source, of: [role], signed.file, admitsOthers: admitsOthers)
            return true
        } catch { return false }
    }

    private static func lack<Body>(_ signed: Signed<Body>, _ role: RootBody.Keys) -> String {
        let signers = Set(signed.source.signatures.map(\.key))
        let open = role.keys.subtracting(signers).map { Hex.encode($0.rawRepresentation) }.sorted()
        return
            "\(signed.file.name) has \(role.keys.count - open.count) of \(role.threshold) signatures; these keys may "
            + "still sign: " + open.map { String($0.prefix(16)) }.joined(separator: ", ")
    }
}
