import Foundation
import Testing

/// What the real client takes while it has nothing to do.
@Suite("Idle cost", .placed, .serialized)
struct IdleCostTests {
    /// Measured: 15 MiB, of which 4 are its own and the rest is shared with whoever uses the same libraries; 37 before.
    private static let mebibytesMax = 22.0

    @Test("A client that rests gives back the memory that it needed to start")
    func memory() async throws {
        let site = try Site()
        try await site.startServer()
        try await site.attach("Ada")
        try site.startClient("Ada")
        let client = try #require(site.clients["Ada"])
        // It takes little as well before it has loaded anything.
        try #require(try await eventually { site.logText("Ada.log").contains("sandbox:") })
        var least = Double.infinity
        let isSmall = try await eventually {
            least = min(least, Self.residentMebibytes(client.pid) ?? .infinity)
            return least <= Self.mebibytesMax
        }
        #expect(isSmall, "\(least) MiB")
        // It answers, and ends, as before.
        let status = try await Programs.run("millrace-client", ["pause", "--data", site.folder.path("Ada")])
        #expect(status.status == 0, "\(status.errors)")
        #expect(await client.stop() == 0)
    }

    private static func residentMebibytes(_ process: Int32) -> Double? {
        guard let text = try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8),
            let line = text.split(separator: "\n").first(where: { $0.hasPrefix("VmRSS:") }),
            let kibibytes = line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap({ Double($0) })
        else { return nil }
        return kibibytes / 1024
    }
}
