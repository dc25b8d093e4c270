import Foundation
import Testing

/// A volunteer looks at his client with the real programs.
@Suite("Looking at a client", .placed, .serialized)
struct LookingTests {
    @Test("top without a terminal, the page's address, and the history of what was computed")
    func looking() async throws {
        let site = try Site()
        try await site.startServer()
        let submitted = try await site.millrace(["submit", try SmallProject.make(in: site.folder)])
        try #require(submitted.status == 0, "submit: \(submitted.errors)")
        try await site.attach("Ada")
        let before = try await client(site, ["page"])
        #expect(before.status == 69 && before.errors.contains("no client runs"), "\(before.errors)")
        try site.startClient("Ada")
        let hasDelivered = try await eventually {
            let history = try await client(site, ["history", "--json"])
            let object = try? JSONSerialization.jsonObject(with: Data(history.output.utf8)) as? [String: Any]
            let total = object?.list("projects").first?["total"] as? [String: Any]
            return (total?.number("results") ?? 0) >= 1 && (total?.number("cpuSeconds") ?? 0) > 0
        }
        #expect(hasDelivered, "\(site.logText("Ada.log"))")
        let frame = try await client(site, ["top"])
        #expect(frame.status == 0 && frame.output.hasPrefix("Millrace"), "\(frame.output) \(frame.errors)")
        #expect(frame.output.contains("Test site") && !frame.output.contains("\u{1B}"))
        let page = try await client(site, ["page"])
        #expect(page.output.contains(/^http:\/\/127\.0\.0\.1:[0-9]+\/[0-9a-f]{32}\/open\?token=[0-9a-f]{64}\n$/))
        #expect(try await client(site, ["page"]).output != page.output, "each address is good once")
        #expect(await site.clients["Ada"]?.stop() == 0)
        // Nothing of it is gone with the client.
        let text = try await client(site, ["history"])
        #expect(text.output.contains("Test site") && text.output.contains("cobblestones"))
        let gone = try await client(site, ["top"])
        #expect(gone.status == 0 && gone.output.contains("waiting for one."))
    }

    private func client(_ site: Site, _ arguments: [String]) async throws -> Programs.Outcome {
        try await Programs.run("millrace-client", arguments + ["--data", site.folder.path("Ada")])
    }
}
