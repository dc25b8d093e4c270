import Bytes
import CPosix
import ClientCore
import ClientSystem
import Domain
import Foundation
import Glibc
import SwiftProtobuf
import Testing
import Wire
import WorkerHost

/// A volunteer's computers, erasing, and exports, against servers that also misbehave.
@Suite("Volunteers: links, erasing, exports")
struct VolunteerTests {
    private static let project = SigningKey()

    private static func answer(_ status: Int, _ message: some SwiftProtobuf.Message) -> TinyServer.Answer {
        .respond(
            status, headers: ["Content-Type": HTTPResponse.protobuf],
            body: (try? message.serializedBytes()) ?? [])
    }

    private static func refusal(
        _ status: Int, _ code: String, sequence: UInt64 = 0, headers: [String: String] = [:]
    ) -> TinyServer.Answer {
        var reply = WireErrorReply()
        (reply.code, reply.message, reply.sequence) = (code, "because", sequence)
        return .respond(
            status, headers: headers.merging(["Content-Type": HTTPResponse.protobuf]) { $1 },
            body: (try? reply.serializedBytes()) ?? [])
    }

    /// A client's folder with one project, attached to a server. - Returns: the project's folder.
    private static func attach(_ folder: TemporaryFolder, to server: TinyServer) throws -> String {
        let data = folder.path + "/client"
        _ = try DataDirectory(path: data)
        let path = ProjectNames.path(ProjectNames.name(for: server.url), in: data)
        let directory = try ProjectDirectory(path: path)
        _ = try directory.hostKey(makingOne: true)
        try directory.save(
            ClientState.Attachment(
                serverURL: server.url, site: "Test \"site\"", projectKey: project.publicKey.rawRepresentation,
                host: HostID(rawValue: 3), volunteerName: "Ada"))
        directory.release()
        return path
    }

    private static func fault(_ body: () throws(Fault) -> Void) -> Fault? {
        do throws(Fault) { try body() } catch { return error }
        return nil
    }

    // MARK: Links

    @Test("A new code is said as people copy it; what is no code is refused")
    func code() throws {
        var reply = WireAccountReply()
        reply.linkCode = "K7QF-2M9T"
        let lines = try VolunteerHosts.codeLines(reply, serverURL: "http://here")
        #expect(lines.contains("code  K7QF-2M9T"))
        #expect(lines.contains("use   millrace-client attach http://here --link K7QF-2M9T"))
        reply.linkCode = "rm -rf ~"
        let fault = Self.fault { () throws(Fault) in _ = try VolunteerHosts.codeLines(reply, serverURL: "http://here") }
        #expect(fault?.kind == .protocolError)
    }

    @Test("The list of hosts is a table, whatever names and times are in it")
    func table() {
        var reply = WireAccountReply()
        for (number, name) in [(1, "desk"), (7, "👩‍🔬 lab"), (8, "")] as [(UInt64, String)] {
            var host = WireHostEntry()
            (host.hostID, host.name, host.manages) = (number, name, number == 1)
            host.lastSeenMs = number == 8 ? .max : 1_700_000_000_000 - number * 3_600_000
            host.creditMicrocobblestones = Int64(number) * 1_234_567
            host.tasksOut = number == 7 ? 2 : 0
            reply.hosts.append(host)
        }
        let lines = VolunteerHosts.lines(reply, own: HostID(rawValue: 1), nowMs: 1_700_000_000_000)
        #expect(lines.count == 4 && lines[0].hasPrefix("host  name"))
        #expect(lines[1].hasSuffix("this computer, manages the account") && lines[1].contains("60 minutes ago"))
        #expect(lines[2].contains("7 hours ago") && lines[2].contains("8.642") && lines[2].hasSuffix("2 tasks out"))
        #expect(lines[3].contains("now"), "a clock that is ahead")
    }

    @Test("Registering with a code sends no name; a refused code keeps its reason")
    func registering() throws {
        let server = try TinyServer { request in
            guard let asked = try? WireRegisterRequest(serializedBytes: request.body), asked.linkCode == "K7QF-2M9T",
                asked.volunteerName.isEmpty
            else { return Self.refusal(400, "bad_request") }
            return Self.refusal(403, "bad_link_code")
        }
        let link = ServerLink(transport: HTTPTransport(userAgent: "test"), serverURL: server.url)
        let profile = HostProfile.erased
        let fault = Self.fault { () throws(Fault) in
            _ = try link.register(
                volunteer: "Ada", linkCode: LinkCode("k7qf2m9t"), profile: profile, key: SigningKey())
        }
        #expect(fault?.kind == .refused && fault?.message == "because")
    }

