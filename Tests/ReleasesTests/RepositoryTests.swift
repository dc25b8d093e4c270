import Bytes
import Domain
import Releases
import Testing

@Suite("Making release metadata")
struct RepositoryTests {
    @Test("Several people sign one after another; before enough have, nothing is published")
    func oneAfterAnother() throws {
        var mirror = Mirror(rootThreshold: 2)
        let before = mirror.files
        mirror.changeRoot { _ in }
        let lacking = mirror.sign([mirror.rootKeys[0]])
        #expect(lacking.count == 1 && lacking[0].contains("2.root has 1 of 2 signatures"))
        #expect(mirror.files.keys.sorted() == before.keys.sorted())
        #expect(mirror.sign([mirror.rootKeys[1]]) == [])
        #expect(mirror.repository.rootDraft == nil && mirror.repository.root?.version == 2)
        #expect(Client(of: mirror).trusted?.root.version == 2)
    }

    @Test("Keys that may not sign leave no line")
    func strangers() {
        var mirror = Mirror()
        mirror.changeRoot { _ in }
        mirror.sign([SigningKey(), mirror.targetsKey])
        #expect(mirror.repository.rootDraft?.source.signatures.isEmpty == true)
    }

    @Test("A change of a draft drops its signatures; a change of keys drops those that may not sign any more")
    func changedDraft() throws {
        var mirror = Mirror(rootThreshold: 2)
        mirror.changeRoot { _ in }
        mirror.sign([mirror.rootKeys[0]])
        mirror.changeRoot { $0.root.threshold = 3 }
        #expect(mirror.repository.rootDraft?.source.signatures.isEmpty == true)
        #expect(mirror.repository.rootDraft?.version == 2)
        #expect(mirror.sign(Array(mirror.rootKeys[..<2])).count == 1)
        #expect(mirror.sign() == [])
        #expect(mirror.repository.root?.body.root.threshold == 3)
    }

    @Test("Without the keys of snapshot and timestamp a signed list waits, and says for what")
    func waiting() {
        var mirror = Mirror()
        guard var body = mirror.repository.newestTargets else { return }
        body.put(AppRelease(name: "solver", version: "1.0", layers: [], files: [Mirror.file()]))
        mirror.repository.setTargets(body, terms: mirror.terms, now: mirror.now)
        let lacking = mirror.sign([mirror.targetsKey])
        #expect(lacking.count == 1 && lacking[0].contains("2.snapshot"))
        #expect(mirror.repository.targets?.version == 2)
        #expect(mirror.sign([mirror.snapshotKey, mirror.timestampKey]) == [])
        #expect(Client(of: mirror).trusted?.believed?.targets.version == 2)
    }

    @Test("A refresh renews the timestamp, and the snapshot in the last half of its time only")
    func refresh() {
        var mirror = Mirror()
        mirror.refresh()
        #expect(mirror.repository.timestamp?.version == 2 && mirror.repository.snapshot?.version == 1)
        mirror.pass(days: 46)
        mirror.refresh()
        #expect(mirror.repository.timestamp?.version == 3 && mirror.repository.snapshot?.version == 2)
        let ends = mirror.repository.timestamp.map { $0.expires - mirror.now }
        #expect(ends == TimeSpan(seconds: 14 * 86_400))
    }

    @Test("Files read back give the same repository")
    func readBack() throws {
        var mirror = Mirror(rootThreshold: 2)
        mirror.release("solver", "1.0")
        mirror.changeRoot { _ in }
        mirror.sign([mirror.rootKeys[0]])
        let made = mirror.repository
        var read = ReleaseRepository()
        for (name, bytes) in mirror.files.sorted(by: { $0.key < $1.key }) {
            guard let file = ReleaseFile(name: name), file.role != .anchor else { continue }
            if case .targets(1) = file { continue }
            if case .snapshot(1) = file { continue }
            try read.load(bytes, as: file, isDraft: false)
        }
        try read.load(try #require(made.rootDraft).bytes, as: .root(2), isDraft: true)
        #expect(read == made)
    }
}
