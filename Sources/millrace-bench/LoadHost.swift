import Bytes
import ClientSystem
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
    private(set) var held: [HotOffer] = []
    /// Whether the server has answered a call with the profile.
    private var knowsProfile = false
    var results = ResultMaker()
    private var session: CallSession.Open?
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
        var full = HotRequest()
        full.profile = BenchSite.profile
        full.heldTasks = held.map(\.taskID)
        full.reports = held.map { results.report(of: $0) }
        full.wantTasks = UInt32(want)
        full.wantSeconds = 1e9
        full.apps = ["\(NoOp.name)/1"]
        full.sendsInline = !results.isBlob
        held = try reply(connection, full).tasks
        return full.reports.count
    }

    /// Short inside of a session, as clients call.
    private func reply(_ connection: BenchConnection, _ full: HotRequest) throws -> HotReply {
        guard let session else {
            return try Self.read(try signed("/v1/scheduler", connection, full.encoded))
        }
        let short = ShortCall(
            full, host: HostID(rawValue: Int64(host)), knowsProfile: knowsProfile, withAccount: !knowsProfile)
        let body = (short?.request ?? full).encoded
        let sealed = CallEnvelope.sealed(body, token: session.token, sequence: sequence, key: session.key)
        let answer = try connection.post(CallEnvelope.path, [], sealed)
        guard answer.status == 200 else { throw Fault(.refused, String(decoding: answer.body, as: UTF8.self)) }
        guard
            let reply = CallEnvelope.openedReply(
                answer.body, token: session.token, sequence: sequence, key: session.key)
        else { throw Fault(.protocolError, "an answer that is not authentic") }
        knowsProfile = true
        return try Self.read(reply)
    }

    private static func read(_ reply: [UInt8]) throws -> HotReply { try HotReply(bytes: reply, limit: reply.count) }

    private func signed(_ path: String, _ connection: BenchConnection, _ body: [UInt8]) throws -> [UInt8] {
        let fields = [
            Self.type, "\(RequestSignature.hostHeader): \(host)",
            "\(RequestSignature.sequenceHeader): \(max(1, sequence))",
            "\(RequestSignature.signatureHeader): \(Self.sign(path, max(1, sequence), body, key))",
        ]
        let answer = try connection.post(path, fields, body)
        guard answer.status == 200 else { throw Fault(.refused, String(decoding: answer.body, as: UTF8.self)) }
        return answer.body
    }

    /// From now on calls are made inside of a session, as clients make them that call often.
    func openSession(_ connection: BenchConnection, project: VerifyingKey) throws {
        session = CallSession(project: project).open { request in
            guard let body: [UInt8] = try? request.serializedBytes(),
                let answer = try? signed("/v1/session", connection, body)
            else { return nil }
            return try? WireSessionReply(serializedBytes: answer)
        }
        if session == nil { throw Fault(.protocolError, "no session") }
    }
}
