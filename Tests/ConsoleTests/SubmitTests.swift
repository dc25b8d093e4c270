import Bytes
import Console
import Domain
import Foundation
import SwiftProtobuf
import Synchronization
import Testing
import Wire

/// The blob and batch side of a server, in memory; can lose the connection after a number of chunks.
final class InputShelf: Sendable {
    struct State {
        var parts: [String: [UInt8]] = [:]
        var submitted: [WireSubmitRequest] = []
        var dropsLeft: Int
        var chunks = 0
    }

    let state: Mutex<State>

    init(drops: Int = 0) {
        state = Mutex(State(dropsLeft: drops))
    }

    func answer(_ request: StandIn.Request) -> StandIn.Answer {
        guard request.headers["authorization"] == "Bearer secret" else { return refusal(401, "bad_token", "no") }
        if request.path.hasPrefix("/v1/blobs/") {
            return blob(String(request.path.dropFirst("/v1/blobs/".count)), request)
        }
        guard request.method == "POST", request.path == "/v1/batches",
            let submit = try? WireSubmitRequest(serializedBytes: request.body)
        else { return .nothing }
        state.withLock { $0.submitted.append(submit) }
        var reply = WireSubmitReply()
        (reply.batchID, reply.project) = (7, "my-search")
        return protobuf(reply)
    }

    private func blob(_ name: String, _ request: StandIn.Request) -> StandIn.Answer {
        state.withLock { state in
            let there = state.parts[name] ?? []
            if request.method == "HEAD" {
                return .reply(204, type: "text/plain", [], headers: ["Upload-Offset": "\(there.count)"])
            }
            guard request.headers["upload-offset"] == "\(there.count)" else {
                return .reply(409, type: "text/plain", [], headers: ["Upload-Offset": "\(there.count)"])
            }
            // An empty chunk only asks for the end.
            if !request.body.isEmpty { state.chunks += 1 }
            state.parts[name] = there + request.body
            if state.dropsLeft > 0 {
                state.dropsLeft -= 1
                return .nothing
            }
            let isWhole = request.headers["upload-length"] == "\(there.count + request.body.count)"
            return .reply(
                isWhole ? 201 : 204, type: "text/plain", [],
                headers: ["Upload-Offset": "\(there.count + request.body.count)"])
        }
    }
}

@Suite struct SubmitTests {
    private func submit(
        _ folder: TemporaryFolder, _ server: StandIn, json: Bool = false
    ) throws -> (code: Int32, screen: Recorder) {
        let client = try client(server.url)
        let recorder = Recorder()
        let code = CommandContext(screen: recorder, asJSON: json).run { (context) throws(Fault) in
            try SubmitCommand(path: folder.path, catalogue: Sample.catalogue, client: client).run(context)
        }
        return (code, recorder)
    }

    @Test(arguments: [0, 1, 2])
    func inputsArriveWholeWhateverBreaks(drops: Int) throws {
        let shelf = InputShelf(drops: drops)
        let server = try StandIn { shelf.answer($0) }
        try TemporaryFolder.with { (folder) throws in
            try Sample.project(in: folder)
            let (code, screen) = try submit(folder, server)
            #expect(code == 0, "\(screen.err)")
            #expect(screen.out.contains("millrace status 7 --watch"))
        }
        let state = shelf.state.withLock { $0 }
        let request = try #require(state.submitted.first)
        #expect(request.manifest == Sample.manifest)
        let input = try #require(request.inputs.first)
        let bytes = try #require(state.parts[Hex.encode(Array(input.sha256))])
        #expect(SHA256Hash.digest(of: bytes).bytes == Array(input.sha256))
        #expect(try TableContainer.decode(bytes)["weight"] == [0.25, 1])
        #expect(state.submitted.count == 1)
    }

    @Test func whatTheServerHasIsNotSentAgain() throws {
        let shelf = InputShelf()
        let server = try StandIn { shelf.answer($0) }
        try TemporaryFolder.with { (folder) throws in
            try Sample.project(in: folder)
            _ = try submit(folder, server)
            let (code, screen) = try submit(folder, server, json: true)
            #expect(code == 0)
            #expect(try object(screen.out)["batch"] as? Int == 7)
            #expect(try DocumentTests.undocumented(screen.out) == [])
        }
        #expect(shelf.state.withLock { $0.chunks } == 1)
    }

    @Test func aProjectWithFaultsIsNotSent() throws {
        let server = try StandIn { _ in .nothing }
        try TemporaryFolder.with { (folder) throws in
            try Sample.project(in: folder)
            try folder.write("project.yaml", Sample.manifest.replacing("steps_per_unit: 4", with: "steps_per_unit: 0"))
            let (code, screen) = try submit(folder, server)
            #expect(code == 65)
            #expect(screen.err.contains("project.yaml:11:19"))
        }
        #expect(server.requests.isEmpty)
    }

    @Test func aSubmissionWhoseAnswerIsLostIsNotRepeated() throws {
        let shelf = InputShelf()
        let server = try StandIn { $0.method == "POST" ? .nothing : shelf.answer($0) }
        try TemporaryFolder.with { (folder) throws in
            try Sample.project(in: folder)
            let (code, screen) = try submit(folder, server)
            #expect(code == 75)
            #expect(screen.err.contains("may have been made"))
        }
        #expect(server.requests.filter { $0.method == "POST" }.count == 1)
    }

    @Test func faultsThatTheServerFindsAreShown() throws {
        let shelf = InputShelf()
        let server = try StandIn { request in
            request.method == "POST"
                ? refusal(422, "bad_manifest", "project.yaml:6:6: `app`: unknown here") : shelf.answer(request)
        }
        try TemporaryFolder.with { (folder) throws in
            try Sample.project(in: folder)
            let (code, screen) = try submit(folder, server)
            #expect(code == 65)
            #expect(screen.err.contains("project.yaml:6:6"))
        }
    }
}
