import Bytes
import ClientCore
import ClientSystem
import Domain
import Releases
import Synchronization
import Testing
import WorkerHost

@Suite("Which program may be started")
struct ProgramDeskTests {
    private static let now = Timestamp(seconds: 1_800_000_000)
    private static let solver = UnitProgram(name: "solver", version: "1.0", isModule: false)

    private static func layers(without: SandboxLayer? = nil) -> SandboxLayers {
        SandboxLayers(
            SandboxLayer.allCases.map { .init($0, isActive: $0 != without, detail: $0 == without ? "left out" : "") },
            landlockVersion: 4)
    }

    private static func host(without: SandboxLayer? = nil, hasRuntime: Bool = false) -> ProgramHost {
        ProgramHost(
            sandbox: SandboxAnswer(kernel: layers(), program: layers(without: without)), hasRuntime: hasRuntime)
    }

    /// A site that can change, and how often it was asked for news.
    private final class Server: Sendable {
        let site: Mutex<ReleaseSite>
        let asked = Mutex(0)
        let isReached: Bool

        init(_ site: ReleaseSite, isReached: Bool = true) {
            self.site = Mutex(site)
            self.isReached = isReached
        }

        var count: Int { asked.withLock { $0 } }

        func change(_ body: (inout ReleaseSite) -> Void) { site.withLock { body(&$0) } }

        func refresh(_ store: ReleaseStore) -> String? {
            asked.withLock { $0 += 1 }
            guard isReached else { return "the line is dead" }
            let site = self.site.withLock { $0 }
            do throws(Fault) {
                return try store.refresh(now: site.now) { (want) throws(Fault) in site.files[want.file.name] }.trouble
            } catch { return error.message }
        }
    }

    private static func site(_ change: (inout ReleaseSite) -> Void = { $0.release("1.0") }) -> ReleaseSite {
        var site = ReleaseSite(now: now)
        change(&site)
        return site
    }

    private static func desk(
        _ folder: TemporaryFolder, _ server: Server, host: ProgramHost = host()
    ) -> ProgramDesk {
        let store = ReleaseStore(
            folder: folder.path + "/releases", project: server.site.withLock { $0.key.publicKey })
        return ProgramDesk(store: store, host: host) { server.refresh(store) }
    }

    private static func refusal(_ answer: ProgramAnswer) -> String? {
        if case .refused(let why) = answer { why } else { nil }
    }

