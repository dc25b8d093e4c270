import Bytes
import Console
import Domain
import Foundation
import Testing
import Transparency

@Suite struct LedgerCommandTests {
    private func run(
        json: Bool = false, _ command: (CommandContext) throws(Fault) -> Int32
    ) -> (code: Int32, screen: Recorder) {
        let recorder = Recorder()
        return (CommandContext(screen: recorder, asJSON: json).run(command), recorder)
    }

    private func verify(
        _ place: String, json: Bool = false, key: String = LedgerFolder.key, since: String? = nil, save: String? = nil,
        evidence: String? = nil
    ) -> (code: Int32, screen: Recorder) {
        run(json: json) { (context) throws(Fault) in
            try LedgerVerifyCommand(place: place, key: key, since: since, save: save, evidence: evidence).run(context)
        }
    }

    @Test func aRightLedgerIsConfirmed() throws {
        try TemporaryFolder.with { folder in
            let ledger = folder.path + "/ledger"
            try LedgerFolder.make(301, at: ledger)
            let (code, screen) = verify(ledger + "/")
            #expect(code == 0 && screen.err.isEmpty)
            #expect(screen.out.contains("millrace.test/ledger: 301 leaves, root "))
            #expect(screen.out.contains("150 verdicts, 150 credit entries, 1 release, 225.000000 issued"))
            #expect(screen.out.hasSuffix("Every leaf and every tile is what was signed.\n"))
            let answer = verify(ledger, json: true)
            let json = try object(answer.screen.out)
            #expect(answer.code == 0 && json["ok"] as? Bool == true && json["size"] as? Int == 301)
            #expect((json["totals"] as? [String: Any])?["final_microcobblestones"] as? Int == 225_000_000)
            #expect(try DocumentTests.undocumented(answer.screen.out) == [])
        }
    }

    @Test func theFirstChangedLeafIsNamed() throws {
        try TemporaryFolder.with { folder in
            let ledger = try LedgerFolder.make(301, at: folder.path + "/ledger")
            var bytes = try #require(try ledger.read("tile/entries/000"))
            bytes[5000] ^= 1
            bytes[9000] ^= 1
            let reading = EntryBundle.read(bytes, width: 256).entries
            let index = try #require(reading.firstIndex { $0.endIndex > 5000 })
            try ledger.write("tile/entries/000", bytes)
            let (code, screen) = verify(ledger.path)
            #expect(code == 1)
            #expect(screen.out.contains("leaf \(index) was changed\n"))
            #expect(!screen.out.contains("is what was signed"))
            let json = try object(verify(ledger.path, json: true).screen.out)
            let finding = try #require((json["findings"] as? [[String: Any]])?.first)
            #expect(finding["finding"] as? String == "leaf_changed" && finding["leaf"] as? Int == index)
            #expect(json["ok"] as? Bool == false)
            #expect(try DocumentTests.undocumented(verify(ledger.path, json: true).screen.out) == [])
        }
    }

    @Test func wrongPlacesAndKeys() throws {
        try TemporaryFolder.with { folder in
            let ledger = folder.path + "/ledger"
            try LedgerFolder.make(5, at: ledger)
            #expect(verify(folder.path + "/nothing").code == 66)
            #expect(verify(folder.path).code == 1)
            #expect(verify(ledger, key: "no key").code == 64)
            #expect(verify(ledger, key: try folder.write("wrong.vkey", "x\n")).code == 65)
            #expect(verify(ledger, key: try folder.write("ledger.vkey", LedgerFolder.key + "\n")).code == 0)
            let other = NoteSigner(name: "millrace.test/ledger", kind: .ed25519, secret: SigningKey())!
            let refused = verify(ledger, key: other.key.text)
            #expect(refused.code == 1 && refused.screen.out.contains("not signed by millrace.test/ledger"))
            #expect(verify(ledger, since: try folder.write("old", "text\n")).code == 65)
        }
    }

    @Test func rollbackAndForkAreFoundWithAKeptCheckpoint() throws {
        try TemporaryFolder.with { folder in
            let (ledger, seen, file) = (folder.path + "/ledger", folder.path + "/seen", folder.path + "/evidence")
            try LedgerFolder.make(300, at: ledger)
            #expect(verify(ledger, save: seen).code == 0)
            try LedgerFolder.make(400, at: ledger)
            #expect(verify(ledger, since: seen, save: seen).code == 0)
            #expect(try folder.text("seen").contains("\n400\n"))

            try LedgerFolder.make(399, at: ledger)
            let back = verify(ledger, since: seen, save: seen)
            #expect(back.code == 1 && back.screen.out.contains("rolled back: it had 400 leaves, now it has 399"))
            #expect(try folder.text("seen").contains("\n400\n"))

            try LedgerFolder.make(500, at: ledger, changing: [9: [1, 2, 3]])
            let fork = verify(ledger, since: seen, evidence: file)
            #expect(fork.code == 1 && fork.screen.out.contains("rewritten before leaf 400"))
            #expect(fork.screen.out.contains("evidence: \(file)"))
            func judge(_ key: String, json: Bool = false) -> (code: Int32, screen: Recorder) {
                run(json: json) { (context) throws(Fault) in
                    try LedgerEvidenceCommand(path: file, key: key).run(context)
                }
            }
            #expect(judge(LedgerFolder.key).code == 0)
            #expect(judge(LedgerFolder.key).screen.out.contains("signed two histories: first 400 leaves, then 500"))
            #expect(try DocumentTests.undocumented(judge(LedgerFolder.key, json: true).screen.out) == [])
            let text = try folder.text("evidence")
            try folder.write("evidence", text.replacing("kind fork", with: "kind rollback"))
            #expect(judge(LedgerFolder.key).code == 65)
            try folder.write("evidence", text.replacing("\n400\n", with: "\n401\n"))
            #expect(judge(LedgerFolder.key).code == 1)
        }
    }

