import Bytes
import Domain
import Releases
import Testing

@Suite("The text of release metadata")
struct FormatTests {
    @Test("Targets, to the letter")
    func golden() throws {
        let header = ReleaseHeader(name: "pulsars.example.org", version: 7, expires: Timestamp(seconds: 1_832_000_000))
        var body = TargetsBody(header: header, newestClient: "0.2.0")
        body.put(AppRelease(name: "solver", version: "1.1", layers: [], files: [Mirror.file("wasm", "w")]))
        body.put(
            AppRelease(
                name: "solver", version: "1.0", layers: ["seccomp", "landlock"],
                files: [
                    Mirror.file("x86_64-linux", "x"),
                    ProgramFile(
                        platform: "any", digest: Mirror.file("any", "s").digest, size: 1, interpreter: "python3"),
                ]))
        let text = """
            millrace-release targets 1
            name pulsars.example.org
            version 7
            expires 2028-01-20T16:53:20Z
            client 0.2.0
            app solver 1.0
            needs landlock seccomp
            file any \(Mirror.file("any", "s").digest.hex) 1 python3
            file x86_64-linux \(Mirror.file("any", "x").digest.hex) 1 -
            app solver 1.1
            needs
            file wasm \(Mirror.file("any", "w").digest.hex) 1 -

            """
        #expect(String(decoding: body.text, as: UTF8.self) == text)
        #expect(try TargetsBody(body.text, file: .targets(7)) == body)
        let withdrawn = (body.withdraw("solver", version: "1.0"), body.withdraw("solver", version: "1.0"))
        #expect(withdrawn == (true, false))
        #expect(body.apps.map(\.version) == ["1.1"])
    }

    @Test(
        "What is not written as it should be is refused, with the reason",
        arguments: [
            ("version 7", "version 07", "not written as"), ("version 7", "version 0", "begin at 1"),
            ("version 7", "version 9999999999999999999", "no number"), ("version 7", "version -1", "no number"),
            ("name a", "name A", "no name"), ("name a", "name ../a", "no name"), ("name a", "name", "0 words"),
            ("2028-01-20T16:53:20Z", "2028-01-20T16:53:60Z", "no moment"),
            ("2028-01-20T16:53:20Z", "2028-02-30T16:53:20Z", "no moment"),
            ("targets 1", "targets 2", "format 2"), ("targets 1", "mirrors 1", "no role"),
            ("needs", "needs seccomp landlock", "not written as"), ("needs", "needs x x", "not written as"),
            ("needs", "needs\nneeds", "1 to 8 files"), ("app b 1", "app b", "1 words"),
            ("app b 1", "app ../b 1", "no app's name"), ("app b 1", "app b 1/2", "no version"),
            ("any", "../any", "no platform"), (" 1 -", " 0 -", "1 to"), (" 1 -", " 1 /bin/sh", "interpreter"),
            (" 1 -", " 1073741825 -", "no number"), ("file any", "file  any", "5 words"), ("needs", "need", "expected"),
            ("app b 1", "app b 1\u{200B}", "printable"),
        ])
    func refused(old: String, new: String, reason: String) throws {
        let text = """
            millrace-release targets 1
            name a
            version 7
            expires 2028-01-20T16:53:20Z
            app b 1
            needs
            file any \(Mirror.file().digest.hex) 1 -

            """
        #expect(throws: Never.self) { try TargetsBody(Array(text.utf8), file: .targets(7)) }
        let changed = text.replacing(old, with: new)
        #expect(changed != text)
        let refusal = #expect(throws: ReleaseRefusal.self) { try TargetsBody(Array(changed.utf8), file: .targets(7)) }
        #expect(refusal?.description.contains(reason) == true, "\(String(describing: refusal))")
    }

