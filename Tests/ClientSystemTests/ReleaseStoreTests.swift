import Bytes
import ClientSystem
import Domain
import Releases
import Synchronization
import Testing
import Wire
import WorkerHost

@Suite("What a computer believes of a project's releases")
struct ReleaseStoreTests {
    private static let now = Timestamp(seconds: 1_800_000_000)

    /// A project's files by name.
    private struct Project {
        let key = SigningKey()
        let keys = (0..<4).map { _ in SigningKey() }
        var repository: ReleaseRepository
        var files: [String: [UInt8]] = [:]

        init() {
            let one = { (key: SigningKey) in RootBody.Keys(threshold: 1, keys: [key.publicKey]) }
            let root = RootBody(
                header: ReleaseHeader(name: "example", version: 1, expires: ReleaseStoreTests.now), root: one(keys[0]),
                targets: one(keys[1]), snapshot: one(keys[2]), timestamp: one(keys[3]))
            repository = .begin(root, terms: ReleaseTerms(), now: ReleaseStoreTests.now)
            sign()
        }

        mutating func sign() {
            for file in repository.sign(keys, terms: ReleaseTerms(), now: ReleaseStoreTests.now).files {
                files[file.file.name] = file.bytes
            }
            guard let root = repository.root else { return }
            let anchor = AnchorBody(root, expires: ReleaseStoreTests.now + TimeSpan(seconds: 86_400))
            files["anchor"] = anchor.draft.signed(by: [key]).bytes
        }

        mutating func release(_ version: String, client: String? = nil) {
            guard var body = repository.newestTargets else { return }
            let file = ProgramFile(
                platform: "any", digest: SHA256Hash.digest(of: Array(version.utf8)), size: Int64(version.utf8.count))
            body.put(AppRelease(name: "solver", version: version, layers: ["seccomp"], files: [file]))
            body.newestClient = client
            repository.setTargets(body, terms: ReleaseTerms(), now: ReleaseStoreTests.now)
            sign()
        }
    }

    private func refresh(
        _ store: ReleaseStore, _ project: Project, daysLater: Double = 0
    ) throws -> ReleaseStore.Round {
        let now = Self.now + TimeSpan(seconds: daysLater * 86_400)
        return try store.refresh(now: now) { (want) throws(Fault) in project.files[want.file.name] }
    }

    @Test("What was believed is there after a restart, and says which file a program is")
    func restart() throws {
        let folder = try TemporaryFolder()
        var project = Project()
        project.release("1.0")
        let store = ReleaseStore(folder: folder.path + "/releases", project: project.key.publicKey)
        #expect(try store.program(app: "solver", version: "1.0", now: Self.now).denied == .noReleases)
        guard case .believed = try refresh(store, project) else { Issue.record("not believed"); return }
        let again = ReleaseStore(folder: folder.path + "/releases", project: project.key.publicKey)
        let program = try again.program(app: "solver", version: "1.0", now: Self.now).get()
        #expect(program.file.digest == SHA256Hash.digest(of: Array("1.0".utf8)))
        #expect(program.layers == ["seccomp"])
        #expect(try again.program(app: "solver", version: "1.1", now: Self.now).denied == .unknownVersion)
        let later = Self.now + TimeSpan(seconds: 15 * 86_400)
        #expect(try again.program(app: "solver", version: "1.0", now: later).denied == .expired)
    }

    @Test("Rollback after a restart is refused, and what was believed stays")
    func rollback() throws {
        let folder = try TemporaryFolder()
        var project = Project()
        project.release("1.0")
        let old = project
        project.release("1.1")
        let store = ReleaseStore(folder: folder.path, project: project.key.publicKey)
        _ = try refresh(store, project)
        let again = ReleaseStore(folder: folder.path, project: project.key.publicKey)
        guard case .refused(let refusal) = try refresh(again, old) else { Issue.record("believed"); return }
        #expect(refusal.kind == .rollback)
        #expect(try again.program(app: "solver", version: "1.1", now: Self.now).get().version == "1.1")
    }

    @Test("A round that breaks keeps what it accepted: the newer timestamp is not forgotten")
    func brokenRound() throws {
        let folder = try TemporaryFolder()
        var project = Project()
        project.release("1.0")
        let old = project
        let store = ReleaseStore(folder: folder.path, project: project.key.publicKey)
        _ = try refresh(store, project)
        project.release("1.1")
        let round = try store.refresh(now: Self.now) { [project] (want) throws(Fault) in
            if case .targets = want.file { throw Fault(.interrupted, "the line is dead") }
            return project.files[want.file.name]
        }
        guard case .unreached(let fault) = round else { Issue.record("not unreached"); return }
        #expect(fault.kind == .interrupted && round.trouble == "the line is dead")
        #expect(try store.program(app: "solver", version: "1.0", now: Self.now).get().version == "1.0")
        guard case .refused(let refusal) = try refresh(store, old) else { Issue.record("believed"); return }
        #expect(refusal.kind == .rollback)
        guard case .believed = try refresh(store, project) else { Issue.record("not believed"); return }
    }

