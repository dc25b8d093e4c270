import Bytes
import ClientSystem
import Console
import Domain
import Foundation
import Releases
import ServerCore
import ServerHTTP
import Storage
import Testing
import Transparency
import WorkerHost

/// Nothing of what commands write is looked at here.
private struct Silence: Screen {
    let width = 80
    let isLive = false
    let isErrorLive = false
    let isUnicode = false
    func write(_ text: String) {}
    func warn(_ text: String) {}
}

/// A keeper of a release folder on a machine of its own, and a volunteer's computer.
private struct Keeper: Sendable {
    let site: LiveSite
    let folder: String
    private var context: CommandContext { CommandContext(screen: Silence(), asJSON: false) }

    init(_ site: LiveSite, _ name: String = "keeper") {
        self.site = site
        folder = site.folder.path + "/\(name)"
    }

    var releases: String { folder + "/releases" }
    private var keys: String { folder + "/keys" }

    /// Runs what blocks on a thread of its own.
    static func blocking<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws -> T {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { continuation.resume(with: Result { try body() }) }
        }
    }

    var admin: ReleaseAdmin {
        ReleaseAdmin(folder: releases, now: Timestamp(seconds: Int64(Date().timeIntervalSince1970)))
    }

    func begin() throws {
        let made = try admin.begin(name: "example", keys: keys, rootKeys: 1, rootThreshold: 1, context)
        #expect(made == 0)
    }

    func add(_ version: String, _ program: String) throws {
        let file = folder + "/program-\(version)"
        try Files.replace(file, with: Array(program.utf8))
        _ = try admin.add(
            "solver", version, files: ["x86_64-linux=\(file)"], layers: ["seccomp"], interpreter: nil, context)
        _ = try admin.sign(keys: [keys], context)
    }

    func withdraw(_ version: String) throws {
        _ = try admin.withdraw("solver", version, context)
        _ = try admin.sign(keys: [keys], context)
    }

    func refresh() throws { _ = try admin.refresh(keys: [keys], context) }

    /// - Returns: the fault, if there is one.
    func publish() async throws -> Fault? {
        let (site, releases, context) = (site, releases, context)
        return try await Self.blocking {
            do throws(Fault) {
                let settings = try Console.ServerSettings.resolve(
                    server: "http://127.0.0.1:\(site.probe.port)", tokenFile: site.folder.path + "/admin.token")
                _ = try ReleasePublishCommand(folder: releases, client: ServerClient(settings)).run(context)
                return nil
            } catch { return error }
        }
    }

    /// One round of a client that keeps its state in a folder.
    func round(_ client: String) async throws -> ReleaseStore.Round {
        let (site, store) = (site, store(client))
        return try await Self.blocking {
            let url = "http://127.0.0.1:\(site.probe.port)"
            let fetcher = ReleaseFetcher(transport: HTTPTransport(userAgent: "test"), serverURL: url)
            let now = Timestamp(seconds: Int64(Date().timeIntervalSince1970))
            return try store.refresh(now: now, fetcher.read)
        }
    }

    func store(_ client: String) -> ReleaseStore {
        ReleaseStore(folder: folder + "/\(client)", project: site.publicKey)
    }

    func program(_ version: String, _ client: String) throws -> Result<ReleasedProgram, ReleaseDenial> {
        try store(client).program(
            app: "solver", version: version, platforms: ["x86_64-linux"],
            now: Timestamp(seconds: Int64(Date().timeIntervalSince1970)))
    }
}

