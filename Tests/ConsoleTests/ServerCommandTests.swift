import Bytes
import Console
import Domain
import Foundation
import SwiftProtobuf
import Synchronization
import Testing
import Wire

/// A client whose token is `secret`.
func client(_ url: String, notice: @escaping @Sendable (String) -> Void = { _ in }) throws -> ServerClient {
    try TemporaryFolder.with { (folder) throws in
        let token = try folder.write("token", "secret\n")
        return ServerClient(
            try ServerSettings.resolve(server: url, tokenFile: token), pause: FakePause(), notice: notice)
    }
}

func protobuf(_ message: any SwiftProtobuf.Message, status: Int = 200) -> StandIn.Answer {
    .reply(status, type: "application/x-protobuf", (try? message.serializedBytes()) ?? [])
}

func refusal(_ status: Int, _ code: String, _ message: String) -> StandIn.Answer {
    var reply = WireErrorReply()
    reply.code = code
    reply.message = message
    return protobuf(reply, status: status)
}

func status(_ state: String, done: UInt64 = 3, files: [String] = [], reason: String = "") -> WireBatchStatus {
    var status = WireBatchStatus()
    status.batchID = 7
    status.project = "my-search"
    status.title = "A search"
    status.state = state
    status.reason = reason
    status.unitsTotal = 12
    status.splitFinished = true
    status.unitsValidated = done
    status.unitsActive = 12 - done
    status.unitsPerSecond = 0.5
    status.etaSeconds = Double(12 - done) * 2
    status.createdMs = 1_790_000_000_000
    status.hostsActive = 3
    status.resultFiles = files
    return status
}

@Suite struct ServerCommandTests {
    private func run(
        json: Bool = false, live: Bool = false, width: Int = 80,
        _ command: (CommandContext) throws(Fault) -> Int32
    ) -> (code: Int32, screen: Recorder) {
        let recorder = Recorder(width: width, isLive: live)
        return (CommandContext(screen: recorder, asJSON: json).run(command), recorder)
    }

    private func show(_ client: ServerClient, batch: UInt64? = 7, json: Bool = false) -> (code: Int32, screen: Recorder)
    {
        run(json: json) { (context) throws(Fault) in
            try StatusCommand(client: client, batch: batch, watch: false, pause: FakePause()).run(context)
        }
    }

    // MARK: - What is wrong with a server

    @Test func aServerThatIsDownIsUnreachable() throws {
        let deaf = try DeafPort()
        let port = deaf.port
        let (code, screen) = show(try client("http://127.0.0.1:\(port)"))
        #expect(code == 69)
        #expect(screen.err.contains("127.0.0.1:\(port)"))
        #expect(screen.out == "")
    }

    @Test(arguments: [200, 404, 500])
    func aWebPageIsNoMillraceServer(status: Int) throws {
        let page = StandIn.Answer.reply(status, type: "text/html", Array("<html>Welcome</html>".utf8))
        let server = try StandIn { _ in page }
        let (code, screen) = show(try client(server.url))
        #expect(code == 76)
        #expect(screen.err.contains("web page"))
        #expect(!screen.err.contains("Welcome"))
    }

    @Test func aConnectionDroppedInMidBodyIsTriedAgainThenNamed() throws {
        let server = try StandIn { _ in .half([1, 2, 3]) }
        let notices = Mutex<[String]>([])
        let (code, screen) = show(
            try client(server.url) { notice in notices.withLock { $0.append(notice) } })
        #expect(code == 75)
        #expect(notices.withLock { $0 }.filter { $0.contains("broke") && $0.contains("trying again") }.count == 3)
        #expect(screen.err.contains("broke"))
        #expect(server.requests.count == 4)
    }

    @Test func oneDroppedConnectionIsNotNoticed() throws {
        let count = Mutex(0)
        let server = try StandIn { _ in
            let number = count.withLock { count in
                count += 1
                return count
            }
            return number == 1 ? .half([]) : protobuf(status("running"))
        }
        #expect(show(try client(server.url)).code == 0)
    }

