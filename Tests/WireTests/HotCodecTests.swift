import Bytes
import Domain
import FoundationEssentials
import SwiftProtobuf
import Testing
import Wire

/// The codec written by hand against the generated one, where the fuzzer would have to be lucky; see also `HotTarget`.
@Suite("Messages of calls, by hand") struct HotCodecTests {
    private func generated(_ bytes: [UInt8]) -> WireSchedulerRequest? {
        do throws(WireError) {
            return try StrictDecode.message(WireSchedulerRequest.self, from: bytes, limit: Limits.rpcBytesMax)
        } catch { return nil }
    }

    private func hot(_ bytes: [UInt8]) -> HotRequest? {
        do throws(WireError) { return try HotRequest(bytes: bytes, limit: Limits.rpcBytesMax) } catch { return nil }
    }

    /// Both refuse, or both read the same. - Returns: what they read.
    @discardableResult
    private func agree(_ bytes: [UInt8], _ what: String) throws -> HotRequest? {
        let (one, other) = (generated(bytes), hot(bytes))
        #expect((one == nil) == (other == nil), "\(what): \(Hex.encode(bytes))")
        guard let one, let other else { return nil }
        #expect(other.encoded == (try StrictDecode.bytes(of: one)), "\(what)")
        // Of equal bytes, since NaN is not equal to itself.
        #expect(HotRequest(one).encoded == other.encoded, "\(what)")
        return other
    }

    private func field(_ number: UInt8, _ body: [UInt8]) -> [UInt8] {
        precondition(body.count < 128)
        return [number << 3 | 2, UInt8(body.count)] + body
    }

    static let request: HotRequest = {
        var request = HotRequest()
        var profile = WireHostProfileMessage()
        (profile.name, profile.platform, profile.cores) = ("host", "x86_64-linux", 4)
        request.profile = profile
        request.heldTasks = [1, 300, .max]
        var success = HotReport()
        success.taskID = 300
        var result = HotSuccess()
        (result.resultSha256, result.resultBytes) = ([UInt8](repeating: 7, count: 32), 200)
        (result.resultInline, result.cpuSeconds) = ([UInt8](repeating: 9, count: 200), 1.5)
        success.outcome = .success(result)
        var failure = HotReport()
        failure.taskID = 1
        failure.outcome = .failure(.with { ($0.code, $0.message) = (3, "no") })
        request.reports = [success, failure, HotReport()]
        (request.wantTasks, request.wantSeconds, request.availability) = (4, 3600, -0.0)
        request.apps = ["a/1", ""]
        request.sendsInline = true
        request.programPlatforms = ["any"]
        request.form = .callShortWithAccount
        return request
    }()

    @Test("A whole message, and every one that is cut short")
    func truncated() throws {
        let bytes = Self.request.encoded
        #expect(bytes == (try StrictDecode.bytes(of: Self.request.message)))
        #expect(try agree(bytes, "whole") == Self.request)
        for count in 0..<bytes.count { try agree(Array(bytes.prefix(count)), "\(count) bytes") }
        for at in bytes.indices {
            for value in [0, 0x7F, 0x80, 0xFF, bytes[at] ^ 1, bytes[at] ^ 4] as [UInt8] {
                var changed = bytes
                changed[at] = value
                try agree(changed, "byte \(at) is \(value)")
            }
        }
    }

    @Test("Messages that come twice are merged, and the last outcome of a report counts")
    func merged() throws {
        let two = field(1, field(1, Array("a".utf8))) + field(1, [0x20, 2])
        let read = try #require(try agree(two, "two profiles"))
        #expect(read.profile?.name == "a" && read.profile?.cores == 2)
        let success = field(2, [0x10, 5])
        let failure = field(3, [0x08, 1])
        let reports = [
            success + field(2, [0x21] + [UInt8](repeating: 0, count: 8)), success + failure, failure + success,
            failure + field(3, field(2, [65])), success + [0x18, 1], [0x10, 1],
        ]
        for report in reports { try agree(field(3, report), "report \(report)") }
    }

