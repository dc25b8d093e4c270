import ArgumentParser
import Domain
import Glibc
import ServerCore
import ServerHTTP
import Storage
import StorageS3
import StorageSQLite

/// Where blobs lie: in the data directory, or in a bucket of an S3-compatible service.
struct BlobOptions: ParsableArguments {
    @Option(help: "s3://BUCKET/PREFIX for large blobs. Default: the data directory.")
    var blobs: String?

    @Option(name: .customLong("s3-endpoint"), help: "http(s)://HOST:PORT. Default: Amazon's for the region.")
    var endpoint: String?

    @Option(name: .customLong("s3-region"), help: "Default: AWS_REGION, else us-east-1.")
    var region: String?

    @Option(
        name: .customLong("s3-credentials"),
        help: "A file as ~/.aws/credentials, mode 0600. Default: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.")
    var credentials: String?

    @Flag(
        name: .customLong("s3-all"),
        help: "Blobs of 4 KiB and less go to the bucket, too: for several servers. Costs a request each.")
    var all = false

    /// As the file and the flags together say.
    func with(_ bucket: ServerConfiguration.Bucket) -> BlobOptions {
        var options = self
        (options.blobs, options.endpoint, options.region) = (bucket.blobs, bucket.endpoint, bucket.region)
        (options.credentials, options.all) = (bucket.credentials, bucket.all)
        return options
    }

    /// The blob store of a server. What its blobs lie in is noted in the data directory, so that nobody looks for them
    /// in another place by mistake.
    ///
    /// - Parameter notice: told that a request is sent again.
    /// - Throws: `.configuration` when the bucket cannot be used or is another one than before.
    func open(_ directory: DataDirectory, notice: @escaping @Sendable (String) -> Void) throws -> any BlobStore {
        let note = directory.path + "/blobs-location"
        let before = try Self.noted(note)
        guard let blobs else {
            guard before == nil else {
                throw Fault(
                    .configuration, "the blobs of \(directory.path) lie in \(before ?? "")",
                    advice: "give --blobs and --s3-endpoint as before")
            }
            return directory.blobs
        }
        let environment = { (name: String) in getenv(name).map { String(cString: $0) } }
        let location = try S3Location(
            blobs, endpoint: endpoint, region: region ?? environment("AWS_REGION") ?? "us-east-1")
        let text = "s3://\(location.bucket)/\(location.prefix) at \(location.endpoint)"
        guard before == nil || before == text else {
            throw Fault(
                .configuration, "the blobs of \(directory.path) lie in \(before ?? ""), not in \(text)",
                advice: "copy them there with a tool for S3, then remove \(note)")
        }
        var options = S3BlobStore.Options(smallMax: all ? 0 : 4096)
        options.notice = notice
        let found = try S3Credentials.find(file: credentials, environment: environment)
        do {
            let store = try S3BlobStore(
                location, found, local: directory.blobs, hash: BlobHash.factory, options: options)
            if before == nil { try Self.write(text, to: note) }
            return store
        } catch let error as StoreError {
            throw Fault(
                .configuration, "\(text) cannot be used: \(error)",
                advice: "check the bucket's name, the endpoint and the credentials")
        }
    }

    private static func noted(_ path: String) throws -> String? {
        guard let file = fopen(path, "re") else {
            if errno == ENOENT { return nil }
            throw Fault(.configuration, "cannot read \(path): \(String(cString: strerror(errno)))")
        }
        defer { fclose(file) }
        var bytes = [CChar](repeating: 0, count: 2048)
        guard fgets(&bytes, Int32(bytes.count), file) != nil else { return nil }
        let text = String(decoding: bytes.prefix { $0 != 0 && $0 != 0x0A }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return text.isEmpty ? nil : text
    }

    /// A crash leaves nothing, an empty file, or all: the next start writes it again.
    private static func write(_ text: String, to path: String) throws {
        guard let file = fopen(path, "we"), fputs(text + "\n", file) >= 0, fflush(file) == 0,
            fsync(fileno(file)) == 0, fclose(file) == 0
        else { throw Fault(.cannotWrite, "cannot write \(path): \(String(cString: strerror(errno)))") }
    }
}
