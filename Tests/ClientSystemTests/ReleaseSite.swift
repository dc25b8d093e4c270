import Bytes
import Domain
import Releases

/// A project that publishes releases of one program.
struct ReleaseSite {
    let key = SigningKey()
    let keys = (0..<4).map { _ in SigningKey() }
    /// When it signs; what it signs is good for some days.
    var now: Timestamp
    private var repository: ReleaseRepository
    private(set) var files: [String: [UInt8]] = [:]

    init(now: Timestamp) {
        self.now = now
        let one = { (key: SigningKey) in RootBody.Keys(threshold: 1, keys: [key.publicKey]) }
        let root = RootBody(
            header: ReleaseHeader(name: "example", version: 1, expires: now), root: one(keys[0]), targets: one(keys[1]),
            snapshot: one(keys[2]), timestamp: one(keys[3]))
        repository = .begin(root, terms: ReleaseTerms(), now: now)
        sign()
    }

    private mutating func sign() {
        for file in repository.sign(keys, terms: ReleaseTerms(), now: now).files { files[file.file.name] = file.bytes }
        guard let root = repository.root else { return }
        let anchor = AnchorBody(root, expires: now + TimeSpan(seconds: 86_400))
        files["anchor"] = anchor.draft.signed(by: [key]).bytes
    }

    /// Publishes a version of `solver`; its bytes are `content`.
    mutating func release(
        _ version: String, content: String = "a program", platform: String = "any", interpreter: String? = nil,
        layers: [String] = []
    ) {
        guard var body = repository.newestTargets else { return }
        let bytes = Array(content.utf8)
        let file = ProgramFile(
            platform: platform, digest: SHA256Hash.digest(of: bytes), size: Int64(bytes.count), interpreter: interpreter
        )
        body.put(AppRelease(name: "solver", version: version, layers: layers, files: [file]))
        repository.setTargets(body, terms: ReleaseTerms(), now: now)
        sign()
    }

    mutating func withdraw(_ version: String) {
        guard var body = repository.newestTargets else { return }
        body.withdraw("solver", version: version)
        repository.setTargets(body, terms: ReleaseTerms(), now: now)
        sign()
    }

    /// Signs all anew, with nothing changed.
    mutating func renew(at now: Timestamp) {
        self.now = now
        guard let body = repository.newestTargets else { return }
        repository.setTargets(body, terms: ReleaseTerms(), now: now)
        sign()
    }
}
