import Bytes
import Domain
import FoundationEssentials
import Glibc
import SwiftProtobuf
import Wire

/// A host that computes nothing and calls at once again. Used by one thread at a time.
final class LoadHost: @unchecked Sendable {
    private let key: SigningKey
    private let host: UInt64
    private var sequence: Int64 = 0
    private(set) var held: [WireTaskOffer] = []
    var results = ResultMaker()
    private static let type = "Content-Type: application/x-protobuf"

    /// One that the server has registered before its start (`BenchServer`).
    init(known number: Int) throws {
        key = try BenchIdentity(number).key
        host = UInt64(number + 1)
        // Above what an earlier run has used on the same data.
        sequence = Int64(time(nil)) << 20
    }

    init(_ number: Int, _ connection: BenchConnection) throws {
        key = SigningKey()
        var request = WireRegisterRequest()
        request.publicKey = Data(key.publicKey.rawRepresentation)
        request.volunteerName = "volunteer \(number)"
        request.profile = BenchSite.profile
        let body: [UInt8] = try request.serializedBytes()
        while true {
            let fields = [Self.type, "\(RequestSignature.signatureHeader): \(Self.sign("/v1/register", 0, body, key))"]
            let answer = try connection.post("/v1/register", fields, body)
            if answer.status == 429 {
                // The server lets two through a second.
                usleep(200_000)
                continue
            }
            guard answer.status == 200 else { throw Fault(.refused, String(decoding: answer.body, as: UTF8.self)) }
            host = try WireRegisterReply(serializedBytes: answer.body).hostID
            return
        }
    }

    private static func sign(_ path: String, _ sequence: Int64, _ body: [UInt8], _ key: SigningKey) -> String {
        Hex.encode(key.sign(RequestSignature.message(method: "POST", path: path, sequence: sequence, body: body)))
    }

    /// Reports all that it holds and asks for as much. - Returns: how many were reported.
    func call(_ connection: BenchConnection, want: Int) throws -> Int {
        sequence += 1
        var request = WireSchedulerRequest()
        request.profile = BenchSite.profile
        request.heldTasks = held.map(\.taskID)
        request.reports = held.map { results.report(of: $0) }
        request.wantTasks = UInt32(want)
        request.wantSeconds = 1e9
        request.apps = ["\(NoOp.name)/1"]
        let body: [UInt8] = try request.serializedBytes()
        let fields = [
            Self.type, "\(RequestSignature.hostHeader): \(host)",
            "\(RequestSignature.sequenceHeader): \(sequence)",
            "\(RequestSignature.signatureHeader): \(Self.sign("/v1/scheduler", sequence, body, key))",
        ]
        let answer = try connection.post("/v1/scheduler", fields, body)
        guard answer.status == 200 else { throw Fault(.refused, String(decoding: answer.body, as: UTF8.self)) }
        held = try WireSchedulerReply(serializedBytes: answer.body).tasks
        return request.reports.count
    }
}
