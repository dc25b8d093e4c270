import Bytes
import Domain
import Testing
import Wire

/// What a short call leaves out comes back.
@Suite struct ShortCallTests {
    private let host = HostID(rawValue: 7)
    private let project = SigningKey()
    private let request: HotRequest = {
        var request = HotCodecTests.request
        request.reports.removeLast()
        request.reports[0].outcome = {
            var success = HotSuccess()
            success.resultInline = Array("a result".utf8)
            success.resultSha256 = SHA256Hash.digest(of: success.resultInline).bytes
            success.resultBytes = 8
            return .success(success)
        }()
        request.form = .callFull
        return request
    }()

    private func short(profile: Bool = true, account: Bool = false) throws -> ShortCall {
        try #require(ShortCall(request, host: host, knowsProfile: profile, withAccount: account))
    }

    @Test("A request loses its profile, tasks that are reported, and hashes of results that are in it")
    func requests() throws {
        let sent = try short().request
        #expect(sent.profile == nil && sent.heldTasks == [.max] && sent.form == .callShort)
        guard case .success(let success)? = sent.reports[0].outcome else { throw WireError.truncated }
        #expect(success.resultSha256.isEmpty && success.resultBytes == 0 && success.resultInline.count == 8)
        #expect(sent.reports[1] == request.reports[1])
        #expect(try short(profile: false).request.profile == request.profile)
        #expect(try short(account: true).request.form == .callShortWithAccount)
        var uploaded = request
        guard case .success(var away)? = uploaded.reports[0].outcome else { throw WireError.truncated }
        away.resultInline = []
        uploaded.reports[0].outcome = .success(away)
        let named = try #require(ShortCall(uploaded, host: host, knowsProfile: true, withAccount: false))
        #expect(named.request.reports == uploaded.reports)
    }

    @Test("A report of a task that is not named as held cannot be told shortly")
    func unheld() {
        var other = request
        other.heldTasks.removeFirst()
        #expect(ShortCall(other, host: host, knowsProfile: true, withAccount: false) == nil)
    }

    private func reply() throws -> HotReply {
        var receipts = HotReceipts()
        receipts.hostID = 7
        for report in request.reports {
            var receipt = HotReceipt()
            (receipt.taskID, receipt.status, receipt.atMs) = (report.taskID, .receiptAccepted, 99)
            if case .success(let success)? = report.outcome { receipt.resultSha256 = success.resultSha256 }
            receipts.receipts.append(receipt)
        }
        var reply = HotReply()
        reply.receipts = receipts.encoded
        reply.receiptsSignature = project.sign(ReceiptSignature.message(receipts: reply.receipts))
        let body = try Samples.unitBody()
        var offer = HotOffer()
        offer.taskID = 4
        offer.unitInline = try UnitContainer.encode(body, key: project)
        offer.unitSha256 = SHA256Hash.digest(of: offer.unitInline).bytes
        offer.unitBytes = UInt64(offer.unitInline.count)
        (offer.project, offer.flops) = (body.project, body.flops)
        var far = offer
        far.unitInline = []
        reply.tasks = [offer, far]
        reply.serverTimeMs = 99
        (reply.creditMicrocobblestones, reply.validTasks) = (12, 3)
        return reply
    }

    @Test("A reply comes back as it was")
    func replies() throws {
        let full = try reply()
        for account in [false, true] {
            let call = try short(account: account)
            var sent = full
            ShortReply.shorten(&sent, form: call.request.form, areReceiptsKnown: true)
            #expect(sent.receipts.isEmpty && sent.tasks[0].unitSha256.isEmpty && !sent.tasks[1].unitSha256.isEmpty)
            var expected = full
            if !account { (expected.creditMicrocobblestones, expected.validTasks) = (0, 0) }
            #expect(call.expanded(sent, project: project.publicKey) == expected)
        }
    }

    @Test("Receipts that say anything else are sent, and a full call gets all")
    func kept() throws {
        let full = try reply()
        var sent = full
        ShortReply.shorten(&sent, form: .callShort, areReceiptsKnown: false)
        #expect(sent.receipts == full.receipts)
        sent = full
        ShortReply.shorten(&sent, form: .callFull, areReceiptsKnown: true)
        #expect(sent == full)
    }

    @Test("Receipts at another time than was signed, and units of another key, are not made good")
    func forged() throws {
        var sent = try reply()
        ShortReply.shorten(&sent, form: .callShort, areReceiptsKnown: true)
        sent.serverTimeMs += 1
        sent.tasks[0].unitInline[30] ^= 1
        let found = try short().expanded(sent, project: project.publicKey)
        #expect(
            !project.publicKey.isValid(
                signature: found.receiptsSignature, for: ReceiptSignature.message(receipts: found.receipts)))
        #expect(found.tasks[0].project.isEmpty && found.tasks[0].flops == 0)
        #expect(found.tasks[0].unitSha256 == SHA256Hash.digest(of: sent.tasks[0].unitInline).bytes)
    }
}
