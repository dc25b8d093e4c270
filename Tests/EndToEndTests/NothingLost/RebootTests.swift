import Foundation
import TestChild
import Testing

/// The computer goes down in the middle of an upload, and comes up with other processes under the old numbers.
@Suite("Nothing is lost: reboot", .placed, .serialized)
struct RebootTests {
    /// The server writes an upload down in pieces of this size.
    private static let piece: Int64 = 1 << 20

    @Test("In mid-upload: sockets and locks of the time before do no harm, nor do old process numbers; it goes on")
    func midUpload() async throws {
        let site = try Site()
        try await site.startServer()
        let project = try LargeProject.uploading.make(in: site.folder)
        try #require(try await site.millrace(["submit", project]).status == 0)
        let data = site.folder.path("Ada")
        try await site.attach("Ada")
        try "network:\n  upload: 512 KiB/s\n"
            .write(toFile: data + "/preferences.yaml", atomically: true, encoding: .utf8)
        try site.startClient("Ada")
        let uploads = site.folder.path("server/blobs/uploads")
        let upload: @Sendable () -> String? = { Interrupter.file(in: uploads, prefix: "t") }
        let client = try #require(site.clients["Ada"])
        let kept = try await Interrupter.kill(client.pid, when: Self.piece, upload)
        // What the next start finds: a socket nobody listens on, and a lock with the number of somebody else.
        #expect(FileManager.default.fileExists(atPath: data + "/control"))
        let stranger = TestChild()
        try stranger.run("/bin/sleep", ["1000"], outputPath: "/dev/null", errorPath: "/dev/null")
        let slots = site.projectFolder("Ada") + "/slots"
        for task in try FileManager.default.contentsOfDirectory(atPath: slots) {
            try "\(stranger.processIdentifier)\n"
                .write(toFile: "\(slots)/\(task)/lock", atomically: false, encoding: .utf8)
        }
        for lock in [data + "/lock", site.projectFolder("Ada") + "/lock"] {
            try "\(stranger.processIdentifier)\n".write(toFile: lock, atomically: false, encoding: .utf8)
        }
        try site.startClient("Ada")
        let finished = try await site.millrace(["status", "1", "--watch"], limitSeconds: 600)
        #expect(finished.status == 0, "\(finished.output) \(site.logText("Ada.log"))")
        #expect(stranger.isRunning)
        #expect(kept >= Self.piece)
        #expect(FrailHost.failures(in: site.logText("Ada.log")).isEmpty, "\(site.logText("Ada.log"))")
        let credit = try await site.json(["report", "credit"])
        #expect(credit.list("hosts").first?.number("valid") == 1 && credit["balanced"] as? Bool == true, "\(credit)")
        #expect(await site.clients["Ada"]?.stop() == 0)
        kill(stranger.processIdentifier, SIGKILL)
        stranger.waitUntilExit()
    }
}
