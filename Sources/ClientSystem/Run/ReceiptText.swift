import CPosix
import Domain
import Glibc
import Wire

/// Kept receipts for people, and for the tool that proves them.
public enum ReceiptText {
    /// A line for each result, the oldest first.
    ///
    /// - Throws: `.badData` for receipts without the project's signature; the client keeps none.
    public static func lines(_ kept: [SignedReceipts]) throws(Fault) -> [String] {
        var lines: [String] = []
        for source in kept {
            for receipt in try source.verified().receipts where receipt.isForResult {
                let task = TaskID(rawValue: Int64(clamping: receipt.taskID))
                let result = Digest(bytes: receipt.resultSha256).map { $0.hex } ?? ""
                lines.append("\(moment(receipt.atMs))  \(task)  \(word(receipt.status))  \(result)")
            }
        }
        return lines
    }

    /// A file for `millrace ledger prove --receipt`.
    public static func file(_ kept: [SignedReceipts]) -> [UInt8] {
        Array(([SignedReceipts.title] + kept.map(\.line)).map { $0 + "\n" }.joined().utf8)
    }

    private static func word(_ status: WireReceiptStatus) -> String {
        switch status {
        case .receiptAccepted: "accepted"
        case .receiptLate: "late"
        case .receiptDuplicate: "repeated"
        case .receiptUnspecified, .receiptNotNeeded, .receiptResultMissing, .UNRECOGNIZED: "other"
        }
    }

    /// `2026-11-22 17:42:06`, UTC; empty for what is no time.
    private static func moment(_ milliseconds: UInt64) -> String {
        guard var seconds = time_t(exactly: milliseconds / 1000) else { return "" }
        var parts = tm()
        guard gmtime_r(&seconds, &parts) != nil else { return "" }
        var buffer = [CChar](repeating: 0, count: 64)
        let count = strftime(&buffer, buffer.count, "%Y-%m-%d %H:%M:%S", &parts)
        return String(decoding: buffer.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
