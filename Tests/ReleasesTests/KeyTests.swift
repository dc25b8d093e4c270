import Bytes
import Domain
import Releases
import Testing

@Suite("Keys of releases: thresholds, rotation, recovery")
struct KeyTests {
    @Test("Too few signatures: one of two is not enough, nor is one key twice, nor a stranger's as well")
    func thresholds() throws {
        let mirror = Mirror(rootThreshold: 2)
        guard var body = mirror.repository.root?.body else { return }
        body.header.version = 2
        let keys = mirror.rootKeys
        func refusal(_ text: SignedText) -> ReleaseRefusal? {
            var (attack, client) = (mirror, Client(of: mirror))
            attack.files["2.root"] = text.bytes
            return client.update(attack)
        }
        #expect(refusal(body.draft)?.kind == .tooFewSignatures)
        #expect(refusal(body.draft.signed(by: [keys[0]]))?.kind == .tooFewSignatures)
        #expect(refusal(body.draft.signed(by: [keys[0], keys[0]]))?.kind == .tooFewSignatures)
        #expect(refusal(body.draft.signed(by: [keys[0], SigningKey()]))?.kind == .tooFewSignatures)
        let enough = body.draft.signed(by: [keys[0], keys[2]])
        #expect(refusal(enough) == nil)
        #expect(refusal(body.draft.signed(by: [keys[0], keys[2], SigningKey()]))?.kind == .wrongKey)
        // The same line twice is no second signature, but another text.
        let bytes = body.draft.signed(by: [keys[0]]).bytes
        let line = bytes[(try #require(bytes.lastIndex(of: 0x0A, before: bytes.count - 1)) + 1)...]
        var (attack, client) = (mirror, Client(of: mirror))
        attack.files["2.root"] = bytes + line
        #expect(client.update(attack)?.kind == .malformed)
    }

    @Test("Wrong key: each role's key signs for its role only")
    func rolesApart() throws {
        var mirror = Mirror()
        mirror.release("solver", "1.0")
        let keys = mirror.allKeys
        let end = mirror.now + Mirror.day
        for key in keys where key.publicKey != mirror.timestampKey.publicKey {
            var (attack, client) = (mirror, Client(of: mirror))
            guard var body = mirror.repository.timestamp?.body else { return }
            body.header = ReleaseHeader(name: "example", version: 80, expires: end)
            attack.files["timestamp"] = body.draft.signed(by: [key]).bytes
            #expect(client.update(attack)?.kind == .wrongKey)
        }
        // A snapshot in a timestamp's place, signed by the timestamp's key.
        var (attack, client) = (mirror, Client(of: mirror))
        guard let snapshot = mirror.repository.snapshot?.body else { return }
        attack.files["timestamp"] = snapshot.draft.signed(by: [mirror.timestampKey]).bytes
        #expect(client.update(attack)?.kind == .wrongRole)
        let text = Array("millrace-release mirrors 1\nname example\nversion 9\n".utf8)
        attack.files["timestamp"] = SignedText(text: text).signed(by: [mirror.timestampKey]).bytes
        let refusal = client.update(attack)
        #expect(refusal?.kind == .wrongRole && refusal?.reason.contains("no role \"mirrors\"") == true)
    }

    @Test("Rotation of root keys: clients follow the chain from whatever root they have")
    func rotation() throws {
        var mirror = Mirror(rootThreshold: 2)
        mirror.release("solver", "1.0")
        var clients = [Client(of: mirror)]
        for _ in 0..<4 {
            let old = mirror.rootKeys
            mirror.rootKeys = [old[1], old[2], SigningKey()]
            let keys = Set(mirror.rootKeys.map(\.publicKey))
            mirror.changeRoot { $0.root = .init(threshold: 2, keys: keys) }
            // The old keys and the new ones, each in their number.
            mirror.sign(old + mirror.allKeys)
            clients.append(Client(of: mirror))
        }
        for var client in clients {
            #expect(client.update(mirror) == nil)
            #expect(client.trusted?.root.version == 5)
            #expect(try client.program("solver", "1.0", at: mirror.now).get().version == "1.0")
        }
        // Who signs with the new keys only, or with the old ones only, is not followed.
        guard var body = mirror.repository.root?.body else { return }
        body.header.version = 6
        let newcomers = [SigningKey(), SigningKey()]
        body.root = .init(threshold: 2, keys: Set(newcomers.map(\.publicKey)))
        for signers in [newcomers, mirror.rootKeys] {
            var (attack, client) = (mirror, clients[4])
            attack.files["6.root"] = body.draft.signed(by: signers).bytes
            #expect(client.update(attack)?.kind == .tooFewSignatures)
            #expect(client.trusted?.root.version == 5)
        }
    }

    @Test("A root on the way may have expired, the last must not")
    func expiredRoots() throws {
        var mirror = Mirror()
        mirror.terms.root = 10
        mirror.changeRoot { _ in }
        mirror.sign()
        var client = Client(of: mirror)
        mirror.pass(days: 11)
        mirror.refresh()
        let refusal = client.update(mirror)
        #expect(refusal?.kind == .expired && refusal?.file == "2.root")
        mirror.changeRoot { _ in }
        mirror.sign()
        #expect(client.update(mirror) == nil)
        #expect(client.trusted?.root.version == 3)
    }

    @Test("Versions of roots go one by one: none is left out, none comes again")
    func rootVersions() throws {
        let mirror = Mirror()
        for (version, kind) in [(1, ReleaseRefusal.Kind.rollback), (3, .wrongVersion)] {
            var (attack, client) = (mirror, Client(of: mirror))
            guard var body = mirror.repository.root?.body else { return }
            body.header.version = Int64(version)
            attack.files["2.root"] = body.draft.signed(by: mirror.rootKeys).bytes
            #expect(client.update(attack)?.kind == kind)
            #expect(client.trusted?.root.version == 1)
        }
    }

    @Test("Fast-forward: numbers that a thief made too high are forgotten with his keys")
    func fastForward() throws {
        var mirror = Mirror()
        mirror.release("solver", "1.0")
        var client = Client(of: mirror)
        let honest = mirror
        mirror.replaceTargets(
            try #require(honest.repository.targets).source, version: 2)
        guard var body = honest.repository.snapshot?.body else { return }
        body.header.version = ReleaseLimits.versionMax
        let snapshot = body.draft.signed(by: [mirror.snapshotKey])
        let top = TimestampBody(
            header: ReleaseHeader(
                name: "example", version: ReleaseLimits.versionMax, expires: mirror.now + Mirror.day),
            snapshot: ReleaseReference(
                version: ReleaseLimits.versionMax, digest: snapshot.digest, size: Int64(snapshot.bytes.count)))
        mirror.files["\(ReleaseLimits.versionMax).snapshot"] = snapshot.bytes
        mirror.files["timestamp"] = top.draft.signed(by: [mirror.timestampKey]).bytes
        #expect(client.update(mirror) == nil)
        // From now on every honest file looks old ...
        mirror.files = honest.files
        #expect(client.update(mirror)?.kind == .rollback)
        // ... until the root takes the keys away.
        (mirror.timestampKey, mirror.snapshotKey) = (SigningKey(), SigningKey())
        let (timestamp, snapshots) = (Mirror.one(mirror.timestampKey), Mirror.one(mirror.snapshotKey))
        mirror.changeRoot {
            $0.timestamp = timestamp
            $0.snapshot = snapshots
        }
        mirror.sign()
        #expect(client.update(mirror) == nil)
        #expect(client.trusted?.timestamp?.version == mirror.repository.timestamp?.version)
        #expect(try client.program("solver", "1.0", at: mirror.now).get().version == "1.0")
    }

    @Test("A targets key that was taken away is believed no more, also for what it signed before")
    func stolenTargetsKey() throws {
        var mirror = Mirror()
        mirror.release("solver", "1.0")
        var client = Client(of: mirror)
        mirror.targetsKey = SigningKey()
        let keys = Mirror.one(mirror.targetsKey)
        mirror.changeRoot { $0.targets = keys }
        var attack = mirror
        mirror.sign()
        // The mirror shows the new root and nothing else that is new.
        attack.files["2.root"] = mirror.files["2.root"]
        let refusal = client.update(attack)
        #expect(refusal?.kind == .wrongKey && refusal?.file == "2.targets")
        #expect(client.program("solver", "1.0", at: mirror.now).denial == .noReleases)
        #expect(client.update(mirror) == nil)
        #expect(try client.program("solver", "1.0", at: mirror.now).get().version == "1.0")
    }

    @Test("A newcomer begins at any root that the project's key anchors; an old anchor is refused")
    func anchors() throws {
        var mirror = Mirror()
        mirror.changeRoot { _ in }
        mirror.sign()
        mirror.files["1.root"] = nil
        let client = Client(of: mirror)
        #expect(client.trusted?.root.version == 2)
        mirror.pass(days: 15)
        mirror.refresh()
        mirror.anchor(days: -1)
        var late = Client(project: client.project)
        #expect(late.update(mirror)?.kind == .expired)
        mirror.anchor()
        #expect(late.update(mirror) == nil)
        mirror.anchor(by: mirror.rootKeys[0])
        var stranger = Client(project: client.project)
        #expect(stranger.update(mirror)?.kind == .wrongKey)
    }

    @Test("More new roots than one round follows: the next one goes on")
    func manyRoots() throws {
        var mirror = Mirror(rootThreshold: 1)
        var client = Client(of: mirror)
        for _ in 0...ReleaseLimits.rootsPerUpdateMax {
            mirror.changeRoot { _ in }
            mirror.sign([mirror.rootKeys[0]])
        }
        #expect(client.update(mirror)?.kind == .tooManyRoots)
        #expect(client.update(mirror) == nil)
        #expect(client.trusted?.root.version == Int64(ReleaseLimits.rootsPerUpdateMax) + 2)
    }
}

extension Array where Element == UInt8 {
    /// The last place of a byte before another place.
    func lastIndex(of byte: UInt8, before end: Int) -> Int? { self[..<end].lastIndex(of: byte) }
}
