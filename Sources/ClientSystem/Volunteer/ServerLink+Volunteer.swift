import Bytes
import Domain
import FoundationEssentials
import SwiftProtobuf
import Wire

/// What concerns the volunteer and not the work.
extension ServerLink {
    /// `POST /v1/account`.
    ///
    /// - Throws: `.negative` when the server says that it cannot be, with its reason; what the transport throws.
    public func account(
        _ request: WireAccountRequest, host: HostID, key: SigningKey
    ) throws(Fault) -> WireAccountReply {
        var sequence: Int64 = 0
        return try numbered("/v1/account", request, host: host, key: key, &sequence)
    }

    /// `POST /v1/erase`; repeating it gives the same statement.
    func erase(host: HostID, key: SigningKey) throws(Fault) -> WireEraseReply {
        var request = WireEraseRequest()
        request.publicKey = Data(key.publicKey.rawRepresentation)
        var sequence: Int64 = 0
        return try numbered("/v1/erase", request, host: host, key: key, &sequence)
    }

    /// `POST /v1/export`, one page.
    ///
    /// - Parameter sequence: the last number that was used; 0: not known.
    func export(
        _ section: WireExportSection, after: UInt64, host: HostID, key: SigningKey, _ sequence: inout Int64
    ) throws(Fault) -> WireExportReply {
        var request = WireExportRequest()
        request.section = section
        request.after = after
        return try numbered("/v1/export", request, host: host, key: key, &sequence)
    }

    /// Sends a request that is numbered like a call. The host's counter is the running client's: this asks the server
    /// for it, and that client does the same with its next call.
    private func numbered<Reply: SwiftProtobuf.Message>(
        _ path: String, _ request: some SwiftProtobuf.Message, host: HostID, key: SigningKey,
        _ sequence: inout Int64
    ) throws(Fault) -> Reply {
        for _ in 0..<5 {
            sequence += 1
            let response = try post(path, request, host: host, sequence: sequence, key: key, freshConnection: true)
            let refusal = response.status == 409 ? response.errorReply : nil
            if let refusal, refusal.code == "stale_sequence", refusal.sequence < UInt64(Limits.sequenceMax) {
                sequence = Int64(refusal.sequence)
                continue
            }
            if let no = ServerLink.no(response) { throw no }
            return try response.message(Reply.self, url: serverURL + path)
        }
        throw Fault(.interrupted, "this host's other calls come in between", advice: "Run the command again.")
    }

    /// The server understood, and says that it cannot be.
    static func no(_ response: HTTPResponse) -> Fault? {
        guard response.status == 409, let refusal = response.errorReply, refusal.code == "wrong_state" else {
            return nil
        }
        return Fault(.negative, refusal.message, advice: refusal.advice.isEmpty ? nil : refusal.advice)
    }
}