@Suite("Releases over HTTP")
struct ReleaseTests {
    @Test("The whole way: signed offline, published, believed, and the program's bytes are the right ones")
    func wholeWay() async throws {
        let store = LiveSite.SharedStore()
        try await withSite(store: store) { site in
            let keeper = Keeper(site)
            guard case .none = try await keeper.round("client") else { Issue.record("something"); return }
            try keeper.begin()
            try keeper.add("1.0", "the first program")
            #expect(try await keeper.publish() == nil)
            guard case .believed = try await keeper.round("client") else { Issue.record("not believed"); return }
            let program = try keeper.program("1.0", "client").get()
            #expect(program.layers == ["seccomp"] && program.file.size == 17)
            let path = keeper.folder + "/fetched"
            try await Keeper.blocking {
                try BlobDownload(transport: HTTPTransport(userAgent: "test")).fetch(
                    url: "http://127.0.0.1:\(site.probe.port)/v1/blobs/\(program.file.digest.hex)",
                    digest: program.file.digest, size: program.file.size, to: path)
            }
            #expect(try Files.read(path, limit: 100) == Array("the first program".utf8))
            // The next release, and one that is withdrawn.
            try keeper.add("1.1", "the second program")
            #expect(try await keeper.publish() == nil)
            guard case .believed = try await keeper.round("client") else { Issue.record("not believed"); return }
            #expect(try keeper.program("1.1", "client").get().file.size == 18)
            // What an admin did stands in the public log, once for each list.
            let acts = try store.store.transaction { tx in
                try tx.logLeaves(from: 0, limit: 100).compactMap { bytes -> String? in
                    guard case .adminAct(let act) = try LedgerLeaf(bytes).event, act.act == "release" else {
                        return nil
                    }
                    return act.object
                }
            }
            #expect(
                acts.map { $0.split(separator: " ").prefix(4).joined(separator: " ") } == [
                    "releases example targets 2", "releases example targets 3",
                ])
        }
    }

    @Test("Files: types, caches, heads, names that are none, and no state of the server's own")
    func files() async throws {
        try await withSite { site in
            let keeper = Keeper(site)
            try keeper.begin()
            try keeper.add("1.0", "program")
            #expect(try await keeper.publish() == nil)
            for (name, cache) in [
                ("anchor", "public, max-age=60"), ("timestamp", "public, max-age=60"),
                ("1.root", "public, max-age=31536000, immutable"),
                ("2.targets", "public, max-age=31536000, immutable"),
            ] {
                let answer = try await site.probe.send("GET", "/v1/releases/\(name)")
                #expect(answer.status == 200 && answer.fields["cache-control"] == cache, "\(name)")
                #expect(answer.fields["content-type"] == "text/plain; charset=us-ascii")
                let head = try await site.probe.send("HEAD", "/v1/releases/\(name)")
                #expect(head.status == 200 && head.fields["content-length"] == "\(answer.body.count)")
                let file = keeper.releases + "/" + name
                if name != "anchor" { #expect(try Files.read(file, limit: 1 << 20) == answer.body) }
            }
            for name in ["trusted", "2.root", "1.targets", "..%2Ftrusted", "%2e%2e%2fadmin.token", "01.root", "x"] {
                let answer = try await site.probe.send("GET", "/v1/releases/\(name)")
                #expect(answer.status == 404, "\(name)")
                #expect(answer.fields["cache-control"] == "no-store")
            }
            #expect(try await site.probe.send("GET", "/v1/releases").status == 405)
        }
    }

    @Test("The server takes what a client would take: no token, garbage, strangers, old things, missing programs")
    func refusals() async throws {
        try await withSite { site in
            let keeper = Keeper(site)
            try keeper.begin()
            try keeper.add("1.0", "program")
            #expect(try await site.probe.send("POST", "/v1/releases", body: [1, 2]).status == 401)
            #expect(try await site.probe.send("POST", "/v1/releases", site.admin, body: [1, 2]).status == 400)
            // Metadata without its programs.
            let first = try bundle(keeper)
            let missing = try await site.probe.send("POST", "/v1/releases", site.admin, body: first.bytes)
            #expect(missing.status == 422 && missing.text.contains("solver 1.0 for x86_64-linux is not here"))
            #expect(try await site.probe.send("GET", "/v1/releases/timestamp").status == 404)
            #expect(try await keeper.publish() == nil)
            // A stranger with the token, but without the keys.
            let thief = Keeper(site, "thief")
            try thief.begin()
            try thief.add("1.0", "evil")
            try thief.refresh()
            let refused = try #require(try await thief.publish())
            #expect(refused.kind == .badData && refused.message.contains("refused (wrongKey)"), "\(refused)")
            // An older state, a state with a changed byte.
            try keeper.add("1.1", "program 2")
            #expect(try await keeper.publish() == nil)
            let old = try await site.probe.send("POST", "/v1/releases", site.admin, body: first.bytes)
            #expect(old.status == 400 && old.text.contains("rollback"), "\(old.text)")
            try keeper.refresh()
            var changed = try bundle(keeper)
            var timestamp = try #require(changed["timestamp"])
            timestamp[timestamp.count - 10] ^= 1
            changed.add("timestamp", timestamp)
            #expect(try await site.probe.send("POST", "/v1/releases", site.admin, body: changed.bytes).status == 400)
            guard case .believed = try await keeper.round("client") else { Issue.record("not believed"); return }
            #expect(try keeper.program("1.1", "client").get().version == "1.1")
            // The same once more changes nothing; a refresh is taken.
            #expect(try await keeper.publish() == nil)
            #expect(try await keeper.publish() == nil)
        }
    }

    private func bundle(_ keeper: Keeper) throws -> ReleaseBundle {
        var bundle = ReleaseBundle()
        for name in ["1.root", "2.targets", "2.snapshot", "timestamp"] {
            guard Files.exists("\(keeper.releases)/\(name)") else { continue }
            bundle.add(name, try Files.read("\(keeper.releases)/\(name)", limit: 1 << 20))
        }
        return bundle
    }

    @Test("Junk under the names of published files, beside a true timestamp, replaces nothing")
    func overwriting() async throws {
        try await withSite { site in
            let keeper = Keeper(site)
            try keeper.begin()
            try keeper.add("1.0", "program")
            #expect(try await keeper.publish() == nil)
            // Who has the admin's token, and no key.
            var junk = try bundle(keeper)
            for name in ["1.root", "2.snapshot", "2.targets", "2.root", "anchor"] { junk.add(name, Array("junk".utf8)) }
            for withRoot in [false, true] {
                var sent = ReleaseBundle()
                for entry in junk.entries where withRoot || entry.name != "2.root" { sent.add(entry.name, entry.bytes) }
                let answer = try await site.probe.send("POST", "/v1/releases", site.admin, body: sent.bytes)
                #expect(withRoot ? answer.status == 400 : answer.status < 300, "\(answer.text)")
                for name in ["1.root", "2.snapshot", "2.targets", "timestamp"] {
                    let served = try await site.probe.send("GET", "/v1/releases/\(name)")
                    #expect(try served.body == Files.read("\(keeper.releases)/\(name)", limit: 1 << 20), "\(name)")
                }
                #expect(try await site.probe.send("GET", "/v1/releases/2.root").status == 404)
                guard case .believed = try await keeper.round("newcomer-\(withRoot)") else {
                    Issue.record("a newcomer fails")
                    return
                }
            }
        }
    }

    @Test("A server that was taken over: whatever it serves, a client keeps what it believed")
    func takenOver() async throws {
        try await withSite { site in
            let keeper = Keeper(site)
            try keeper.begin()
            try keeper.add("1.0", "program")
            #expect(try await keeper.publish() == nil)
            let served = site.folder.path + "/releases"
            let old = try Files.names(in: served).map { ($0, try Files.read("\(served)/\($0)", limit: 1 << 20)) }
            try keeper.add("1.1", "program 2")
            #expect(try await keeper.publish() == nil)
            guard case .believed(let before) = try await keeper.round("client") else { Issue.record("no"); return }
            let new = try Files.names(in: served).map { ($0, try Files.read("\(served)/\($0)", limit: 1 << 20)) }
            // Rollback: the folder of yesterday.
            for (name, bytes) in old { try Files.replace("\(served)/\(name)", with: bytes) }
            guard case .refused(let refusal) = try await keeper.round("client") else { Issue.record("no"); return }
            #expect(refusal.kind == .rollback)
            for (name, bytes) in new { try Files.replace("\(served)/\(name)", with: bytes) }
            // Its own list under its own root.
            let thief = Keeper(site, "thief")
            try thief.begin()
            try thief.add("1.1", "evil")
            try thief.refresh()
            for name in ["2.targets", "2.snapshot", "timestamp"] {
                let bytes = try Files.read("\(thief.releases)/\(name)", limit: 1 << 20)
                try Files.replace("\(served)/\(name)", with: bytes)
            }
            guard case .refused(let other) = try await keeper.round("client") else { Issue.record("no"); return }
            #expect(other.kind == .wrongKey)
            #expect(try keeper.store("client").trusted()?.believed == before.believed)
            #expect(try keeper.program("1.1", "client").get().file.size == 9)
            // Endless data in place of a file of known size.
            try Files.replace("\(served)/timestamp", with: [UInt8](repeating: 0x61, count: 17 << 10))
            switch try await keeper.round("client") {
            case .refused, .unreached: break
            case .believed, .none: Issue.record("believed")
            }
            #expect(try keeper.store("client").trusted()?.believed == before.believed)
        }
    }

    @Test("Batches and tasks follow what is published: nothing, a program, one withdrawn, a list that is too old")
    func listing() async throws {
        try await withSite { site in
            let keeper = Keeper(site)
            let key = try ServerFiles(path: site.folder.path).projectKey()
            let shelf = ReleaseShelf(path: site.folder.path + "/releases", project: key)
            let now = Timestamp(seconds: Int64(Date().timeIntervalSince1970))
            func denial(_ version: String, daysLater: Double = 0) -> String {
                switch shelf.listing("solver", version, now: now + TimeSpan(seconds: daysLater * 86_400)) {
                case .listed(let platforms): "listed \(platforms)"
                case .denied(let why): why
                }
            }
            #expect(denial("1.0") == "no releases are published at this server")
            try keeper.begin()
            try keeper.add("1.0", "program")
            #expect(denial("1.0") == "no releases are published at this server")
            #expect(try await keeper.publish() == nil)
            #expect(denial("1.0") == "listed [\"x86_64-linux\"]")
            #expect(denial("1.1").hasPrefix("solver 1.1 is not released by example"))
            #expect(denial("1.0", daysLater: 15).contains("too old: timestamp was valid until"))
            // What was read once is read anew when it has changed.
            try keeper.add("1.1", "program 2")
            #expect(try await keeper.publish() == nil)
            #expect(denial("1.1") == "listed [\"x86_64-linux\"]")
            try keeper.withdraw("1.0")
            #expect(try await keeper.publish() == nil)
            #expect(denial("1.0").hasPrefix("solver 1.0 is not released by example, or no more"))
            // A damaged state denies, and stops nothing else.
            try Files.replace(site.folder.path + "/releases/trusted", with: [1, 2, 3])
            #expect(denial("1.1").contains("is damaged"))
        }
    }

    @Test("After a crash in the middle of a publication the same one, sent again, completes it")
    func crash() async throws {
        try await withSite { site in
            let keeper = Keeper(site)
            try keeper.begin()
            try keeper.add("1.0", "program")
            #expect(try await keeper.publish() == nil)
            let served = site.folder.path + "/releases"
            let state = try Files.read("\(served)/trusted", limit: 1 << 20)
            let timestamp = try Files.read("\(served)/timestamp", limit: 1 << 20)
            try keeper.add("1.1", "program 2")
            #expect(try await keeper.publish() == nil)
            // As it would be before the last two files were written, and before the last one.
            for isTimestampOld in [true, false] {
                try Files.replace("\(served)/trusted", with: state)
                if isTimestampOld { try Files.replace("\(served)/timestamp", with: timestamp) }
                let client = "client-\(isTimestampOld)"
                guard case .believed = try await keeper.round(client) else { Issue.record("torn"); return }
                #expect(try await keeper.publish() == nil)
                guard case .believed = try await keeper.round(client) else { Issue.record("torn"); return }
                #expect(try keeper.program("1.1", client).get().version == "1.1")
            }
        }
    }
}
