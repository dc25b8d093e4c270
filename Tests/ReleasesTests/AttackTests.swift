import Bytes
import Domain
import Releases
import Testing

/// The attacks of TUF's specification 1.0, section 1.5.2, by their names there, and the key-related ones of its
/// conformance suite's kind. In each the client keeps what it believed before.
@Suite("Attacks on releases")
struct AttackTests {
    /// A project with a program, and a client that believes it.
    private func site() -> (Mirror, Client) {
        var mirror = Mirror()
        mirror.release("solver", "1.0")
        let client = Client(of: mirror)
        return (mirror, client)
    }

    private func expectUntouched(_ client: Client, _ before: Client, at now: Timestamp) throws {
        #expect(client.trusted?.believed == before.trusted?.believed)
        #expect(try client.program("solver", "1.0", at: now).get().file == Mirror.file())
    }

    @Test("Arbitrary software: a stranger's targets, snapshot, timestamp, root and anchor are refused")
    func arbitrarySoftware() throws {
        let (honest, before) = site()
        var thief = Mirror()
        thief.release("solver", "1.0", files: [Mirror.file("x86_64-linux", "evil")])
        for name in ["timestamp", "2.root"] {
            var (mirror, client) = (honest, before)
            mirror.files[name] = thief.files[name == "2.root" ? "1.root" : name]
            let kind = client.update(mirror)?.kind
            #expect(name == "timestamp" ? kind == .wrongKey : kind == .tooFewSignatures)
            try expectUntouched(client, before, at: mirror.now)
        }
        for stranger in [Client(project: honest.project.publicKey), Client(project: thief.project.publicKey)] {
            var (mirror, client) = (stranger.project == thief.project.publicKey ? honest : thief, stranger)
            #expect(client.update(mirror)?.kind == .wrongKey)
            #expect(client.trusted == nil)
            // An anchor by the right key, but a root that it does not name.
            mirror.files["anchor"] = (mirror.files == thief.files ? honest : thief).files["anchor"]
            #expect(client.update(mirror)?.kind == .mixAndMatch)
        }
    }

    @Test("Arbitrary software: a thief of timestamp and snapshot keys cannot name a program")
    func onlineKeysStolen() throws {
        let (honest, before) = site()
        var (mirror, client) = (honest, before)
        mirror.targetsKey = SigningKey()
        guard var body = mirror.repository.newestTargets else { return }
        body.put(AppRelease(name: "solver", version: "6.6", layers: [], files: [Mirror.file("any", "evil")]))
        body.header.version += 1
        let targets = body.draft.signed(by: [mirror.targetsKey])
        let end = mirror.now + Mirror.day
        let reference = ReleaseReference(
            version: body.header.version, digest: targets.digest, size: Int64(targets.bytes.count))
        let snapshot = SnapshotBody(
            header: ReleaseHeader(name: "example", version: 9, expires: end), targets: reference
        ).draft.signed(by: [mirror.snapshotKey])
        let timestamp = TimestampBody(
            header: ReleaseHeader(name: "example", version: 9, expires: end),
            snapshot: ReleaseReference(version: 9, digest: snapshot.digest, size: Int64(snapshot.bytes.count))
        ).draft.signed(by: [mirror.timestampKey])
        mirror.files["timestamp"] = timestamp.bytes
        mirror.files["9.snapshot"] = snapshot.bytes
        mirror.files["\(body.header.version).targets"] = targets.bytes
        #expect(client.update(mirror)?.kind == .wrongKey)
        #expect(client.program("solver", "6.6", at: mirror.now).denial == .unknownVersion)
        try expectUntouched(client, before, at: mirror.now)
    }

    @Test("Rollback: an older timestamp, snapshot or targets is refused, however well it is signed")
    func rollback() throws {
        var (mirror, client) = site()
        let old = mirror.files
        mirror.release("solver", "1.1")
        #expect(client.update(mirror) == nil)
        let before = client
        // The whole old state.
        var attack = mirror
        attack.files = old
        #expect(client.update(attack)?.kind == .rollback)
        #expect(client.update(attack)?.file == "timestamp")
        // A new timestamp over the old snapshot, by a thief of the timestamp key.
        let oldSnapshot = try #require(old["2.snapshot"])
        let names = TimestampBody(
            header: ReleaseHeader(name: "example", version: 99, expires: mirror.now + Mirror.day),
            snapshot: ReleaseReference(
                version: 2, digest: SHA256Hash.digest(of: oldSnapshot), size: Int64(oldSnapshot.count)))
        attack = mirror
        attack.files["timestamp"] = names.draft.signed(by: [mirror.timestampKey]).bytes
        #expect(client.update(attack)?.kind == .rollback)
        // New timestamp and snapshot over old targets, by a thief of both.
        let oldTargets = try #require(old["2.targets"])
        let over = SnapshotBody(
            header: ReleaseHeader(name: "example", version: 50, expires: mirror.now + Mirror.day),
            targets: ReleaseReference(
                version: 2, digest: SHA256Hash.digest(of: oldTargets), size: Int64(oldTargets.count))
        ).draft.signed(by: [mirror.snapshotKey])
        let top = TimestampBody(
            header: ReleaseHeader(name: "example", version: 99, expires: mirror.now + Mirror.day),
            snapshot: ReleaseReference(version: 50, digest: over.digest, size: Int64(over.bytes.count)))
        attack.files["50.snapshot"] = over.bytes
        attack.files["timestamp"] = top.draft.signed(by: [mirror.timestampKey]).bytes
        let refusal = client.update(attack)
        #expect(refusal?.kind == .rollback && refusal?.file == "50.snapshot")
        #expect(client.trusted?.believed == before.trusted?.believed)
    }

