import Bytes
import Domain
import SwiftProtobuf
import Testing
import Wire

@Suite struct MessageTests {
    @Test func sizeIsBoundedFirst() {
        #expect(throws: WireError.tooLarge(field: "millrace.v1.SchedulerRequest", limit: 10)) {
            try StrictDecode.message(
                WireSchedulerRequest.self, from: [UInt8](repeating: 0xFF, count: 11), limit: 10)
        }
    }

    /// 200 kB of empty reports would become a hundred thousand objects.
    @Test func repetitionsAreCountedBeforeTheyAreBuilt() throws {
        let flood = (0...Limits.repeatedFieldsMax).flatMap { _ in [0x1A, 0x00] as [UInt8] }
        #expect(throws: WireError.self) {
            try StrictDecode.message(WireSchedulerRequest.self, from: flood, limit: Limits.rpcBytesMax)
        }
        let tight = [StrictDecode.RepeatLimit(field: 3, name: "reports", limit: 2)]
        #expect(throws: WireError.tooMany(field: "reports", limit: 2)) {
            try StrictDecode.message(
                WireSchedulerRequest.self, from: [0x1A, 0, 0x1A, 0, 0x1A, 0], limit: 100, repeats: tight)
        }
        let two = try StrictDecode.message(
            WireSchedulerRequest.self, from: [0x1A, 0, 0x1A, 0], limit: 100, repeats: tight)
        #expect(two.reports.count == 2)
    }

    @Test(
        arguments: [
            [0xFF], [0x0A, 0x05, 0x01], [0x0B, 0x0C], [0x00], [0x09, 1, 2], [0x0D, 1],
            [0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01],
            [0x08, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01],
            // A volunteer name that is not UTF-8.
            [0x12, 0x01, 0xC3],
        ] as [[UInt8]])
    func whatIsNoMessageIsRefused(bytes: [UInt8]) {
        #expect(throws: WireError.badMessage("millrace.v1.RegisterRequest")) {
            try StrictDecode.message(WireRegisterRequest.self, from: bytes, limit: 100)
        }
    }

    @Test func unknownFieldsAreSkipped() throws {
        let message = try StrictDecode.message(
            WireRegisterReply.self, from: [0x08, 0x05, 0xF8, 0x07, 0x01], limit: 100)
        #expect(message.hostID == 5)
        #expect(try StrictDecode.bytes(of: message) == [0x08, 0x05])
    }

    @Test func jsonForTheScientistsTools() throws {
        let text = Array(#"{"batchId": "7", "project": "p", "newer": 1}"#.utf8)
        let reply = try StrictDecode.json(WireSubmitReply.self, from: text, limit: 100)
        #expect(reply.batchID == 7 && reply.project == "p")
        #expect(throws: WireError.tooLarge(field: "millrace.v1.SubmitReply", limit: 9)) {
            try StrictDecode.json(WireSubmitReply.self, from: text, limit: 9)
        }
        for wrong in ["", "<html>", "{", #"{"batchId": "x"}"#] {
            #expect(throws: WireError.badMessage("millrace.v1.SubmitReply")) {
                try StrictDecode.json(WireSubmitReply.self, from: Array(wrong.utf8), limit: 100)
            }
        }
    }

    @Test func whatIsSigned() {
        let message = RequestSignature.message(
            method: "POST", path: "/v1/scheduler", sequence: 12, body: Array("abc".utf8))
        #expect(
            String(decoding: message, as: UTF8.self) == """
                millrace-request-v1
                POST
                /v1/scheduler
                12
                ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad
                """)
        #expect(ReceiptSignature.message(receipts: [8, 1]) == Array("millrace-receipts-v1\n".utf8) + [8, 1])
    }

    /// One of each, in the order of FORMAT.md.
    static let errors: [WireError] = [
        .wrongMagic, .wrongKind(found: 2, wanted: 1), .reservedBits, .unsupportedVersion(found: 2, known: 1),
        .truncated, .trailingBytes, .tooLarge(field: "f", limit: 1), .tooMany(field: "f", limit: 1), .badSignature,
        .hashMismatch, .badMessage("m"), .outOfRange(field: "f"), .badSectionName("s"), .duplicateSection("s"),
        .unknownElementKind(section: "s"), .unknownFilter(section: "s"), .notWholeElements(section: "s"),
        .decompressionBomb(section: "s"), .sizeMismatch(section: "s"), .badFrame(section: "s"),
        .wrongDictionary(section: "s"), .notUTF8(section: "s"), .notDecimal(section: "s"),
        .notFinite(section: "s"), .malformed("w"),
    ]

    @Test func everyReasonHasItsOwnWordAndText() {
        #expect(Set(Self.errors.map(\.code)).count == Self.errors.count)
        #expect(Set(Self.errors.map(\.description)).count == Self.errors.count)
        #expect(Self.errors.allSatisfy { $0.fault.kind == .badData && $0.fault.message == $0.description })
        #expect(WireError.unsupportedVersion(found: 2, known: 1).fault.advice != nil)
    }
}