    @Test func aRefusedTokenIsSaidAndNotShown() throws {
        let server = try StandIn { request in
            request.headers["authorization"] == "Bearer secret"
                ? refusal(401, "bad_token", "the token is not this server's") : .nothing
        }
        let (code, screen) = show(try client(server.url))
        #expect(code == 77)
        #expect(screen.err.contains("admin.token"))
        #expect(!screen.err.contains("secret"))
    }

    @Test func nonsenseOfTheRightTypeIsAProtocolError() throws {
        let server = try StandIn { _ in .reply(200, type: "application/x-protobuf", [0xFF, 0xFF, 0xFF]) }
        #expect(show(try client(server.url)).code == 76)
    }

    @Test(arguments: [200, 400, 500])
    func anEmptyBodyIsSaidToBeOne(status: Int) throws {
        let server = try StandIn { _ in .reply(status, type: "text/html", []) }
        for batch in [nil, 7] as [UInt64?] {
            let (code, screen) = show(try client(server.url), batch: batch)
            #expect(code == 76)
            #expect(screen.err.contains("status \(status) with an empty body"), "\(screen.err)")
            #expect(!screen.err.contains("web page"))
        }
    }

    /// An empty body of the right type is a message whose fields are all zero.
    @Test(arguments: [0, 8] as [UInt64])
    func anAnswerAboutAnotherBatchIsAProtocolError(number: UInt64) throws {
        let server = try StandIn { _ in
            var other = status("finished")
            other.batchID = number
            return number == 0 ? .reply(200, type: "application/x-protobuf", []) : protobuf(other)
        }
        let client = try client(server.url)
        let (code, screen) = show(client)
        #expect(code == 76)
        #expect(screen.err.contains("batch \(number), not 7"), "\(screen.err)")
        let (watched, _) = run { (context) throws(Fault) in
            try StatusCommand(client: client, batch: 7, watch: true, pause: FakePause()).run(context)
        }
        let (fetched, _) = run { (context) throws(Fault) in
            try ResultsCommand(client: client, batch: 7, out: nil).run(context)
        }
        let (cancelled, _) = run { (context) throws(Fault) in
            try CancelCommand(client: client, batch: 7).run(context)
        }
        #expect([watched, fetched, cancelled] == [76, 76, 76])
    }

    @Test func aBatchThatIsNotThereIsNoInput() throws {
        let server = try StandIn { _ in refusal(404, "not_found", "there is no batch 7") }
        let (code, screen) = show(try client(server.url))
        #expect(code == 66)
        #expect(screen.err.contains("there is no batch 7"))
    }

    // MARK: - Status

    @Test func statusShowsABatch() throws {
        let server = try StandIn { _ in protobuf(status("running")) }
        let (code, screen) = show(try client(server.url))
        #expect(code == 0)
        #expect(screen.out.contains("3 of 12 validated"))
        #expect(screen.out.contains("0.500 units/s, about 18.0 s to go"))
        #expect(server.requests.map(\.path) == ["/v1/batches/7"])
    }

    @Test(arguments: ["failed", "cancelled"])
    func aBatchWithoutAnAnswerIsANo(state: String) throws {
        let server = try StandIn { _ in protobuf(status(state, reason: "too many errors \u{1B}[2J")) }
        let (code, screen) = show(try client(server.url))
        #expect(code == 1)
        #expect(screen.out.contains("too many errors ?[2J"))
    }

    @Test func jsonKeysAreStableAndDocumented() throws {
        let server = try StandIn { _ in protobuf(status("running")) }
        let (_, screen) = show(try client(server.url), json: true)
        let keys = [
            "app", "batch", "created_ms", "eta_seconds", "finished_ms", "fraction", "hosts_active", "project", "reason",
            "result_files", "split_finished", "state", "tasks_done", "tasks_out", "title", "units_active",
            "units_cancelled", "units_comparing", "units_failed", "units_per_second", "units_provisional",
            "units_ready", "units_total", "units_validated",
        ]
        #expect(try object(screen.out).keys.sorted() == keys)
        #expect(try DocumentTests.undocumented(screen.out) == [])
    }