    // MARK: Erasing

    private static func statement(_ volunteer: UInt64, by key: SigningKey) -> WireEraseReply {
        var statement = WireErasureStatement()
        (statement.volunteerID, statement.erasedMs, statement.hosts) = (volunteer, 1_700_000_000_000, 2)
        var reply = WireEraseReply()
        reply.statement = (try? statement.serializedBytes()) ?? Data()
        reply.signature = Data(key.sign(ErasureSignature.message(statement: Array(reply.statement))))
        return reply
    }

    @Test("Erasing asks the server, keeps its signed word, and removes everything else")
    func erasing() throws {
        let server = try TinyServer { request in
            if request.headers["millrace-sequence"] != "9" { return Self.refusal(409, "stale_sequence", sequence: 8) }
            return Self.answer(200, Self.statement(17, by: Self.project))
        }
        let folder = try TemporaryFolder()
        let path = try Self.attach(folder, to: server)
        let key = try ProjectDirectory.credentials(in: path).key.publicKey
        let data = folder.path + "/client"
        let (_, losses) = try Attachment.detach(nil, data: data, force: false, parting: .erase)
        #expect(losses.erasure?.volunteer == 17)
        #expect(server.requests.map(\.path) == ["/v1/erase", "/v1/erase"])
        let sent = try #require(server.requests.last)
        #expect(try WireEraseRequest(serializedBytes: sent.body).publicKey == Data(key.rawRepresentation))
        let signed = RequestSignature.message(method: "POST", path: "/v1/erase", sequence: 9, body: sent.body)
        #expect(key.isValid(signature: Hex.decode(sent.headers["millrace-signature"] ?? "") ?? [], for: signed))
        #expect(try Files.names(in: path) == ["erased.json"])
        let kept = try JSONDecoder().decode(Erasure.self, from: Data(Files.read(path + "/erased.json", limit: 10_000)))
        #expect(kept == losses.erasure)
        let word = try #require(Hex.decode(kept.statement))
        #expect(
            Self.project.publicKey.isValid(
                signature: Hex.decode(kept.signature) ?? [], for: ErasureSignature.message(statement: word)))
    }

    @Test("A word that the project did not sign, or a refusal, leaves everything as it is")
    func unsigned() throws {
        var other = Self.statement(17, by: SigningKey())
        var cut = Self.statement(17, by: Self.project)
        cut.statement.removeLast()
        var nobody = Self.statement(0, by: Self.project)
        nobody.signature = Data(Self.project.sign(ErasureSignature.message(statement: Array(nobody.statement))))
        other.signature.append(0)
        let cases: [(TinyServer.Answer, FaultKind)] = [
            (Self.answer(200, Self.statement(17, by: SigningKey())), .protocolError),
            (Self.answer(200, other), .protocolError), (Self.answer(200, cut), .protocolError),
            (Self.answer(200, nobody), .protocolError), (Self.answer(200, WireEraseReply()), .protocolError),
            (Self.refusal(409, "wrong_state"), .negative), (Self.refusal(403, "unknown_host"), .refused),
            (Self.refusal(503, "unavailable"), .interrupted), (.raw([]), .interrupted),
        ]
        for (number, (answer, kind)) in cases.enumerated() {
            let server = try TinyServer { _ in answer }
            let folder = try TemporaryFolder()
            let path = try Self.attach(folder, to: server)
            let fault = Self.fault { () throws(Fault) in
                _ = try Attachment.detach(nil, data: folder.path + "/client", force: true, parting: .erase)
            }
            #expect(fault?.kind == kind, "case \(number): \(String(describing: fault))")
            #expect(Files.exists(path + "/host.key") && Files.exists(path + "/identity.json"), "case \(number)")
            #expect(!Files.exists(path + "/erased.json"), "case \(number)")
        }
    }

    @Test("Cut short after any removal, the command finishes when it is written again")
    func cutShort() throws {
        let server = try TinyServer { request in
            request.path == "/v1/erase"
                ? Self.answer(200, Self.statement(17, by: Self.project)) : Self.refusal(403, "erased")
        }
        for gone in [[], ["slots"], ["slots", "state"], ["slots", "state", "host.key"]] {
            let folder = try TemporaryFolder()
            let path = try Self.attach(folder, to: server)
            let data = folder.path + "/client"
            let identity = try Files.read(path + "/identity.json", limit: 10_000)
            _ = try Attachment.detach(nil, data: data, force: false, parting: .erase)
            // As it lay there before the last removals.
            try Files.makeFolder(path + "/slots")
            try Files.replace(path + "/identity.json", with: identity)
            if !gone.contains("host.key") {
                let key = Hex.encode(SigningKey().rawRepresentation)
                try Files.replace(path + "/host.key", with: Array(key.utf8))
            }
            for name in gone { try Files.remove("\(path)/\(name)") }
            let (_, losses) = try Attachment.detach(nil, data: data, force: false, parting: .erase)
            #expect(losses.erasure?.volunteer == 17, "\(gone)")
            #expect(try Files.names(in: path) == ["erased.json"], "\(gone)")
        }
    }

    @Test("A host that leaves says so, and leaves all the same where nobody listens")
    func farewell() throws {
        let server = try TinyServer { _ in
            var reply = WireAccountReply()
            reply.volunteerID = 7
            return Self.answer(200, reply)
        }
        let folder = try TemporaryFolder()
        _ = try Self.attach(folder, to: server)
        _ = try Attachment.detach(nil, data: folder.path + "/client", force: false)
        let said = try server.requests.map { try WireAccountRequest(serializedBytes: $0.body) }
        #expect(said.map(\.action) == [.accountRemoveHost] && said.map(\.hostID) == [3])
        let deaf = try TinyServer { _ in .raw([]) }
        let other = try TemporaryFolder()
        let path = try Self.attach(other, to: deaf)
        let (_, losses) = try Attachment.detach(nil, data: other.path + "/client", force: false)
        #expect(losses.untold == nil && losses.open.isEmpty && !Files.exists(path))
    }

    // MARK: Exports

    /// Answers requests for pages as `pages` says.
    private static func exporter(
        _ pages: @escaping @Sendable (WireExportRequest) -> TinyServer.Answer
    ) throws -> TinyServer {
        try TinyServer { request in
            guard request.path == "/v1/export", let asked = try? WireExportRequest(serializedBytes: request.body) else {
                return refusal(404, "not_found")
            }
            return pages(asked)
        }
    }

    private static func page(_ asked: WireExportRequest) -> WireExportReply {
        var page = WireExportReply()
        page.schemaVersion = 1
        switch asked.section {
        case .exportAccount:
            page.account.volunteerID = 7
            page.account.name = "Ada \"the Countess\"\n<script>"
            page.account.creditMicrocobblestones = 9_007_199_254_740_993
        case .exportHosts:
            var host = WireExportedHost()
            host.hostID = 3
            page.hosts = [host]
        case .exportTasks:
            // Two full pages, an empty one, and the last.
            let rows: [UInt64: [UInt64]] = [0: [1, 2], 2: [3, 4], 4: [], 9: [10]]
            page.tasks = (rows[asked.after] ?? []).map { number in
                var task = WireExportedTask()
                (task.taskID, task.state) = (number, "valid")
                return task
            }
            page.next = [0: 2, 2: 4, 4: 9][asked.after] ?? 0
        case .exportCredit, .UNRECOGNIZED: break
        }
        return page
    }

    @Test("An export is one JSON file, complete, readable by its owner, without the private key")
    func export() throws {
        let server = try Self.exporter { Self.answer(200, Self.page($0)) }
        let folder = try TemporaryFolder()
        let path = try Self.attach(folder, to: server)
        let data = folder.path + "/client"
        try Files.replace(data + "/preferences.yaml", with: Array("preset: quiet\n".utf8))
        let file = folder.path + "/me.json"
        var said: [String] = []
        try VolunteerExport.write(file, folder: path, data: data) { said.append($0) }
        #expect(said == ["account: 1", "hosts: 1", "tasks: 5", "credit entries: 0"])
        let bytes = try Files.read(file, limit: 1 << 20)
        let object = try #require(try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
        #expect(object["schema"] as? String == "millrace-export" && object["version"] as? Int == 1)
        let told = try #require(object["server"] as? [String: Any])
        let account = try #require(told["account"] as? [String: Any])
        #expect(account["name"] as? String == "Ada \"the Countess\"\n<script>")
        #expect(account["credit_microcobblestones"] as? Int64 == 9_007_199_254_740_993)
        #expect(told["site"] as? String == "Test \"site\"")
        #expect((told["tasks"] as? [[String: Any]])?.map { $0["task_id"] as? Int } == [1, 2, 3, 4, 10])
        #expect((told["credit"] as? [Any])?.isEmpty == true)
        let local = try #require(object["local"] as? [String: Any])
        #expect(local["preferences"] as? String == "preset: quiet\n")
        #expect((local["identity"] as? [String: Any])?["host_id"] as? Int == 3)
        let key = String(decoding: try Files.read(path + "/host.key", limit: 256), as: UTF8.self).prefix(64)
        #expect(!String(decoding: bytes, as: UTF8.self).contains(key))
        var status = stat()
        #expect(stat(file, &status) == 0 && status.st_mode & 0o777 == 0o600)
        // Only the first page had to ask for the counter; none was asked for twice.
        #expect(server.requests.count == 7)
        #expect(server.requests.map { $0.headers["millrace-sequence"] } == (1...7).map { "\($0)" })
    }

    @Test("A server that leads in a circle, refuses or speaks another version leaves no file behind")
    func badExports() throws {
        let cases: [(FaultKind, @Sendable (WireExportRequest) -> TinyServer.Answer)] = [
            (
                .protocolError,
                { asked in
                    var page = Self.page(asked)
                    if asked.section == .exportTasks { page.next = 2 }
                    return Self.answer(200, page)
                }
            ),
            (
                .protocolError,
                { asked in
                    var page = Self.page(asked)
                    page.schemaVersion = 2
                    return Self.answer(200, page)
                }
            ),
            (.protocolError, { _ in Self.answer(200, WireExportReply()) }),
            (.negative, { _ in Self.refusal(409, "wrong_state") }),
            (
                .refused,
                { asked in
                    asked.section == .exportCredit
                        ? Self.refusal(403, "erased") : Self.answer(200, Self.page(asked))
                }
            ),
        ]
        for (number, (kind, pages)) in cases.enumerated() {
            let server = try Self.exporter(pages)
            let folder = try TemporaryFolder()
            let path = try Self.attach(folder, to: server)
            let out = folder.path + "/out"
            try Files.makeFolder(out)
            try Files.replace(out + "/me.json", with: Array("old".utf8))
            let fault = Self.fault { () throws(Fault) in
                try VolunteerExport.write(out + "/me.json", folder: path, data: folder.path + "/client")
            }
            #expect(fault?.kind == kind, "case \(number): \(String(describing: fault))")
            #expect(try Files.names(in: out) == ["me.json"], "case \(number)")
            #expect(try Files.read(out + "/me.json", limit: 10) == Array("old".utf8), "case \(number)")
        }
    }

    @Test("A page that must wait its turn is asked for again")
    func waiting() throws {
        let asked = Counter()
        let server = try Self.exporter { request in
            asked.next() == 2
                ? Self.refusal(429, "too_many_requests", headers: ["Retry-After": "0"])
                : Self.answer(200, Self.page(request))
        }
        let folder = try TemporaryFolder()
        let path = try Self.attach(folder, to: server)
        try VolunteerExport.write(folder.path + "/me.json", folder: path, data: folder.path + "/client")
        #expect(server.requests.count == 8)
    }

    @Test("A folder that is not there is named, and nothing is asked")
    func noFolder() throws {
        let server = try Self.exporter { Self.answer(200, Self.page($0)) }
        let folder = try TemporaryFolder()
        let path = try Self.attach(folder, to: server)
        let fault = Self.fault { () throws(Fault) in
            try VolunteerExport.write(folder.path + "/no/me.json", folder: path, data: folder.path + "/client")
        }
        #expect(fault?.kind == .noInput && fault?.message.contains("/no/me.json") == true)
        #expect(server.requests.isEmpty)
    }
}

/// Counts from 1, whoever asks.
private final class Counter: @unchecked Sendable {
    private var count = 0
    private let lock = NSLock()

    func next() -> Int {
        lock.lock()
        defer { lock.unlock() }
        count += 1
        return count
    }
}
