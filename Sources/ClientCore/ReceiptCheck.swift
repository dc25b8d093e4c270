import Bytes
import Domain
import FoundationEssentials
import Wire

/// Whether the project really said that it has a result.
public enum ReceiptCheck {
    /// Why receipts are not believed.
    public struct Refusal: Error, Hashable, Sendable {
        public var reason: String
    }

    /// The receipts of a reply, when the pinned key signed them and they are meant for this host.
    public static func verify(
        _ reply: WireSchedulerReply, attachment: ClientState.Attachment
    ) -> Result<WireReceipts, Refusal> {
        let bytes = Array(reply.receipts)
        guard let key = VerifyingKey(rawRepresentation: attachment.projectKey),
            key.isValid(signature: Array(reply.receiptsSignature), for: ReceiptSignature.message(receipts: bytes))
        else {
            return .failure(Refusal(reason: "receipts without the project's signature: every result is kept"))
        }
        let receipts: WireReceipts
        do throws(WireError) {
            receipts = try StrictDecode.message(WireReceipts.self, from: bytes, limit: Limits.rpcBytesMax)
        } catch {
            return .failure(Refusal(reason: "receipts that cannot be read (\(error)): every result is kept"))
        }
        guard receipts.hostID == UInt64(attachment.host.rawValue) else {
            return .failure(Refusal(reason: "receipts of host \(receipts.hostID): every result is kept"))
        }
        return .success(receipts)
    }

    enum Meaning: Hashable {
        /// The server has what it needs: the client may delete.
        case kept
        /// The server lacks the bytes: upload again.
        case missing
        /// It says that another result is kept than the one that lies here.
        case doubtful(String)
    }

    static func meaning(of receipt: WireReceipt, for task: HeldTask) -> Meaning {
        switch receipt.status {
        case .receiptAccepted, .receiptLate:
            guard case .finished(let result) = task.stage else { return .kept }
            return Array(receipt.resultSha256) == result.digest.bytes
                ? .kept : .doubtful("the receipt names another result")
        // The first report counts, or none does: what lies here is of no use to anybody.
        case .receiptDuplicate, .receiptNotNeeded: return .kept
        case .receiptResultMissing: return .missing
        case .receiptUnspecified, .UNRECOGNIZED: return .doubtful("a receipt of a kind that this client does not know")
        }
    }
}