    @Test func allBatchesAreATable() throws {
        let server = try StandIn { _ in
            var list = WireBatchList()
            list.batches = [status("finished", done: 12), status("running")]
            list.logTrouble = "7 leaves not published"
            return protobuf(list)
        }
        let (code, screen) = show(try client(server.url), batch: nil)
        #expect(code == 0)
        #expect(screen.out.split(separator: "\n").count == 4)
        #expect(screen.out.hasSuffix("The public log is behind: 7 leaves not published\n"))
    }

    private func watch(
        _ states: [StandIn.Answer], json: Bool = false, live: Bool = false, width: Int = 80
    ) throws -> (code: Int32, screen: Recorder) {
        let left = Mutex(states)
        let server = try StandIn { _ in left.withLock { $0.count > 1 ? $0.removeFirst() : $0[0] } }
        let client = try client(server.url)
        return run(json: json, live: live, width: width) { (context) throws(Fault) in
            try StatusCommand(client: client, batch: 7, watch: true, pause: FakePause()).run(context)
        }
    }

    @Test func watchingEndsWithTheBatch() throws {
        let running = (0..<12).map { protobuf(status("running", done: $0)) }
        let (code, screen) = try watch(running + [protobuf(status("finished", done: 12))])
        #expect(code == 0)
        let lines = screen.out.split(separator: "\n")
        #expect(lines.filter { $0.hasPrefix("batch 7 running") }.count == 12)
        #expect(screen.out.hasSuffix("millrace results 7\n"))
        #expect(!screen.out.unicodeScalars.contains("\u{1B}"))
    }

    @Test func watchingAFailureEndsWithOne() throws {
        #expect(try watch([protobuf(status("running")), protobuf(status("failed"))]).code == 1)
        #expect(try watch([protobuf(status("cancelled"))]).code == 1)
    }

    @Test func watchingOutlastsARestartOfTheServer() throws {
        let gone = Array(repeating: StandIn.Answer.nothing, count: 30)
        let (code, screen) = try watch([protobuf(status("running"))] + gone + [protobuf(status("finished", done: 12))])
        #expect(code == 0)
        #expect(screen.err.split(separator: "\n").filter { $0.contains("asking again") }.count == 1)
    }

    @Test func watchingForeverAServerThatIsGoneEnds() throws {
        let (code, _) = try watch([protobuf(status("running")), .nothing])
        #expect(code == 75)
    }

    @Test(arguments: [20, 40, 80, 200])
    func aWatchedTerminalIsNeverWrapped(width: Int) throws {
        let states = [protobuf(status("running")), protobuf(status("finished", done: 12))]
        let (code, screen) = try watch(states, live: true, width: width)
        #expect(code == 0)
        let drawn = screen.out.components(separatedBy: "\u{1B}")[0]
        #expect(drawn.split(separator: "\n").allSatisfy { Printable.width(String($0)) < width })
        #expect(screen.out.contains("\u{1B}[3A"))
    }

    @Test func watchingAsJSONIsALinePerChange() throws {
        let states = ["running", "running", "finished"].map { protobuf(status($0)) }
        let (_, screen) = try watch(states, json: true)
        let lines = screen.out.split(separator: "\n").map(String.init)
        #expect(try lines.map { try object($0)["state"] as? String } == ["running", "finished"])
    }

    // MARK: - Results and cancelling

    @Test func resultsAreWrittenAndSummarised() throws {
        let server = try StandIn { request in
            switch request.path {
            case "/v1/batches/7": protobuf(status("finished", done: 12, files: ["candidates.csv", "summary.txt"]))
            case "/v1/batches/7/results/candidates.csv": .reply(200, type: "text/csv", Array("a,b\n1,2\n".utf8))
            case "/v1/batches/7/results/summary.txt": .reply(200, type: "text/plain", Array("found \u{1B}it\n".utf8))
            default: .nothing
            }
        }
        let client = try client(server.url)
        try TemporaryFolder.with { (folder) throws in
            let (code, screen) = run { (context) throws(Fault) in
                try ResultsCommand(client: client, batch: 7, out: folder.path + "/deep/answer/").run(context)
            }
            #expect(code == 0)
            #expect(try folder.text("deep/answer/candidates.csv") == "a,b\n1,2\n")
            #expect(screen.out.hasSuffix("\nfound ?it\n"))
            func again() -> (Int32, Recorder) {
                run(json: true) { (context) throws(Fault) in
                    try ResultsCommand(client: client, batch: 7, out: folder.path + "/deep/answer").run(context)
                }
            }
            let (same, json) = again()
            #expect(same == 0)
            #expect(try DocumentTests.undocumented(json.out) == [])
            try folder.write("deep/answer/summary.txt", "my own notes")
            let (edited, refusal) = again()
            #expect(edited == 73)
            #expect(refusal.err.contains("deep/answer/summary.txt"))
            #expect(try folder.text("deep/answer/summary.txt") == "my own notes")
        }
    }

