import Foundation
import Storage
import StorageS3
import StorageSQLite
import TestChild

/// A real S3 server (moto) that checks every signature; see `scripts/s3-server.sh`. One for all tests of this process.
final class S3TestServer: Sendable {
    struct Missing: Error, CustomStringConvertible {
        var description: String {
            "there is no S3 server in .build/s3-server: scripts/s3-server.sh makes one from PyPI"
        }
    }

    static let shared: S3TestServer? = try? S3TestServer()
    /// Set where PyPI must be reachable.
    static let isRequired = ProcessInfo.processInfo.environment["MILLRACE_REQUIRE_S3"] == "1"

    let endpoint: String
    let credentials: S3Credentials
    private let process = TestChild()

    static func required() throws -> S3TestServer {
        guard let shared else { throw Missing() }
        return shared
    }

    private init() throws {
        let python = packageRoot + "/.build/s3-server/bin/python"
        guard FileManager.default.isExecutableFile(atPath: python) else { throw Missing() }
        let line = try process.serve(python, [packageRoot + "/Tests/StorageTests/s3_server.py"])
        let words = line.split(whereSeparator: \.isWhitespace).map(String.init)
        guard words.count == 3 else { throw Missing() }
        endpoint = "http://127.0.0.1:\(words[0])"
        credentials = S3Credentials(keyID: words[1], secret: words[2])
    }

    /// A store under a prefix of its own.
    func store(
        in folder: ScratchFolder, prefix: String = UUID().uuidString, smallMax: Int = 0, endpoint: String? = nil,
        notice: @escaping @Sendable (String) -> Void = { _ in }
    ) throws -> S3BlobStore {
        let local = try FileBlobStore(path: folder.file("local-\(UUID().uuidString)"), hash: sha256, smallMax: smallMax)
        return try store(on: local, prefix: prefix, smallMax: smallMax, endpoint: endpoint, notice: notice)
    }

    func store(
        on local: FileBlobStore, prefix: String, smallMax: Int = 0, endpoint: String? = nil,
        credentials: S3Credentials? = nil, notice: @escaping @Sendable (String) -> Void = { _ in }
    ) throws -> S3BlobStore {
        let location = try S3Location(
            "s3://blobs/\(prefix)", endpoint: endpoint ?? self.endpoint, region: "us-east-1")
        var options = S3BlobStore.Options(smallMax: smallMax)
        options.notice = notice
        options.pause = { _ in }
        return try S3BlobStore(
            location, credentials ?? self.credentials, local: local, hash: sha256, options: options)
    }
}
