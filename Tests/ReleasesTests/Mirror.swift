import Bytes
import Domain
import Releases

/// A project with its keys, and the files that a client is shown.
struct Mirror {
    static let start = Timestamp(seconds: 1_800_000_000)
    static let day = TimeSpan(seconds: 86_400)

    let project = SigningKey()
    var rootKeys = [SigningKey(), SigningKey(), SigningKey()]
    var targetsKey = SigningKey()
    var snapshotKey = SigningKey()
    var timestampKey = SigningKey()
    var terms = ReleaseTerms()
    var now = Mirror.start
    var repository = ReleaseRepository()
    /// What is served, by name.
    var files: [String: [UInt8]] = [:]

    /// A published project without programs.
    init(name: String = "example", rootThreshold: Int = 2) {
        let header = ReleaseHeader(name: name, version: 1, expires: now)
        let root = RootBody(
            header: header, root: .init(threshold: rootThreshold, keys: Set(rootKeys.map(\.publicKey))),
            targets: Mirror.one(targetsKey), snapshot: Mirror.one(snapshotKey), timestamp: Mirror.one(timestampKey))
        repository = .begin(root, terms: terms, now: now)
        sign()
    }

    static func one(_ key: SigningKey) -> RootBody.Keys { .init(threshold: 1, keys: [key.publicKey]) }

    var allKeys: [SigningKey] { rootKeys + [targetsKey, snapshotKey, timestampKey] }

    @discardableResult
    mutating func sign(_ keys: [SigningKey]? = nil) -> [String] {
        let outcome = repository.sign(keys ?? allKeys, terms: terms, now: now)
        serve(outcome)
        return outcome.lacking
    }

    mutating func refresh() { serve(repository.refresh(allKeys, terms: terms, now: now)) }

    private mutating func serve(_ outcome: ReleaseRepository.Outcome) {
        for file in outcome.files { files[file.file.name] = file.bytes }
        anchor()
    }

    /// As a server does it. - Parameter key: another's, for attacks.
    mutating func anchor(by key: SigningKey? = nil, days: Double = 14) {
        guard let root = repository.root else { return }
        let body = AnchorBody(root, expires: now + TimeSpan(seconds: days * 86_400))
        files["anchor"] = body.draft.signed(by: [key ?? project]).bytes
    }

    static func file(_ platform: String = "x86_64-linux", _ text: String = "program") -> ProgramFile {
        let bytes = Array(text.utf8)
        return ProgramFile(platform: platform, digest: SHA256Hash.digest(of: bytes), size: Int64(bytes.count))
    }

    mutating func release(
        _ app: String, _ version: String, files: [ProgramFile] = [Mirror.file()], layers: [String] = []
    ) {
        guard var body = repository.newestTargets else { return }
        body.put(AppRelease(name: app, version: version, layers: layers, files: files))
        repository.setTargets(body, terms: terms, now: now)
        sign()
    }

    /// A new root that keeps what `change` does not touch.
    mutating func changeRoot(_ change: (inout RootBody) -> Void) {
        guard var body = repository.newestRoot else { return }
        change(&body)
        repository.setRoot(body, terms: terms, now: now)
    }

    mutating func pass(days: Double) { now = now + TimeSpan(seconds: days * 86_400) }
}

/// A client of the project: what it has kept, and how its last round ended.
struct Client {
    let project: VerifyingKey
    var trusted: TrustedReleases?
    /// The files that the last round asked for.
    var asked: [String] = []

    init(of mirror: Mirror) {
        project = mirror.project.publicKey
        update(mirror)
    }

    init(project: VerifyingKey) {
        self.project = project
    }

    /// - Returns: why something was refused; nil: all is believed.
    @discardableResult
    mutating func update(_ mirror: Mirror) -> ReleaseRefusal? {
        var update = ReleaseUpdate(project: project, trusted: trusted, startedAt: mirror.now)
        var asked: [String] = []
        let refusal = update.run { (want) throws(Never) in
            asked.append(want.file.name)
            return mirror.files[want.file.name]
        }
        self.asked = asked
        trusted = update.trusted
        return refusal
    }

    func program(
        _ app: String, _ version: String, _ platforms: [String] = ["x86_64-linux", "any"], at now: Timestamp
    ) -> Result<ReleasedProgram, ReleaseDenial> {
        trusted?.program(app: app, version: version, platforms: platforms, now: now)
            ?? .failure(ReleaseDenial(.noReleases, "nothing"))
    }
}

extension Result where Failure == ReleaseDenial {
    var denial: ReleaseDenial.Kind? {
        if case .failure(let denial) = self { denial.kind } else { nil }
    }
}
