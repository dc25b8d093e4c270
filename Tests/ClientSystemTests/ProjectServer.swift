import Bytes
import ClientSystem
import Domain
import Foundation
import SwiftProtobuf
import Wire

/// A server that registers hosts and has no work: as much of a project as attaching and leaving need.
struct ProjectServer {
    let key: SigningKey
    private let server: TinyServer

    /// - Parameter releases: files of its releases by name.
    init(key: SigningKey = SigningKey(), releases: [String: [UInt8]] = [:]) throws {
        self.key = key
        let publicKey = Data(key.publicKey.rawRepresentation)
        server = try TinyServer { request in
            switch request.path {
            case "/v1/project":
                var info = WireProjectInfo()
                info.protocolVersion = 1
                info.publicKey = publicKey
                info.site = "Tiny"
                return Self.answer(info)
            case "/v1/register":
                var reply = WireRegisterReply()
                reply.hostID = 9
                return Self.answer(reply)
            case "/v1/scheduler":
                var reply = WireSchedulerReply()
                reply.nextCallSeconds = 1
                return Self.answer(reply)
            default:
                let name = String(request.path.dropFirst("/v1/releases/".count))
                guard request.path.hasPrefix("/v1/releases/") else { return .respond(404) }
                if let bytes = releases[name] {
                    return .respond(200, headers: ["Content-Type": "text/plain"], body: bytes)
                }
                let text = #"{"code":"not_found","message":"there is no such file"}"#
                return .respond(404, headers: ["Content-Type": "application/json"], body: Array(text.utf8))
            }
        }
    }

    var url: String { server.url }
    var name: String { ProjectNames.name(for: url) }

    /// Public keys of the hosts that registered, in order.
    var keys: [[UInt8]] {
        requests("/v1/register").compactMap { try? WireRegisterRequest(serializedBytes: $0.body) }
            .map { Array($0.publicKey) }
    }

    /// Calls of running clients.
    var calls: Int { requests("/v1/scheduler").count }

    private func requests(_ path: String) -> [TinyServer.Request] { server.requests.filter { $0.path == path } }

    private static func answer(_ message: some SwiftProtobuf.Message) -> TinyServer.Answer {
        .respond(
            200, headers: ["Content-Type": HTTPResponse.protobuf], body: (try? message.serializedBytes()) ?? [])
    }
}