    @Test(arguments: ["../evil", "a/b", ".hidden", "x\ny", ""])
    func fileNamesCannotLeaveTheFolder(name: String) throws {
        let server = try StandIn { _ in protobuf(status("finished", files: [name])) }
        let client = try client(server.url)
        try TemporaryFolder.with { (folder) throws in
            let (code, _) = run { (context) throws(Fault) in
                try ResultsCommand(client: client, batch: 7, out: folder.path + "/out").run(context)
            }
            #expect(code == 76)
            #expect(!FileManager.default.fileExists(atPath: folder.path + "/evil"))
        }
    }

    @Test func aFileThatBreaksOffIsNotWritten() throws {
        let server = try StandIn { request in
            request.path == "/v1/batches/7" ? protobuf(status("finished", files: ["a"])) : .half([1])
        }
        let client = try client(server.url)
        try TemporaryFolder.with { (folder) throws in
            let (code, _) = run { (context) throws(Fault) in
                try ResultsCommand(client: client, batch: 7, out: folder.path).run(context)
            }
            #expect(code == 75)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == [])
        }
    }

    @Test func aRunningBatchHasNoAnswerYet() throws {
        let server = try StandIn { _ in protobuf(status("running")) }
        let client = try client(server.url)
        let (code, screen) = run { (context) throws(Fault) in
            try ResultsCommand(client: client, batch: 7, out: nil).run(context)
        }
        #expect(code == 1)
        #expect(screen.err.contains("status 7 --watch"))
    }

    @Test func aWebPageInPlaceOfAFileIsNotWritten() throws {
        let server = try StandIn { request in
            request.path == "/v1/batches/7"
                ? protobuf(status("finished", files: ["a.csv"])) : .reply(200, type: "text/html", [1])
        }
        let client = try client(server.url)
        try TemporaryFolder.with { (folder) throws in
            let (code, _) = run { (context) throws(Fault) in
                try ResultsCommand(client: client, batch: 7, out: folder.path).run(context)
            }
            #expect(code == 76)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == [])
        }
    }

    @Test func resultsDoNotGoWhereAFileIs() throws {
        let server = try StandIn { _ in protobuf(status("finished", files: ["a.csv"])) }
        let client = try client(server.url)
        try TemporaryFolder.with { (folder) throws in
            let file = try folder.write("file", "x")
            let (code, screen) = run { (context) throws(Fault) in
                try ResultsCommand(client: client, batch: 7, out: file).run(context)
            }
            #expect(code == 73)
            #expect(screen.err.contains("is no folder"))
        }
    }

    @Test(arguments: ["finished", "failed", "cancelled"])
    func cancellingWhatHasEndedIsANoWithoutAsking(state: String) throws {
        let server = try StandIn { _ in protobuf(status(state)) }
        let client = try client(server.url)
        let (code, screen) = run { (context) throws(Fault) in
            try CancelCommand(client: client, batch: 7).run(context)
        }
        #expect(code == 1)
        #expect(screen.err.contains("has ended already: it is \(state)"))
        #expect(server.requests.allSatisfy { $0.method == "GET" })
    }

    @Test func cancellingABatchThatEndsMeanwhileIsANo() throws {
        let server = try StandIn { request in
            request.method == "POST" && request.path == "/v1/batches/7/cancel"
                ? refusal(409, "wrong_state", "batch 7 has ended: finished") : protobuf(status("running"))
        }
        let client = try client(server.url)
        let (code, screen) = run { (context) throws(Fault) in
            try CancelCommand(client: client, batch: 7).run(context)
        }
        #expect(code == 1)
        #expect(screen.err.contains("has ended"))
    }
}