    @Test func provenEntriesOfATask() throws {
        try TemporaryFolder.with { folder in
            let (ledger, out) = (folder.path + "/ledger", folder.path + "/proofs")
            try LedgerFolder.make(301, at: ledger)
            func prove(_ task: String, json: Bool = false) -> (code: Int32, screen: Recorder) {
                run(json: json) { (context) throws(Fault) in
                    try LedgerProveCommand(task: task, place: ledger, key: LedgerFolder.key, out: out).run(context)
                }
            }
            func check(_ file: String, key: String = LedgerFolder.key, witnesses: [String] = [], json: Bool = false)
                -> (code: Int32, screen: Recorder)
            {
                run(json: json) { (context) throws(Fault) in
                    try LedgerCheckCommand(path: "\(out)/\(file)", key: key, witnesses: witnesses).run(context)
                }
            }
            let proven = prove("1.25#0")
            #expect(proven.code == 0)
            #expect(proven.screen.out.contains("task 1.25#0 of host 2 is valid, the accepted result is of task 1.25#0"))
            #expect(proven.screen.out.contains("entry 26: 1.500000 final for task 1.25#0, from project my-search"))
            let names = try FileManager.default.contentsOfDirectory(atPath: out).sorted()
            #expect(names == ["leaf-51.tlog-proof", "leaf-52.tlog-proof"])
            // Again, and all of the unit: the same files.
            #expect(prove("1.25").code == 0)
            #expect(try DocumentTests.undocumented(prove("1.25", json: true).screen.out) == [])
            for name in names {
                let (code, screen) = check(name)
                #expect(code == 0 && screen.out.contains("of 301 in millrace.test/ledger: "))
            }
            #expect(try DocumentTests.undocumented(check(names[0], json: true).screen.out) == [])
            let other = NoteSigner(name: "millrace.test/ledger", kind: .ed25519, secret: SigningKey())!
            #expect(check(names[0], key: other.key.text).code == 1)
            let witness = NoteSigner(name: "witness.test", kind: .cosignature, secret: SigningKey())!
            #expect(check(names[0], witnesses: [witness.key.text]).code == 1)
            #expect(check("nothing").code == 66)
            let text = try folder.text("proofs/" + names[0])
            try folder.write("proofs/" + names[0], text.replacing("index 51", with: "index 52"))
            #expect(check(names[0]).code == 1)
            // The edited file is not overwritten.
            #expect(prove("1.25#0").code == 73)
            #expect(prove("2.25#0").code == 1)
            #expect(prove("1.25#1").code == 1)
            for bad in ["", "1", "x", "1.2.3", "0.1#0", "1.2#64", "1.2#", "1.2#x", "-1.2", "1.2#0#1"] {
                #expect(prove(bad).code == 64, "\(bad)")
            }
        }
    }

    @Test func aLedgerOnAWebServer() throws {
        try TemporaryFolder.with { folder in
            let ledger = try LedgerFolder.make(301, at: folder.path + "/ledger")
            let server = try StandIn { request in
                guard request.path.hasPrefix("/ledger/") else {
                    return .reply(200, type: "text/html", Array("<html>".utf8))
                }
                guard let bytes = try? ledger.read(String(request.path.dropFirst(8))) else {
                    return .reply(404, type: "text/plain", [])
                }
                return .reply(200, type: "application/octet-stream", bytes)
            }
            let (code, screen) = verify(server.url + "/ledger/")
            #expect(code == 0, "\(screen.err)")
            #expect(screen.out.contains("301 leaves"))
            #expect(server.requests.map(\.path).first == "/ledger/checkpoint")
            #expect(verify(server.url + "/page").code == 76)
            try FileManager.default.removeItem(atPath: ledger.path + "/tile/entries/001.p/45")
            let missing = verify(server.url + "/ledger")
            #expect(missing.code == 1)
            #expect(missing.screen.out.contains("tile/entries/001.p/45 is missing, of the leaves 256 to 300"))
        }
    }
}