    @Test("Indefinite freeze: what is not renewed in time is refused, and programs of it start no more")
    func freeze() throws {
        var (mirror, client) = site()
        mirror.pass(days: 13)
        #expect(client.update(mirror) == nil)
        #expect(try client.program("solver", "1.0", at: mirror.now).get().version == "1.0")
        mirror.pass(days: 2)
        let refusal = client.update(mirror)
        #expect(refusal?.kind == .expired && refusal?.file == "timestamp")
        #expect(refusal?.reason.contains("2027-01-29T08:00:00Z") == true)
        #expect(client.program("solver", "1.0", at: mirror.now).denial == .expired)
        mirror.refresh()
        #expect(client.update(mirror) == nil)
        #expect(try client.program("solver", "1.0", at: mirror.now).get().version == "1.0")
    }

    @Test("Freeze by a thief of the timestamp key ends when the snapshot, the targets or the root expires")
    func freezeOfTheOthers() throws {
        for role in [ReleaseRole.snapshot, .targets, .root] {
            var mirror = Mirror()
            mirror.terms = ReleaseTerms(
                root: role == .root ? 30 : 700, targets: role == .targets ? 30 : 700,
                snapshot: role == .snapshot ? 30 : 700, timestamp: 700)
            mirror.release("solver", "1.0")
            mirror.changeRoot { _ in }
            mirror.sign()
            // Any snapshot of the folder is as old as its terms say.
            mirror.refresh()
            var client = Client(of: mirror)
            #expect(try client.program("solver", "1.0", at: mirror.now).get().version == "1.0")
            mirror.pass(days: 31)
            let refusal = client.update(mirror)
            #expect(refusal?.kind == .expired && refusal?.file.hasSuffix(role.rawValue) == true, "\(role)")
            #expect(client.program("solver", "1.0", at: mirror.now).denial == .expired)
        }
    }

    @Test("Endless data: a byte more than allowed is refused, and no more than that is asked for")
    func endlessData() throws {
        let (honest, before) = site()
        for (name, limit) in [
            ("anchor", ReleaseLimits.anchorBytesMax), ("2.root", ReleaseLimits.rootBytesMax),
            ("timestamp", ReleaseLimits.timestampBytesMax),
        ] {
            var (mirror, client) = (honest, name == "anchor" ? Client(project: before.project) : before)
            mirror.files[name] = Array(repeating: 0x61, count: limit + 1)
            #expect(client.update(mirror)?.kind == .tooManyBytes, "\(name)")
        }
        // Of the others the size is known: not one byte more.
        var (mirror, client) = (honest, before)
        mirror.release("solver", "1.1")
        mirror.files["3.targets", default: []] += Array("signed".utf8)
        #expect(client.update(mirror)?.kind == .mixAndMatch)
        mirror.files["3.targets"] = Array(repeating: 0x61, count: ReleaseLimits.targetsBytesMax + 1)
        #expect(client.update(mirror)?.kind == .tooManyBytes)
        var round = ReleaseUpdate(project: before.project, trusted: before.trusted, startedAt: mirror.now)
        try round.take(nil)
        try round.take(mirror.files["timestamp"])
        #expect(round.want?.bytesMax == mirror.files["3.snapshot"]?.count)
    }