    @Test("Numbers packed and not, too long, of another layout, of an unknown kind")
    func numbers() throws {
        let nine = [UInt8](repeating: 0xFF, count: 9)
        let cases: [[UInt8]] = [
            [0x10, 5] + field(2, [1, 0x80, 1]) + [0x10, 7], field(2, [0x80]), field(2, []), [0x10] + nine + [0x7F],
            [0x10] + nine + [0xFF, 1], [0x10, 0x80, 0x80, 0], [0x20, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F], field(4, [1]),
            [0x11] + [UInt8](repeating: 1, count: 8), [0x15, 1, 2, 3, 4], [0x2D, 1, 2, 3, 4], [0x48, 2], [0x48, 0],
            [0x58, 9], [0x58] + nine + [1], [0x58, 1, 0x5D, 1, 2, 3, 4], [0x28, 1], field(8, [0xC3]),
            field(8, [0xED, 0xA0, 0x80]), field(8, [0]), [0xF8, 0xFF, 0xFF, 0xFF, 0x0F, 1],
            [0xF8, 0xFF, 0xFF, 0xFF, 0x7F, 1], [0x90, 0x80, 0x80, 0x80, 0, 1], [0x90, 0x80, 0x80, 0x80, 0x80, 0, 1],
            field(1, [0xF8, 0x80, 0x80, 0x80, 0x80, 0, 1]), field(1, [0x7B, 0xF8, 0x80, 0x80, 0x80, 0x80, 0, 1, 0x7C]),
            [0x00], [0x07, 0x01], [0x0E], [0x0F],
        ]
        for bytes in cases { try agree(bytes, "\(bytes)") }
        #expect(try agree(cases[0], "held")?.heldTasks == [5, 1, 128, 7])
    }

    @Test("Groups are refused at the top and skipped inside, as deep as the generated code goes")
    func groups() throws {
        try agree([0x7B, 0x7C], "an unknown group at the top")
        try agree([0x0B, 0x0C], "a known field as a group at the top")
        for levels in 1...18 {
            let group = [UInt8](repeating: 0x7B, count: levels) + [UInt8](repeating: 0x7C, count: levels)
            try agree(field(1, group), "\(levels) groups in the profile")
            try agree(field(3, group), "\(levels) groups in a report")
            try agree(field(3, field(2, group)), "\(levels) groups in a success")
        }
        for bytes in [[0x7B], [0x7B, 0x74], [0x7C], [0x7B, 0x08, 1, 0x7C], [0x0B, 0x0C]] as [[UInt8]] {
            try agree(field(1, bytes), "\(bytes) in the profile")
        }
    }

    @Test("What is too much is refused before it is built")
    func limits() throws {
        func error(_ bytes: [UInt8]) -> WireError? {
            do throws(WireError) {
                _ = try HotRequest(bytes: bytes, limit: 1 << 20)
                return nil
            } catch { return error }
        }
        let most = Limits.heldTasksPerRequestMax
        var request = HotRequest()
        request.heldTasks = (0..<UInt64(most)).map { $0 }
        #expect(error(request.encoded) == nil)
        #expect(error(request.encoded + [0x10, 1]) == .tooMany(field: "held_tasks", limit: most))
        let reports = Array(repeatElement([0x1A, 0] as [UInt8], count: Limits.reportsPerRequestMax).joined())
        #expect(error(reports) == nil)
        #expect(error(reports + [0x1A, 0]) == .tooMany(field: "reports", limit: Limits.reportsPerRequestMax))
        let apps = Array(repeatElement([0x42, 0] as [UInt8], count: HotRequest.appsMax).joined())
        #expect(error(apps + [0x42, 0]) == .tooMany(field: "apps", limit: HotRequest.appsMax))
        let unknown = Array(repeatElement([0x78, 0] as [UInt8], count: Limits.repeatedFieldsMax + 1).joined())
        #expect(error(unknown)?.code == "too_many")
        #expect(generated(unknown) == nil)
        #expect(error([UInt8](repeating: 0, count: 1 << 20 + 1))?.code == "too_large")
    }

    @Test("Replies and receipts, with lengths of one, two and three bytes")
    func replies() throws {
        for size in [0, 1, 127, 128, 16_383, 16_384, 70_000] {
            var reply = HotReply()
            var offer = HotOffer()
            (offer.taskID, offer.unitInline) = (9, [UInt8](repeating: 3, count: size))
            reply.tasks = [offer, HotOffer()]
            (reply.abortTasks, reply.noWorkReasons) = ([1, 2], ["", "none"])
            (reply.creditMicrocobblestones, reply.serverTimeMs) = (-5, 1 << 41)
            let bytes = try StrictDecode.bytes(of: reply.message)
            #expect(reply.encoded == bytes)
            #expect(try HotReply(bytes: bytes, limit: bytes.count) == reply)
        }
        var receipts = HotReceipts()
        receipts.hostID = 7
        for status in WireReceiptStatus.allCases + [.UNRECOGNIZED(99), .UNRECOGNIZED(-1)] {
            var receipt = HotReceipt()
            (receipt.taskID, receipt.resultSha256) = (5, [UInt8](repeating: 1, count: 32))
            (receipt.status, receipt.atMs) = (status, 12)
            receipts.receipts.append(receipt)
        }
        let bytes = try StrictDecode.bytes(of: receipts.message)
        #expect(receipts.encoded == bytes)
        #expect(try HotReceipts(bytes: bytes, limit: bytes.count) == receipts)
    }
}
