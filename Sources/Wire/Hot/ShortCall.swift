import Bytes
import Domain

/// A call inside of a session without what both ends know: what a client leaves out of its request, and puts back into
/// the reply. FORMAT.md, section 7.4, has the rules.
public struct ShortCall: Hashable, Sendable {
    /// As it is sent.
    public let request: HotRequest
    /// What the receipts will say when every report is accepted, but for the time.
    private let expected: HotReceipts

    /// - Parameters:
    ///   - knowsProfile: the server answered a call with this profile before.
    ///   - withAccount: the reply is to have the numbers of the account.
    /// - Returns: nil for a request that cannot be shortened: one that reports a task which it does not name as held.
    public init?(_ full: HotRequest, host: HostID, knowsProfile: Bool, withAccount: Bool) {
        let held = Set(full.heldTasks)
        guard full.reports.allSatisfy({ held.contains($0.taskID) }) else { return nil }
        var short = full
        var expected = HotReceipts()
        expected.hostID = UInt64(clamping: host.rawValue)
        for at in full.reports.indices {
            var receipt = HotReceipt()
            receipt.taskID = full.reports[at].taskID
            receipt.status = .receiptAccepted
            if case .success(var success)? = full.reports[at].outcome {
                receipt.resultSha256 = success.resultSha256
                if !success.resultInline.isEmpty {
                    (success.resultSha256, success.resultBytes) = ([], 0)
                    short.reports[at].outcome = .success(success)
                }
            }
            expected.receipts.append(receipt)
        }
        let reported = Set(full.reports.map(\.taskID))
        short.heldTasks.removeAll { reported.contains($0) }
        if knowsProfile { short.profile = nil }
        short.form = withAccount ? .callShortWithAccount : .callShort
        request = short
        self.expected = expected
    }

    /// - Parameter project: whose signature a unit must have before it is read.
    /// - Returns: the reply as a full one. A unit that the project did not sign stays without its project and size of
    ///   work; whoever looks at it next refuses it.
    public func expanded(_ reply: HotReply, project: VerifyingKey) -> HotReply {
        var full = reply
        if reply.receipts.isEmpty, !reply.receiptsSignature.isEmpty {
            var receipts = expected
            for at in receipts.receipts.indices { receipts.receipts[at].atMs = reply.serverTimeMs }
            full.receipts = receipts.encoded
        }
        for at in full.tasks.indices where full.tasks[at].unitSha256.isEmpty {
            let unit = full.tasks[at].unitInline
            guard !unit.isEmpty else { continue }
            full.tasks[at].unitSha256 = SHA256Hash.digest(of: unit).bytes
            full.tasks[at].unitBytes = UInt64(unit.count)
            if let body = try? UnitContainer.decode(unit, key: project) {
                full.tasks[at].project = body.project
                full.tasks[at].flops = body.flops
            }
        }
        return full
    }
}

/// The server's side of it.
public enum ShortReply {
    /// Takes out of a reply what a call of this form gets without it.
    /// - Parameter areReceiptsKnown: the client can make the receipts itself, since every report was accepted as it
    ///   came; only their signature is sent.
    public static func shorten(_ reply: inout HotReply, form: WireCallForm, areReceiptsKnown: Bool) {
        guard form != .callFull else { return }
        if areReceiptsKnown { reply.receipts = [] }
        for at in reply.tasks.indices where !reply.tasks[at].unitInline.isEmpty {
            reply.tasks[at].unitSha256 = []
            reply.tasks[at].unitBytes = 0
            reply.tasks[at].project = ""
            reply.tasks[at].flops = 0
        }
        guard form != .callShortWithAccount else { return }
        reply.creditMicrocobblestones = 0
        reply.provisionalMicrocobblestones = 0
        reply.validTasks = 0
        reply.invalidTasks = 0
    }
}