    @Test("Extraneous dependencies: metadata can name files of apps and nothing else")
    func extraneousDependencies() throws {
        let (honest, before) = site()
        for line in ["depends evil 1.0", "file any \(Mirror.file().digest.hex) 7 - extra", "run /bin/sh", "app x"] {
            var (mirror, client) = (honest, before)
            mirror.release("solver", "1.1")
            let text = try #require(mirror.repository.targets?.source.text) + Array((line + "\n").utf8)
            let targets = SignedText(text: text).signed(by: [mirror.targetsKey])
            mirror.replaceTargets(targets, version: 3)
            let refusal = client.update(mirror)
            #expect(
                refusal?.kind == .malformed && refusal?.file == "3.targets", "\(line): \(String(describing: refusal))")
            #expect(client.trusted?.believed == before.trusted?.believed)
        }
    }

    @Test("Mix-and-match: files of different days do not go together")
    func mixAndMatch() throws {
        var (mirror, client) = site()
        let old = mirror.files
        mirror.release("solver", "1.1")
        for (name, other) in [("3.snapshot", "2.snapshot"), ("3.targets", "2.targets")] {
            var attack = mirror
            attack.files[name] = old[other]
            let refusal = client.update(attack)
            #expect(refusal?.kind == .mixAndMatch && refusal?.file == name)
        }
        #expect(client.update(mirror) == nil)
    }

    @Test("Mix-and-match: another project's metadata is refused, even where both have the same keys")
    func otherProject() throws {
        let (mirror, client) = site()
        var twin = mirror
        guard var root = mirror.repository.root?.body else { return }
        root.header.name = "twin"
        twin.repository = .begin(root, terms: mirror.terms, now: mirror.now)
        twin.files = [:]
        twin.sign()
        twin.release("solver", "2.0")
        twin.release("solver", "3.0")
        var attack = mirror
        attack.files["timestamp"] = twin.files["timestamp"]
        var victim = client
        #expect(victim.update(attack)?.kind == .wrongName)
        guard var next = twin.repository.root?.body else { return }
        next.header.version = 2
        attack.files["2.root"] = next.draft.signed(by: mirror.rootKeys).bytes
        #expect(victim.update(attack)?.kind == .wrongName)
    }

    @Test("Wrong software: another app's, version's or platform's file is never the answer")
    func wrongSoftware() throws {
        var mirror = Mirror()
        mirror.release(
            "solver", "1.0", files: [Mirror.file("x86_64-linux", "a"), Mirror.file("aarch64-linux", "b")])
        mirror.release("render", "1.0", files: [Mirror.file("any", "c")], layers: ["seccomp", "landlock"])
        let client = Client(of: mirror)
        let now = mirror.now
        #expect(try client.program("solver", "1.0", at: now).get().file == Mirror.file("x86_64-linux", "a"))
        #expect(
            try client.program("solver", "1.0", ["aarch64-linux"], at: now).get().file.digest
                == Mirror.file("any", "b").digest)
        #expect(try client.program("render", "1.0", at: now).get().layers == ["landlock", "seccomp"])
        #expect(client.program("solver", "1.0", ["wasm"], at: now).denial == .notForPlatform)
        #expect(client.program("solver", "1", at: now).denial == .unknownVersion)
        #expect(client.program("Solver", "1.0", at: now).denial == .unknownApp)
        #expect(client.program("solver 1.0", "", at: now).denial == .unknownApp)
    }

    @Test("Wrong software: a released version keeps its files and its layers")
    func rewrittenRelease() throws {
        var (mirror, client) = site()
        let before = client
        mirror.release("solver", "1.0", files: [Mirror.file("x86_64-linux", "other")])
        #expect(client.update(mirror)?.kind == .rewritten)
        try expectUntouched(client, before, at: mirror.now)
    }

    @Test("A malicious mirror that withholds files stops news, not what is believed")
    func withheld() throws {
        let (honest, before) = site()
        var news = honest
        news.release("solver", "1.1")
        for name in ["timestamp", "3.snapshot", "3.targets"] {
            var (mirror, client) = (news, before)
            mirror.files[name] = nil
            let refusal = client.update(mirror)
            #expect(refusal?.kind == .missing && refusal?.file == name)
            try expectUntouched(client, before, at: mirror.now)
            #expect(client.update(news) == nil)
            #expect(try client.program("solver", "1.1", at: mirror.now).get().version == "1.1")
        }
        var empty = news
        empty.files = [:]
        var newcomer = Client(project: before.project)
        #expect(newcomer.update(empty)?.kind == .missing)
        #expect(newcomer.trusted == nil)
    }
}

extension Mirror {
    /// Serves a text as targets, with snapshot and timestamp of the right keys over it.
    mutating func replaceTargets(_ targets: SignedText, version: Int64) {
        let end = now + Mirror.day
        let snapshot = SnapshotBody(
            header: ReleaseHeader(name: "example", version: 70, expires: end),
            targets: ReleaseReference(version: version, digest: targets.digest, size: Int64(targets.bytes.count))
        ).draft.signed(by: [snapshotKey])
        let timestamp = TimestampBody(
            header: ReleaseHeader(name: "example", version: 70, expires: end),
            snapshot: ReleaseReference(version: 70, digest: snapshot.digest, size: Int64(snapshot.bytes.count)))
        files["\(version).targets"] = targets.bytes
        files["70.snapshot"] = snapshot.bytes
        files["timestamp"] = timestamp.draft.signed(by: [timestampKey]).bytes
    }
}