    @Test("Bounds: apps, files, layers, keys, signatures")
    func bounds() throws {
        let header = ReleaseHeader(name: "a", version: 1, expires: Mirror.start)
        func apps(_ count: Int) -> TargetsBody {
            var body = TargetsBody(header: header)
            for number in 0..<count {
                body.put(AppRelease(name: "a", version: "\(10_000 + number)", layers: [], files: [Mirror.file()]))
            }
            return body
        }
        #expect(throws: Never.self) { try TargetsBody(apps(1024).text, file: .targets(1)) }
        #expect(throws: ReleaseRefusal.self) { try TargetsBody(apps(1025).text, file: .targets(1)) }
        #expect(apps(1024).draft.bytes.count < ReleaseLimits.targetsBytesMax)
        let many = (0..<9).map { Mirror.file("p\($0)") }
        #expect(AppRelease(name: "a", version: "1", layers: [], files: Array(many.prefix(8))).flaw == nil)
        #expect(AppRelease(name: "a", version: "1", layers: [], files: many).flaw != nil)
        #expect(AppRelease(name: "a", version: "1", layers: [], files: []).flaw != nil)
        #expect(AppRelease(name: "a", version: "1", layers: [], files: [many[0], many[0]]).flaw != nil)
        #expect(AppRelease(name: "a", version: "1", layers: (0..<17).map { "l\($0)" }, files: [many[0]]).flaw != nil)
        let keys = (0..<17).map { _ in SigningKey() }
        let crowd = RootBody.Keys(threshold: 1, keys: Set(keys.map(\.publicKey)))
        let root = RootBody(header: header, root: crowd, targets: crowd, snapshot: crowd, timestamp: crowd)
        #expect(throws: ReleaseRefusal.self) { try RootBody(root.text, file: .root(1)) }
        let signed = SignedText(text: Array("a\n".utf8)).signed(by: (0..<65).map { _ in SigningKey() })
        #expect(throws: ReleaseRefusal.self) { try SignedText(signed.bytes, file: .root(1)) }
    }

    @Test("A root with a threshold that nobody can reach, or none, is refused")
    func thresholds() {
        let header = ReleaseHeader(name: "a", version: 1, expires: Mirror.start)
        let one = Mirror.one(SigningKey())
        for threshold in [-1, 0, 2] {
            let role = RootBody.Keys(threshold: threshold, keys: one.keys)
            let body = RootBody(header: header, root: one, targets: role, snapshot: one, timestamp: one)
            #expect(throws: ReleaseRefusal.self) { try RootBody(body.text, file: .root(1)) }
        }
    }

    @Test("Names of files: what is written is read, and nothing else")
    func fileNames() {
        for file in [ReleaseFile.anchor, .timestamp, .root(1), .snapshot(20), .targets(ReleaseLimits.versionMax)] {
            #expect(ReleaseFile(name: file.name) == file)
        }
        for name in [
            "", "root", "1.timestamp", "1.anchor", "01.root", "0.root", "-1.root", "1.mirrors", "1.root.", "../1.root",
            "1.root/", "+1.root", "9007199254740993.root", "anchor ", "1..root",
        ] {
            #expect(ReleaseFile(name: name) == nil, "\(name)")
        }
    }

    @Test("A bundle reads back, and refuses what is none")
    func bundles() throws {
        var bundle = ReleaseBundle()
        bundle.add("a", [1, 2])
        bundle.add("b", [])
        bundle.add("a", [3])
        #expect(try ReleaseBundle(bundle.bytes).entries.map(\.name) == ["a", "b"])
        #expect(try ReleaseBundle(bundle.bytes)["a"] == [3])
        for count in 0..<bundle.bytes.count {
            #expect(throws: ReleaseRefusal.self) { try ReleaseBundle(Array(bundle.bytes[..<count])) }
        }
        #expect(throws: ReleaseRefusal.self) { try ReleaseBundle(bundle.bytes + [0]) }
        #expect(throws: ReleaseRefusal.self) {
            try ReleaseBundle([UInt8](repeating: 0, count: ReleaseLimits.bundleBytesMax + 1))
        }
    }
}
