import Domain

/// Where blobs lie: `s3://BUCKET/PREFIX` at an endpoint.
public struct S3Location: Hashable, Sendable {
    public var bucket: String
    /// Empty, or ends with a slash.
    public var prefix: String
    /// `http` or `https`, without a slash at the end.
    public var endpoint: String
    public var region: String

    /// - Parameters:
    ///   - text: `s3://bucket` or `s3://bucket/prefix`.
    ///   - endpoint: nil: Amazon's for the region.
    /// - Throws: `Fault` of kind `.usage` that says what is wrong.
    public init(_ text: String, endpoint: String?, region: String) throws(Fault) {
        guard text.hasPrefix("s3://") else {
            throw Fault(.usage, "--blobs \(text) is no s3:// address", advice: "for example s3://my-bucket/millrace")
        }
        let parts = text.dropFirst(5).split(separator: "/", omittingEmptySubsequences: false)
        bucket = String(parts.first ?? "")
        let names = parts.dropFirst().filter { !$0.isEmpty }
        let isName = { (c: UInt8) in 0x61...0x7A ~= c || 0x30...0x39 ~= c || c == 0x2D || c == 0x2E }
        guard 3...63 ~= bucket.utf8.count, bucket.utf8.allSatisfy(isName) else {
            throw Fault(
                .usage, "--blobs \(text) names no bucket",
                advice: "3 to 63 lower-case letters, digits, hyphens and dots")
        }
        let isPart = { (c: UInt8) in isName(c) || 0x41...0x5A ~= c || c == 0x5F }
        guard names.allSatisfy({ $0.utf8.allSatisfy(isPart) && $0 != "." && $0 != ".." }), text.utf8.count <= 512
        else {
            throw Fault(.usage, "--blobs \(text) has a prefix that is none", advice: "letters, digits, - _ . and /")
        }
        prefix = names.map { $0 + "/" }.joined()
        guard !region.isEmpty, region.utf8.count <= 64, region.utf8.allSatisfy(isName) else {
            throw Fault(.usage, "--s3-region \(region) is no region", advice: "for example eu-central-1")
        }
        self.region = region
        let address = endpoint ?? "https://s3.\(region).amazonaws.com"
        let host = address.drop { $0 != ":" }.dropFirst(3)
        guard address.hasPrefix("http://") || address.hasPrefix("https://"), !host.isEmpty,
            !host.dropLast(host.hasSuffix("/") ? 1 : 0).contains(where: { "/?#@ ".contains($0) })
        else {
            throw Fault(
                .usage, "--s3-endpoint \(address) is not http://HOST:PORT or https://HOST",
                advice: "no path, and no credentials in it")
        }
        self.endpoint = address.hasSuffix("/") ? String(address.dropLast()) : address
    }

    /// The key of a blob: two levels, as in a folder of blobs.
    public func key(of digest: Digest) -> String { "\(prefix)\(digest.hex.prefix(2))/\(digest.hex)" }
}