    @Test("A damaged file, or another project's, stops all programs; nothing begins anew by itself")
    func damaged() throws {
        let folder = try TemporaryFolder()
        var project = Project()
        project.release("1.0")
        let store = ReleaseStore(folder: folder.path, project: project.key.publicKey)
        _ = try refresh(store, project)
        var bytes = try Files.read("\(folder.path)/trusted", limit: 1 << 20)
        bytes[bytes.count / 2] ^= 4
        try Files.replace("\(folder.path)/trusted", with: bytes)
        for _ in 0..<2 {
            let fault = #expect(throws: Fault.self) {
                try store.program(app: "solver", version: "1.0", now: Self.now)
            }
            #expect(fault?.kind == .configuration && fault?.advice?.contains("fingerprint") == true)
            #expect(throws: Fault.self) { try refresh(store, project) }
        }
        #expect(try Files.read("\(folder.path)/trusted", limit: 1 << 20) == bytes)
        let other = ReleaseStore(folder: folder.path, project: SigningKey().publicKey)
        #expect(throws: Fault.self) { try other.trusted() }
    }

    /// The project's files by HTTP, with other answers for some.
    private func serve(
        _ project: Project, _ odd: @escaping @Sendable (String) -> TinyServer.Answer? = { _ in nil }
    ) throws -> TinyServer {
        let files = project.files
        return try TinyServer { request in
            let name = String(request.path.dropFirst("/v1/releases/".count))
            if let answer = odd(name) { return answer }
            if let bytes = files[name] {
                return .respond(200, headers: ["Content-Type": "text/plain"], body: bytes)
            }
            let text = #"{"code":"not_found","message":"there is no such file"}"#
            return .respond(404, headers: ["Content-Type": "application/json"], body: Array(text.utf8))
        }
    }

    private func round(_ store: ReleaseStore, _ server: TinyServer) throws -> ReleaseStore.Round {
        let fetcher = ReleaseFetcher(transport: HTTPTransport(userAgent: "test"), serverURL: server.url)
        return try store.refresh(now: Self.now, fetcher.read)
    }

    @Test("By HTTP: believed; endless data is cut off and refused; a web page, a 500 and a dead line change nothing")
    func transport() throws {
        let folder = try TemporaryFolder()
        var project = Project()
        project.release("1.0")
        let store = ReleaseStore(folder: folder.path, project: project.key.publicKey)
        guard case .believed = try round(store, try serve(project)) else { Issue.record("not believed"); return }
        let before = try store.trusted()
        project.release("1.1")
        let endless = [UInt8](repeating: 0x61, count: 4 << 20)
        let page = Array("<html>Please log in</html>".utf8)
        let answers: [TinyServer.Answer] = [
            .respond(200, headers: ["Content-Type": "text/plain"], body: endless),
            .respond(200, headers: ["Content-Type": "text/html"], body: page), .respond(500),
            .dropAfter(Array("HTTP/1.1 200 OK\r\n".utf8), length: 1000),
        ]
        for answer in answers {
            let server = try serve(project) { $0 == "timestamp" ? answer : nil }
            switch try round(store, server) {
            case .believed, .none: Issue.record("believed")
            case .refused(let refusal): #expect(refusal.kind == .tooManyBytes)
            case .unreached(let fault): #expect(!fault.message.isEmpty)
            }
            #expect(try store.trusted() == before)
        }
        // A byte more than allowed reaches the verifier.
        let one = [UInt8](repeating: 0x61, count: ReleaseLimits.timestampBytesMax + 1)
        let server = try serve(project) {
            $0 == "timestamp" ? .respond(200, headers: ["Content-Type": "text/plain"], body: one) : nil
        }
        guard case .refused(let refusal) = try round(store, server) else { Issue.record("not refused"); return }
        #expect(refusal.kind == .tooManyBytes)
        guard case .believed = try round(store, try serve(project)) else { Issue.record("not believed"); return }
        #expect(try store.program(app: "solver", version: "1.1", now: Self.now).get().version == "1.1")
    }

    @Test("A project without releases is no trouble; one that had them and hides them is")
    func without() throws {
        let folder = try TemporaryFolder()
        var project = Project()
        project.release("1.0")
        let store = ReleaseStore(folder: folder.path, project: project.key.publicKey)
        var empty = project
        empty.files = [:]
        guard case .none = try round(store, try serve(empty)) else { Issue.record("not none"); return }
        #expect(!Files.exists("\(folder.path)/trusted"))
        _ = try refresh(store, project)
        guard case .refused(let refusal) = try round(store, try serve(empty)) else { Issue.record("none"); return }
        #expect(refusal.kind == .missing && refusal.file == "timestamp")
    }

    @Test("The watch tells of a newer client and of trouble, and asks once until the next round is due")
    func watch() throws {
        let folder = try TemporaryFolder()
        var project = Project()
        project.release("1.0", client: "99.0")
        let store = ReleaseStore(folder: folder.path, project: project.key.publicKey)
        let rounds = Mutex(0)
        let isDead = Mutex(false)
        let files = project.files
        let watch = ReleaseWatch(store: store, now: { Self.now }) { (want) throws(Fault) in
            if case .timestamp = want.file { rounds.withLock { $0 += 1 } }
            if isDead.withLock({ $0 }) { throw Fault(.unreachable, "nobody answers") }
            return files[want.file.name]
        }
        let ended = Mutex(0)
        func tend(_ seconds: Double) { watch.tend(at: seconds) { ended.withLock { $0 += 1 } } }
        tend(10)
        #expect(eventually { ended.withLock { $0 } == 1 })
        #expect(watch.news.newerClient == "99.0" && watch.news.trouble == nil)
        tend(20)
        tend(6 * 3600)
        #expect(rounds.withLock { $0 } == 1)
        isDead.withLock { $0 = true }
        tend(6 * 3600 + 11)
        #expect(eventually { ended.withLock { $0 } == 2 })
        #expect(watch.news.trouble == "nobody answers" && watch.news.newerClient == "99.0")
        tend(6 * 3600 + 100)
        isDead.withLock { $0 = false }
        tend(6 * 3600 + 1000)
        #expect(eventually { ended.withLock { $0 } == 3 })
        #expect(watch.news.trouble == nil && rounds.withLock { $0 } == 2)
    }
}

extension Result where Failure == ReleaseDenial {
    fileprivate var denied: ReleaseDenial.Kind? {
        if case .failure(let denial) = self { denial.kind } else { nil }
    }
}
