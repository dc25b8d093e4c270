import Bytes
import ClientSystem
import Domain
import Foundation
import Testing
import Wire

@Suite("Receipts that a client keeps")
struct ReceiptFileTests {
    private static let key = SigningKey()

    private static func receipts(_ number: Int) throws -> SignedReceipts {
        var message = WireReceipts()
        message.hostID = 3
        var receipt = WireReceipt()
        receipt.taskID = UInt64(1 << 42 + number << 6)
        receipt.resultSha256 = Data(SHA256Hash.digest(of: Array("\(number)".utf8)).bytes)
        receipt.status = .receiptAccepted
        receipt.atMs = 1_700_000_000_000
        message.receipts = [receipt]
        let bytes = try StrictDecode.bytes(of: message)
        return SignedReceipts(
            key: key.publicKey.rawRepresentation, receipts: bytes,
            signature: key.sign(ReceiptSignature.message(receipts: bytes)))
    }

    @Test("They come back in order, and a line that a crash tore costs only itself")
    func torn() throws {
        let folder = try TemporaryFolder()
        let file = ReceiptFile(folder: folder.path)
        #expect(try file.read() == [])
        let all = try (0..<4).map { try Self.receipts($0) }
        try file.append(all[0])
        try file.append(all[1])
        let text = try folder.text("receipts")
        #expect(text == all[0].line + "\n" + all[1].line + "\n")
        try folder.write("receipts", text + all[2].line.prefix(100))
        try file.append(all[3])
        #expect(try file.read() == [all[0], all[1], all[3]])
        let lines = try ReceiptText.lines(try file.read())
        #expect(lines.count == 3)
        let hash = SHA256Hash.digest(of: Array("3".utf8)).hex
        #expect(lines.last == "2023-11-14 22:13:20  1.3#0  accepted  \(hash)")
        #expect(try SignedReceipts.read(file: ReceiptText.file([all[0], all[3]])) == [all[0], all[3]])
    }

    @Test("The newest are kept, at least as many as the bound holds")
    func bounded() throws {
        let folder = try TemporaryFolder()
        let line = try Self.receipts(0).line.utf8.count + 1
        let file = ReceiptFile(folder: folder.path, bytesMax: 10 * line)
        let all = try (0..<100).map { try Self.receipts($0) }
        for (at, receipts) in all.enumerated() {
            try file.append(receipts)
            let kept = try file.read()
            #expect(kept == Array(all[...at].suffix(kept.count)))
            #expect(kept.count >= min(at + 1, 10) && kept.count <= 24)
        }
        // As many as are promised fit into the bound of a real client.
        #expect(ReceiptFile.standardBytesMax / line >= 10_000)
    }

    @Test("What is no receipt is set aside at a start, and said; the rest stays")
    func repair() throws {
        let folder = try TemporaryFolder()
        let file = ReceiptFile(folder: folder.path)
        try file.repair { Issue.record("\($0)") }
        let all = try (0..<3).map { try Self.receipts($0) }
        for receipts in all { try file.append(receipts) }
        try file.repair { Issue.record("\($0)") }
        let text = try folder.text("receipts")
        var lines = text.split(separator: "\n").map(String.init)
        lines[1] = String(lines[1].dropFirst(10))
        let torn = String(lines[0].prefix(20))
        try folder.write("receipts", lines.joined(separator: "\n") + "\n" + torn)
        try folder.write("receipts.old", "nonsense\n")
        var said: [String] = []
        try file.repair { said.append($0) }
        #expect(try file.read() == [all[0], all[2]])
        #expect(try folder.text("receipts.damaged-1") == lines[1] + "\n" + torn + "\n")
        #expect(try folder.text("receipts.old.damaged-1") == "nonsense\n")
        #expect(said.count == 2)
        try file.append(all[1])
        try file.repair { Issue.record("\($0)") }
        #expect(try file.read() == [all[0], all[2], all[1]])
        // A line that looks like one, and that nobody signed.
        let other = SignedReceipts(
            key: all[0].key, receipts: all[0].receipts, signature: [UInt8](repeating: 7, count: 64))
        try file.append(other)
        try file.repair { said.append($0) }
        #expect(try file.read() == [all[0], all[2], all[1]])
        #expect(try folder.text("receipts.damaged-2") == other.line + "\n")
    }

    @Test("A file that is far too large is set aside as a whole")
    func tooLarge() throws {
        let folder = try TemporaryFolder()
        let file = ReceiptFile(folder: folder.path, bytesMax: 1000)
        try folder.write("receipts", String(repeating: "x", count: 2 << 20))
        var said: [String] = []
        try file.repair { said.append($0) }
        #expect(said.count == 1 && said[0].contains("receipts.damaged-1"))
        #expect(try file.read() == [])
    }
}
