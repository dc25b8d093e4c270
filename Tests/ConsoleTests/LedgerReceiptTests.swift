import Bytes
import Console
import Domain
import Foundation
import Testing
import Transparency
import Wire

@Suite("Receipts against the ledger, and the ledger against its laws")
struct LedgerReceiptTests {
    private static let project = SigningKey(rawRepresentation: [UInt8](repeating: 9, count: 32))!
    private static let stranger = SigningKey(rawRepresentation: [UInt8](repeating: 8, count: 32))!

    private static func task(_ index: Int64) -> TaskID {
        TaskID(unit: WorkUnitID(batch: BatchID(rawValue: 1), index: index), ordinal: 0)
    }

    private static func result(_ text: String) -> Digest { SHA256Hash.digest(of: Array(text.utf8)) }

    private static func day(_ day: Int) -> Timestamp { Timestamp(seconds: Int64(1000 + day) * 86_400) }

    /// A signed reply with receipts: task, result, day, status.
    private static func receipts(
        _ all: [(Int64, String, Int, WireReceiptStatus)], host: UInt64 = 7, key: SigningKey = project
    ) throws -> SignedReceipts {
        var message = WireReceipts()
        message.hostID = host
        message.receipts = all.map { index, text, day, status in
            var receipt = WireReceipt()
            receipt.taskID = UInt64(task(index).rawValue)
            receipt.resultSha256 = Data(result(text).bytes)
            receipt.atMs = UInt64(Self.day(day).milliseconds)
            receipt.status = status
            return receipt
        }
        let bytes = try StrictDecode.bytes(of: message)
        return SignedReceipts(
            key: key.publicKey.rawRepresentation, receipts: bytes,
            signature: key.sign(ReceiptSignature.message(receipts: bytes)))
    }

    private static func verdict(_ index: Int64, _ text: String?, host: Int64 = 7) -> LedgerLeaf.Event {
        .verdict(
            LoggedVerdict(
                task: task(index), host: HostID(rawValue: host), outcome: .valid, reason: result("agreed"),
                canonical: task(index),
                basis: text.map {
                    LoggedVerdict.Basis(result: result($0), comparedWith: nil, seal: result("seal"))
                }))
    }

    /// A ledger whose newest entry is of day 100.
    private func ledger(_ folder: String) throws -> LedgerFolder {
        let release = LedgerLeaf.Event.release(
            LoggedRelease(
                project: "p", manifest: Self.result("m"), app: "a", version: 1,
                key: Self.project.publicKey.rawRepresentation))
        let events = [
            release, Self.verdict(1, "one"), Self.verdict(2, "other"), Self.verdict(3, nil),
            Self.verdict(4, "four", host: 8), release,
        ]
        let leaves = try events.enumerated().map { at, event in
            try LedgerLeaf(at: Self.day(at == events.count - 1 ? 100 : at), event: event).encoded()
        }
        let ledger = LedgerFolder(path: folder)
        _ = try TileWriter(signer: LedgerFolder.signer).publish(leaves, from: LogEdge(), to: ledger)
        return ledger
    }

    private func prove(
        _ file: String, _ ledger: LedgerFolder, days: Double = 30, out: String?, json: Bool = false
    ) -> (code: Int32, screen: Recorder) {
        let recorder = Recorder()
        let command = LedgerReceiptCommand(
            receipts: file, place: ledger.path, key: LedgerFolder.key, days: days, out: out)
        let code = CommandContext(screen: recorder, asJSON: json).run { (context) throws(Fault) in
            try command.run(context)
        }
        return (code, recorder)
    }

    private func file(_ all: [SignedReceipts]) -> String {
        ([SignedReceipts.title] + all.map(\.line)).map { $0 + "\n" }.joined()
    }

