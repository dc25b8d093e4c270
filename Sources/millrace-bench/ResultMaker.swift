import Bytes
import Domain
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
    func result(of offer: HotOffer) -> [UInt8] {
        // A reply that has the unit leaves out its hash; the last bytes of a unit are its signature.
        let seed = Array(offer.unitInline.isEmpty ? offer.unitSha256.prefix(8) : offer.unitInline.suffix(8))
        var result = (0..<max(1, bytes / 8)).flatMap { _ in seed }
        if let lie { result[0] = result[0] ^ (lie | 1) }
        return result
    }

    func report(of offer: HotOffer) -> HotReport {
        let result = result(of: offer)
        var success = HotSuccess()
        success.resultSha256 = SHA256Hash.digest(of: result).bytes
        success.resultBytes = UInt64(result.count)
        if !isBlob { success.resultInline = result }
        success.cpuSeconds = 1
        success.wallSeconds = 1
        var report = HotReport()
        report.taskID = offer.taskID
        report.outcome = .success(success)
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
