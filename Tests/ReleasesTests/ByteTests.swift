import Bytes
import Domain
import Releases
import Testing

@Suite("Every byte of release metadata counts")
struct ByteTests {
    private func site() -> (Mirror, Client) {
        var mirror = Mirror()
        mirror.release("solver", "1.0", files: [Mirror.file(), Mirror.file("any", "script")], layers: ["seccomp"])
        return (mirror, Client(project: mirror.project.publicKey))
    }

    @Test(
        "Any single changed byte of any file is refused",
        arguments: ["anchor", "1.root", "timestamp", "2.snapshot", "2.targets"])
    func changedByte(name: String) throws {
        let (mirror, fresh) = site()
        let bytes = try #require(mirror.files[name])
        var whole = fresh
        #expect(whole.update(mirror) == nil)
        var generator = SeededGenerator(seed: 11)
        for at in bytes.indices {
            var attack = mirror
            // One bit, or another byte: each place once.
            let change: UInt8 = at % 2 == 0 ? 1 << UInt8(at / 2 % 8) : UInt8.random(in: 1...255, using: &generator)
            attack.files[name]?[at] ^= change
            var client = fresh
            let refusal = client.update(attack)
            #expect(refusal?.file == name, "byte \(at) of \(name): \(String(describing: refusal))")
            #expect(client.trusted?.believed == nil)
        }
    }

    @Test("A next root of which any byte was changed is refused, and so is one that was cut or has more")
    func changedRoot() throws {
        var (mirror, client) = site()
        client.update(mirror)
        mirror.changeRoot { _ in }
        mirror.sign()
        let bytes = try #require(mirror.files["2.root"])
        var variants = bytes.indices.map { at in
            var changed = bytes
            changed[at] ^= 1 << UInt8(at % 8)
            return changed
        }
        variants += stride(from: 0, to: bytes.count, by: 7).map { Array(bytes[..<$0]) }
        variants += [bytes + [0x0A], bytes + [0x20], [0x0A] + bytes]
        for (number, variant) in variants.enumerated() {
            var attack = mirror
            attack.files["2.root"] = variant
            var victim = client
            let refusal = victim.update(attack)
            #expect(refusal?.file == "2.root", "variant \(number): \(String(describing: refusal))")
            #expect(victim.trusted?.root.version == 1)
        }
    }

    @Test("Cut short anywhere, or with something behind, a timestamp is refused")
    func cut() throws {
        var (mirror, client) = site()
        client.update(mirror)
        mirror.release("solver", "1.1")
        let bytes = try #require(mirror.files["timestamp"])
        for count in 0..<bytes.count {
            var (attack, victim) = (mirror, client)
            attack.files["timestamp"] = Array(bytes[..<count])
            #expect(victim.update(attack) != nil, "\(count) bytes")
        }
    }

    @Test("What a client keeps is verified when it is read: any changed byte, any cut, another project")
    func kept() throws {
        var (mirror, client) = site()
        client.update(mirror)
        let trusted = try #require(client.trusted)
        let stored = trusted.stored
        #expect(try TrustedReleases(stored: stored, project: client.project) == trusted)
        #expect(throws: ReleaseRefusal.self) {
            try TrustedReleases(stored: stored, project: SigningKey().publicKey)
        }
        for at in stored.indices {
            var changed = stored
            changed[at] ^= 1 << UInt8(at % 8)
            #expect(throws: ReleaseRefusal.self, "byte \(at)") {
                try TrustedReleases(stored: changed, project: client.project)
            }
        }
        for count in stride(from: 0, to: stored.count, by: 13) {
            #expect(throws: ReleaseRefusal.self) {
                try TrustedReleases(stored: Array(stored[..<count]), project: client.project)
            }
        }
        // In the middle of a round, with a new timestamp and the old set.
        mirror.release("solver", "1.1")
        mirror.files["3.snapshot"] = nil
        #expect(client.update(mirror) != nil)
        let half = try #require(client.trusted)
        #expect(half.timestamp?.version == 3 && half.believed?.timestamp.version == 2)
        #expect(try TrustedReleases(stored: half.stored, project: client.project) == half)
    }

    @Test("Random garbage and random mutations never trap, and never change what is believed")
    func garbage() throws {
        var (mirror, client) = site()
        client.update(mirror)
        let before = client.trusted?.believed
        mirror.release("solver", "1.1")
        var generator = SeededGenerator(seed: 5)
        for round in 0..<3000 {
            var attack = mirror
            let name = ["2.root", "timestamp", "3.snapshot", "3.targets"][round % 4]
            var bytes = attack.files[name] ?? attack.files["1.root"] ?? []
            for _ in 0..<Int.random(in: 1...5, using: &generator) where !bytes.isEmpty {
                let at = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: bytes[at] = UInt8.random(in: 0...255, using: &generator)
                case 1: bytes.remove(at: at)
                case 2: bytes.insert(0x0A, at: at)
                default: bytes.replaceSubrange(at..., with: bytes[..<at])
                }
            }
            if bytes == mirror.files[name] { continue }
            attack.files[name] = bytes
            var victim = client
            #expect(victim.update(attack) != nil, "round \(round)")
            #expect(victim.trusted?.believed == before)
        }
    }
}