    @Test("Each receipt is included, pending, missing, contradicted or foreign")
    func standings() throws {
        try TemporaryFolder.with { folder in
            let ledger = try ledger(folder.path + "/ledger")
            let mine = try Self.receipts([
                (1, "one", 1, .receiptAccepted), (2, "two", 1, .receiptLate), (3, "three", 1, .receiptDuplicate),
                (4, "four", 1, .receiptAccepted), (5, "five", 90, .receiptAccepted), (6, "six", 1, .receiptAccepted),
                (7, "seven", 1, .receiptNotNeeded), (8, "eight", 1, .receiptResultMissing),
            ])
            let again = try Self.receipts([(1, "one", 2, .receiptDuplicate)])
            let other = try Self.receipts([(9, "nine", 1, .receiptAccepted)], key: Self.stranger)
            let path = try folder.write("mine", file([mine, again, other]))
            let out = folder.path + "/out"
            let (code, screen) = prove(path, ledger, out: out)
            #expect(code == 1 && screen.err.isEmpty, "\(screen.err)")
            for words in [
                "task 1.1#0, result \(Self.result("one").hex.prefix(16)): included, leaf 1 (\(out)/leaf-1.tlog-proof)",
                "contradicted: leaf 2 tells of the result \(Self.result("other").hex.prefix(16))",
                ": included, leaf 3 (", "not yet; 20.0 days are left\n",
                "missing, 99.0 days after its receipt (\(out)/receipt-1.6-0.evidence)", ": foreign: no project",
                "2 included, 1 pending, 2 missing, 1 contradicted, 1 foreign\n",
            ] { #expect(screen.out.contains(words), "\(words) in \(screen.out)") }
            #expect(!screen.out.contains("1.7#0") && !screen.out.contains("1.8#0"))
            let evidence = try folder.text("out/receipt-1.6-0.evidence")
            let checkpoint = try String(contentsOfFile: ledger.path + "/checkpoint", encoding: .utf8)
            #expect(evidence.hasPrefix("millrace-receipt-evidence/v1\nkind missing\ntask 1.6#0\nreceipts "))
            #expect(evidence.contains(mine.line) && evidence.hasSuffix("checkpoint 5\n" + checkpoint))
            #expect(try folder.text("out/receipt-1.2-0.evidence").contains("\nkind contradicted\ntask 1.2#0\nleaf 2\n"))
            let proof = try LeafProof(text: Array(try folder.text("out/leaf-1.tlog-proof").utf8))
            try proof.verify(LedgerFolder.signer.key)
            #expect(try DocumentTests.undocumented(prove(path, ledger, out: out, json: true).screen.out) == [])
            // Given more time, what is missing may still come.
            let patient = prove(path, ledger, days: 365, out: out)
            #expect(patient.screen.out.contains("2 included, 3 pending, 1 contradicted, 1 foreign\n"))
        }
    }

    @Test("Without anything missing the answer is yes, and nothing is written unless it is asked for")
    func allIsWell() throws {
        try TemporaryFolder.with { folder in
            let ledger = try ledger(folder.path + "/ledger")
            let path = try folder.write("mine", file([try Self.receipts([(1, "one", 1, .receiptAccepted)])]))
            let (code, screen) = prove(path, ledger, out: nil)
            #expect(code == 0 && screen.out.hasSuffix("included, leaf 1\n1 included\n"))
            #expect(prove(try folder.write("none", file([])), ledger, out: nil).code == 0)
        }
    }

    @Test("Edited receipts, and a ledger with faults, prove nothing")
    func bad() throws {
        try TemporaryFolder.with { folder in
            let ledger = try ledger(folder.path + "/ledger")
            let mine = try Self.receipts([(1, "one", 1, .receiptAccepted)])
            var forged = mine
            forged.receipts[forged.receipts.count - 1] ^= 1
            var long = mine
            long.receipts = [UInt8](repeating: 0, count: SignedReceipts.bytesMax + 1)
            for text in [
                "", "x\n", file([forged]), file([long]), file([mine]) + "rest\n",
                file([mine]).replacing(" ", with: "  "), SignedReceipts.title + "\n" + mine.line.uppercased() + "\n",
            ] {
                #expect(prove(try folder.write("bad", text), ledger, out: nil).code == 65, "\(text.prefix(40))")
            }
            #expect(prove(folder.path + "/nothing", ledger, out: nil).code == 66)
            let path = try folder.write("mine", file([mine]))
            #expect(prove(path, ledger, days: -1, out: nil).code == 64)
            var bytes = try #require(try ledger.read("tile/entries/000.p/6"))
            bytes[20] ^= 1
            try ledger.write("tile/entries/000.p/6", bytes)
            #expect(prove(path, ledger, out: nil).code == 1)
        }
    }

    @Test("A ledger whose signed credit breaks a law is told by the first leaf that does")
    func laws() throws {
        try TemporaryFolder.with { folder in
            let path = folder.path + "/ledger"
            let leaves = try LedgerFolder.leaves(20)
            // Entry 3 pays the task of entry 2 once more.
            guard case .credit(var again) = try LedgerLeaf(leaves[4]).event else { return #expect(Bool(false)) }
            again.number = 3
            let leaf = try LedgerLeaf(at: Self.day(1), event: .credit(again)).encoded()
            try LedgerFolder.make(20, at: path, changing: [6: leaf])
            func verify(json: Bool) -> (code: Int32, screen: Recorder) {
                let recorder = Recorder()
                let command = LedgerVerifyCommand(
                    place: path, key: LedgerFolder.key, since: nil, save: folder.path + "/seen", evidence: nil)
                let code = CommandContext(screen: recorder, asJSON: json).run { (context) throws(Fault) in
                    try command.run(context)
                }
                return (code, recorder)
            }
            let (code, screen) = verify(json: false)
            #expect(code == 1)
            #expect(screen.out.contains("leaf 6 breaks a law of the ledger: entry 3 of task 1.1#0"))
            let json = try object(verify(json: true).screen.out)
            #expect(json["ok"] as? Bool == false)
            #expect((json["broken_law"] as? [String: Any])?["leaf"] as? Int == 6)
            #expect(try DocumentTests.undocumented(verify(json: true).screen.out) == [])
            #expect(!FileManager.default.fileExists(atPath: folder.path + "/seen"))
        }
    }
}
