import Bytes
import Domain
import FoundationEssentials
import Wire

/// What a host that computes nothing sends as its result.
struct ResultMaker: Sendable {
    /// Size of a result, 8 ... 65,536.
    var bytes = 8
    /// Uploaded before the report, as clients do it with what is too large to travel inside.
    var isBlob = false
    /// Not what the others send, and not the same as that of other cheats.
    var lie: UInt8?

    /// The same for every replica of a unit, for honest hosts.
    func result(of offer: WireTaskOffer) -> [UInt8] {
        let seed = Array(offer.unitSha256.prefix(8))
        var result = (0..<max(1, bytes / 8)).flatMap { _ in seed }
        if let lie { result[0] = result[0] ^ (lie | 1) }
        return result
    }

    func report(of offer: WireTaskOffer) -> WireTaskReportMessage {
        let result = result(of: offer)
        var report = WireTaskReportMessage()
        report.taskID = offer.taskID
        report.success.resultSha256 = Data(SHA256Hash.digest(of: result).bytes)
        report.success.resultBytes = UInt64(result.count)
        if !isBlob { report.success.resultInline = Data(result) }
        report.success.cpuSeconds = 1
        report.success.wallSeconds = 1
        return report
    }
}

extension LoadHost {
    /// Uploads the results of all tasks that it holds, one request each.
    func upload(_ connection: BenchConnection) throws {
        guard results.isBlob else { return }
        for offer in held {
            let result = results.result(of: offer)
            let answer = try connection.request(
                "PATCH", "/v1/uploads/\(offer.uploadTicket)",
                [
                    "Content-Type: application/octet-stream", "Upload-Offset: 0", "Upload-Length: \(result.count)",
                    "Upload-Digest: \(SHA256Hash.digest(of: result).hex)",
                ], result)
            guard answer.status == 201 else {
                throw Fault(.refused, "upload: \(answer.status) \(String(decoding: answer.body, as: UTF8.self))")
            }
        }
    }
}
