import Bytes
import ClientCore
import ClientSystem
import Domain
import SwiftProtobuf
import Testing
import Wire

@Suite("The volunteer's account")
struct AccountTests {
    private static func answer(_ status: Int, _ message: some SwiftProtobuf.Message) -> TinyServer.Answer {
        .respond(
            status, headers: ["Content-Type": HTTPResponse.protobuf],
            body: (try? message.serializedBytes()) ?? [])
    }

    private static func refusal(_ status: Int, _ code: String, sequence: UInt64 = 0) -> TinyServer.Answer {
        var reply = WireErrorReply()
        reply.code = code
        reply.message = "because"
        reply.sequence = sequence
        return answer(status, reply)
    }

    /// Does something beside a client that holds the folder. - Returns: the outcome and what the server saw.
    private func perform(
        _ act: VolunteerAccount.Act, _ handler: @escaping @Sendable (TinyServer.Request) -> TinyServer.Answer
    ) throws -> (Result<WireAccountReply, Fault>, [TinyServer.Request], VerifyingKey) {
        let server = try TinyServer(handler)
        let folder = try TemporaryFolder()
        let directory = try ProjectDirectory(path: folder.path)
        let key = try directory.hostKey(makingOne: true)
        var identity = DataDirectoryTests.identity()
        identity.serverURL = server.url
        try directory.save(identity)
        let result = Result { () throws(Fault) in try VolunteerAccount.perform(act, folder: folder.path) }
        withExtendedLifetime(directory) {}
        return (result, server.requests, key.publicKey)
    }

    @Test("The server is asked for the counter; requests are signed with what follows it")
    func counter() throws {
        let (result, requests, key) = try perform(.joinTeam("Red & Blue")) { request in
            if request.headers["millrace-sequence"] != "42" {
                return Self.refusal(409, "stale_sequence", sequence: 41)
            }
            var reply = WireAccountReply()
            reply.volunteerID = 7
            reply.volunteerName = "Ada"
            var row = WireMembershipMessage()
            row.teamName = "Red & Blue"
            row.fromMs = 1_700_000_000_000
            reply.teams = [row]
            reply.recentAverage = 12.5
            return Self.answer(200, reply)
        }
        let lines = VolunteerAccount.lines(try result.get())
        #expect(lines.contains("team       Red & Blue") && lines.contains("recent     12.500 cobblestones per day"))
        #expect(lines.last == "  2023-11-14 to now         Red & Blue")
        #expect(requests.map { $0.headers["millrace-sequence"] } == ["1", "42"])
        for request in requests {
            let sequence = try #require(request.headers["millrace-sequence"].flatMap { Int64($0) })
            let signature = try #require(request.headers["millrace-signature"].flatMap { Hex.decode($0) })
            let message = RequestSignature.message(
                method: "POST", path: "/v1/account", sequence: sequence, body: request.body)
            #expect(key.isValid(signature: signature, for: message))
            #expect(request.headers["millrace-host"] == "3")
            let asked = try WireAccountRequest(serializedBytes: request.body)
            #expect(asked.action == .accountJoinTeam && asked.teamName == "Red & Blue")
        }
    }

    @Test("What the server refuses has its exit code, and a counter that never fits ends")
    func refusals() throws {
        let cases: [(TinyServer.Answer, FaultKind)] = [
            (Self.refusal(409, "wrong_state"), .negative), (Self.refusal(404, "not_found"), .noInput),
            (Self.refusal(403, "unknown_host"), .refused), (Self.refusal(429, "too_many_requests"), .interrupted),
            (.respond(200, headers: ["Content-Type": "text/html"]), .protocolError),
            (Self.answer(200, WireAccountReply()), .protocolError),
        ]
        for (answer, kind) in cases {
            let (result, requests, _) = try perform(.leaveTeam) { _ in answer }
            guard case .failure(let fault) = result else {
                Issue.record("\(kind): taken for a success")
                continue
            }
            #expect(fault.kind == kind, "\(fault)")
            #expect(requests.count == 1)
        }
        let (result, requests, _) = try perform(.show) { request in
            let sequence = request.headers["millrace-sequence"].flatMap { UInt64($0) } ?? 0
            return Self.refusal(409, "stale_sequence", sequence: sequence)
        }
        #expect(throws: Fault.self) { try result.get() }
        #expect(requests.map { $0.headers["millrace-sequence"] } == ["1", "2", "3", "4", "5"])
    }

    @Test("Nothing is asked where no host is attached")
    func unattached() throws {
        let folder = try TemporaryFolder()
        do throws(Fault) {
            _ = try VolunteerAccount.perform(.show, folder: folder.path)
            Issue.record("an account without a host")
        } catch {
            #expect(error.kind == .configuration)
        }
    }
}
