import Bytes
import Domain
import Releases
import Testing

@Suite("Versions of releases, all small combinations")
struct VersionTests {
    /// The versions of a timestamp, of the snapshot that it names, and of the targets that this names.
    private struct Numbers: Hashable, CustomStringConvertible {
        var timestamp: Int64
        var snapshot: Int64
        var targets: Int64

        var description: String { "\(timestamp).\(snapshot).\(targets)" }
        static let all: [Numbers] = (0..<27).map {
            Numbers(timestamp: $0 / 9 + 1, snapshot: $0 / 3 % 3 + 1, targets: $0 % 3 + 1)
        }
    }

    /// Signed once each: a signature is part of the hash that the file above names.
    private struct Shelf {
        var mirror = Mirror()
        var files: [Numbers: [String: [UInt8]]] = [:]

        init() {
            let end = Mirror.start + Mirror.day
            var targets: [Int64: SignedText] = [:]
            var snapshots: [Numbers: SignedText] = [:]
            for numbers in Numbers.all {
                let list =
                    targets[numbers.targets]
                    ?? TargetsBody(header: ReleaseHeader(name: "example", version: numbers.targets, expires: end))
                    .draft.signed(by: [mirror.targetsKey])
                targets[numbers.targets] = list
                let place = Numbers(timestamp: 0, snapshot: numbers.snapshot, targets: numbers.targets)
                let snapshot =
                    snapshots[place]
                    ?? SnapshotBody(
                        header: ReleaseHeader(name: "example", version: numbers.snapshot, expires: end),
                        targets: Self.reference(list, numbers.targets)
                    ).draft.signed(by: [mirror.snapshotKey])
                snapshots[place] = snapshot
                let timestamp = TimestampBody(
                    header: ReleaseHeader(name: "example", version: numbers.timestamp, expires: end),
                    snapshot: Self.reference(snapshot, numbers.snapshot))
                var files = mirror.files
                files["\(numbers.targets).targets"] = list.bytes
                files["\(numbers.snapshot).snapshot"] = snapshot.bytes
                files["timestamp"] = timestamp.draft.signed(by: [mirror.timestampKey]).bytes
                self.files[numbers] = files
            }
        }

        static func reference(_ text: SignedText, _ version: Int64) -> ReleaseReference {
            ReleaseReference(version: version, digest: text.digest, size: Int64(text.bytes.count))
        }
    }

    @Test("From each of 27 states to each of 27: forward in every role, or refused as rollback or as rewritten")
    func matrix() throws {
        var shelf = Shelf()
        for before in Numbers.all {
            shelf.mirror.files = try #require(shelf.files[before])
            let client = Client(of: shelf.mirror)
            #expect(client.trusted?.believed?.targets.version == before.targets)
            for after in Numbers.all {
                shelf.mirror.files = try #require(shelf.files[after])
                var next = client
                let refusal = next.update(shelf.mirror)
                #expect(refusal?.kind == expected(before, after), "\(before) to \(after)")
                let believed = refusal == nil ? after : before
                #expect(next.trusted?.believed?.timestamp.version == believed.timestamp)
                #expect(next.trusted?.believed?.snapshot.version == believed.snapshot)
                #expect(next.trusted?.believed?.targets.version == believed.targets)
            }
        }
    }

    /// From TUF's specification, sections 5.4.3 and 5.5.5; and one version has one content.
    private func expected(_ before: Numbers, _ after: Numbers) -> ReleaseRefusal.Kind? {
        if after.timestamp < before.timestamp { return .rollback }
        let isSame = after.snapshot == before.snapshot && after.targets == before.targets
        if after.timestamp == before.timestamp, !isSame { return .rewritten }
        if after.snapshot < before.snapshot { return .rollback }
        if after.snapshot == before.snapshot, after.targets != before.targets { return .rewritten }
        return after.targets < before.targets ? .rollback : nil
    }

    @Test("What is here already is not fetched again")
    func sparing() {
        var mirror = Mirror()
        mirror.release("solver", "1.0")
        var client = Client(project: mirror.project.publicKey)
        client.update(mirror)
        #expect(client.asked == ["anchor", "1.root", "2.root", "timestamp", "2.snapshot", "2.targets"])
        client.update(mirror)
        #expect(client.asked == ["2.root", "timestamp"])
        mirror.refresh()
        client.update(mirror)
        #expect(client.asked == ["2.root", "timestamp"])
        mirror.pass(days: 50)
        mirror.refresh()
        client.update(mirror)
        #expect(client.asked == ["2.root", "timestamp", "3.snapshot"])
    }

    @Test("A half round is gone on with, and what it accepted is never taken back")
    func halfRound() throws {
        var mirror = Mirror()
        mirror.release("solver", "1.0")
        var client = Client(of: mirror)
        let old = mirror.files
        mirror.release("solver", "1.1")
        let news = mirror.files
        mirror.files["3.targets"] = nil
        #expect(client.update(mirror)?.kind == .missing)
        #expect(client.trusted?.snapshot?.version == 3 && client.trusted?.believed?.targets.version == 2)
        mirror.files = old
        #expect(client.update(mirror)?.kind == .rollback)
        mirror.files = news
        #expect(client.update(mirror) == nil)
        #expect(client.asked == ["2.root", "timestamp", "3.targets"])
        #expect(try client.program("solver", "1.1", at: mirror.now).get().version == "1.1")
    }

    @Test("Versions are compared by their numbers")
    func order() {
        for (a, b) in [("0.9.0", "0.10.0"), ("1.0", "1.0.1"), ("0.1.0", "1"), ("1.2-rc1", "1.2-rc2")] {
            #expect(VersionOrder.precedes(a, b) && !VersionOrder.precedes(b, a))
        }
        #expect(!VersionOrder.precedes("1.0", "1.0"))
    }

    @Test("The project may know of a newer client; an older or equal one is no news, and neither is an old word")
    func newerClient() {
        var mirror = Mirror()
        guard var body = mirror.repository.newestTargets else { return }
        body.newestClient = "0.2.0"
        mirror.repository.setTargets(body, terms: mirror.terms, now: mirror.now)
        mirror.sign()
        let trusted = Client(of: mirror).trusted
        #expect(trusted?.newerClient(than: "0.1.0", now: mirror.now) == "0.2.0")
        #expect(trusted?.newerClient(than: "0.2.0", now: mirror.now) == nil)
        #expect(trusted?.newerClient(than: "0.10.0", now: mirror.now) == nil)
        mirror.pass(days: 20)
        #expect(trusted?.newerClient(than: "0.1.0", now: mirror.now) == nil)
    }
}