    @Test("Not known yet, the server is asked; known, it is not")
    func found() throws {
        let folder = try TemporaryFolder()
        let server = Server(Self.site { $0.release("1.0", interpreter: "sh", layers: ["landlock:3"]) })
        let desk = Self.desk(folder, server)
        #expect(desk.believed(Self.solver, now: Self.now) == nil)
        let file = UnitProgram.File(
            digest: SHA256Hash.digest(of: Array("a program".utf8)), size: 9, platform: "any", interpreter: "sh",
            needs: ["landlock:3"])
        for _ in 0..<3 { #expect(desk.find(Self.solver, now: { Self.now }) == .file(file)) }
        #expect(desk.believed(Self.solver, now: Self.now) == .file(file))
        #expect(server.count == 1)
    }

    @Test("What the server says is not released is refused; while it cannot be asked, nothing is")
    func unknown() throws {
        let folder = try TemporaryFolder()
        let desk = Self.desk(folder, Server(Self.site { $0.release("0.9") }))
        let why = Self.refusal(desk.find(Self.solver, now: { Self.now }))
        #expect(why?.contains("solver 1.0 is not released") == true)
        let away = Self.desk(try TemporaryFolder(), Server(Self.site(), isReached: false))
        guard case .unknown(let words) = away.find(Self.solver, now: { Self.now }) else {
            Issue.record("told")
            return
        }
        #expect(words.contains("the line is dead"))
    }

    @Test("Too old, nothing is started before there is news; a project that renewed nothing is refused")
    func expired() throws {
        let folder = try TemporaryFolder()
        let server = Server(Self.site())
        let desk = Self.desk(folder, server)
        guard case .file = desk.find(Self.solver, now: { Self.now }) else { Issue.record("refused"); return }
        let later = Self.now + TimeSpan(seconds: 60 * 86_400)
        #expect(desk.believed(Self.solver, now: later) == nil)
        // A server that hides news shows what it has shown.
        let stale = desk.find(Self.solver, now: { later })
        #expect(Self.refusal(stale)?.contains("too old") == true)
        let store = ReleaseStore(
            folder: folder.path + "/releases", project: server.site.withLock { $0.key.publicKey })
        let away = ProgramDesk(store: store, host: Self.host()) { "the line is dead" }
        guard case .unknown = away.find(Self.solver, now: { later }) else { Issue.record("told"); return }
        // What runs is not stopped by that.
        var running = Self.solver
        running.file = UnitProgram.File(
            digest: SHA256Hash.digest(of: Array("a program".utf8)), size: 9, platform: "any")
        #expect(desk.withdrawal(of: running, now: later) == nil)
        server.change { $0.renew(at: later) }
        guard case .file = desk.find(Self.solver, now: { later }) else { Issue.record("refused"); return }
    }

    @Test("Withdrawn, or another file now: what runs is told so")
    func withdrawn() throws {
        let folder = try TemporaryFolder()
        let server = Server(
            Self.site {
                $0.release("1.0")
                $0.release("1.1")
            })
        let desk = Self.desk(folder, server)
        guard case .file(let file) = desk.find(Self.solver, now: { Self.now }) else { Issue.record("refused"); return }
        var running = Self.solver
        running.file = file
        #expect(desk.withdrawal(of: running, now: Self.now) == nil)
        var changed = running
        changed.file?.digest = SHA256Hash.digest(of: [1])
        #expect(desk.withdrawal(of: changed, now: Self.now)?.contains("another file") == true)
        server.change { $0.withdraw("1.0") }
        // News come with the next round, whoever makes it.
        _ = desk.find(UnitProgram(name: "solver", version: "2.0", isModule: false), now: { Self.now })
        #expect(desk.withdrawal(of: running, now: Self.now)?.contains("not released") == true)
        #expect(desk.believed(Self.solver, now: Self.now) == nil)
        #expect(Self.refusal(desk.find(Self.solver, now: { Self.now })) != nil)
    }

    @Test("A release that demands more than this computer has is refused, with what is missing")
    func host() throws {
        let cases: [(ReleaseSite, ProgramHost, UnitProgram, String)] = [
            (Self.site(), Self.host(without: .seccomp), Self.solver, "the sandbox lacks seccomp (left out)"),
            (
                Self.site { $0.release("1.0", layers: ["landlock:99"]) }, Self.host(), Self.solver,
                "version 99 of landlock (there is 4)"
            ),
            (Self.site { $0.release("1.0", layers: ["moat"]) }, Self.host(), Self.solver, "\"moat\" is no layer"),
            (
                Self.site { $0.release("1.0", interpreter: "no-such-reader") }, Self.host(), Self.solver,
                "this computer has no no-such-reader"
            ),
            (
                Self.site { $0.release("1.0", platform: "wasm") }, Self.host(), Self.solver,
                "is not released for \(HostInventory.platform) or any"
            ),
            (
                Self.site { $0.release("1.0", platform: "wasm") }, Self.host(),
                UnitProgram(name: "solver", version: "1.0", isModule: true), "nothing that runs WebAssembly"
            ),
        ]
        for (site, host, program, words) in cases {
            let desk = Self.desk(try TemporaryFolder(), Server(site), host: host)
            let why = Self.refusal(desk.find(program, now: { Self.now }))
            #expect(why?.contains(words) == true, "\(words): \(why ?? "not refused")")
        }
        let module = UnitProgram(name: "solver", version: "1.0", isModule: true)
        let desk = Self.desk(
            try TemporaryFolder(), Server(Self.site { $0.release("1.0", platform: "wasm") }),
            host: Self.host(hasRuntime: true))
        guard case .file(let file) = desk.find(module, now: { Self.now }) else { Issue.record("refused"); return }
        #expect(file.platform == "wasm")
    }

    @Test("What this computer offers to start, and why it offers nothing")
    func platforms() {
        #expect(Self.host().platforms == [HostInventory.platform, "any"] && Self.host().lacking == nil)
        #expect(Self.host(hasRuntime: true).platforms == [HostInventory.platform, "any", "wasm"])
        let less = Self.host(without: .landlock)
        #expect(less.platforms.isEmpty && less.lacking?.contains("landlock") == true)
        var open = Self.host()
        open.isSandboxed = false
        #expect(open.platforms.isEmpty && open.lacking == "this client runs without a sandbox")
    }

    @Test("A damaged file of releases starts nothing, and gives nothing back")
    func damaged() throws {
        let folder = try TemporaryFolder()
        let desk = Self.desk(folder, Server(Self.site()))
        _ = desk.find(Self.solver, now: { Self.now })
        try folder.write("releases/trusted", "rubbish")
        #expect(desk.believed(Self.solver, now: Self.now) == nil)
        guard case .unknown(let why) = desk.find(Self.solver, now: { Self.now }) else { Issue.record("told"); return }
        #expect(why.contains("is damaged"))
    }

    @Test("Many that ask for news at once make one round")
    func rounds() throws {
        let folder = try TemporaryFolder()
        let site = Self.site()
        let asked = Mutex(0)
        let store = ReleaseStore(folder: folder.path + "/releases", project: site.key.publicKey)
        let watch = ReleaseWatch(store: store, now: { Self.now }) { (want) throws(Fault) in
            if want.file.name == "timestamp" { asked.withLock { $0 += 1 } }
            return site.files[want.file.name]
        }
        let ended = Mutex(0)
        for _ in 0..<20 {
            BlockingThread.start("asker") {
                #expect(watch.refresh() == nil)
                ended.withLock { $0 += 1 }
            }
        }
        #expect(eventually { ended.withLock { $0 } == 20 })
        #expect(asked.withLock { $0 } == 1)
    }
}
