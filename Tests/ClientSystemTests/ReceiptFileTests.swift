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
}
