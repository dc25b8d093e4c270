import Foundation
import TestChild
import Testing

/// A real S3 server (moto) with one bucket, as `scripts/s3-server.sh` makes it; ends when it goes out of sight.
final class S3Service {
    let endpoint: String
    let environment: [String: String]
    private let process = TestChild()

    static let python = repositoryRoot.appending(path: ".build/s3-server/bin/python").path
    static var isThere: Bool { FileManager.default.isExecutableFile(atPath: python) }

    init() throws {
        let script = repositoryRoot.appending(path: "Tests/StorageTests/s3_server.py").path
        let line = try process.serve(S3Service.python, [script])
        let words = line.split(whereSeparator: \.isWhitespace).map(String.init)
        try #require(words.count == 3, "the S3 server did not start: \(line)")
        endpoint = "http://127.0.0.1:\(words[0])"
        environment = ["AWS_ACCESS_KEY_ID": words[1], "AWS_SECRET_ACCESS_KEY": words[2]]
    }

    deinit { process.endInput() }
}

@Suite(
    "Blobs in a bucket", .placed, .serialized,
    .enabled(if: S3Service.isThere, "no S3 server: see scripts/s3-server.sh"))
struct BucketTests {
    @Test("The whole way with inputs and results in a bucket, the server killed while it sends one there")
    func wholeWay() async throws {
        let service = try S3Service()
        let site = try Site()
        let project = try LargeProject.middling.make(in: site.folder)
        let place = ["--blobs", "s3://blobs/site", "--s3-endpoint", service.endpoint]
        site.serverArguments = place
        site.serverEnvironment = service.environment
        try await site.startServer()
        let submit = try Running(
            "millrace", ["submit", project],
            environment: ["MILLRACE_SERVER": site.url, "MILLRACE_TOKEN_FILE": site.token],
            outputPath: site.folder.path("submit.log"), errorPath: site.folder.path("submit.log"))
        let folder = site.folder.path("server/blobs/uploads")
        let server = try #require(site.server)
        let kept = try await Interrupter.kill(server.pid, when: Int64(LargeProject.middling.bytes)) {
            Interrupter.file(in: folder, prefix: "b")
        }
        #expect(kept == Int64(LargeProject.middling.bytes), "the upload is whole, whatever is in the bucket")
        try await site.startServer()
        if await submit.wait(limitSeconds: 120) != 0 {
            let again = try await site.millrace(["submit", project])
            #expect(again.status == 0, "\(again.errors)")
        }
        #expect((try? FileManager.default.contentsOfDirectory(atPath: folder)) == [], "it lies in the bucket now")
        try await site.attach("Ada")
        try site.startClient("Ada", cores: 2)
        let finished = try await site.millrace(["status", "1", "--watch"], limitSeconds: 600)
        #expect(finished.status == 0, "\(finished.output) \(site.logText("server.log")) \(site.logText("Ada.log"))")
        #expect(await site.clients["Ada"]?.stop() == 0)
        #expect(await site.server?.stop() == 0)

        let data = ["fsck", "--data", site.folder.path("server")]
        func fsck(_ options: [String]) async throws -> Programs.Outcome {
            try await Programs.run("millrace-server", data + options, environment: service.environment)
        }
        let found = try await fsck(place + ["--deep"])
        #expect(found.status == 0, "\(found.output) \(found.errors)")
        let elsewhere = try await fsck([])
        #expect(elsewhere.status == 78 && elsewhere.errors.contains("s3://blobs/site/"), "\(elsewhere.errors)")
        let other = try await fsck(["--blobs", "s3://blobs/other", "--s3-endpoint", service.endpoint])
        #expect(other.status == 78, "\(other.errors)")
        let secret = try #require(service.environment["AWS_SECRET_ACCESS_KEY"])
        #expect(!site.logText("server.log").contains(secret))
    }
}
