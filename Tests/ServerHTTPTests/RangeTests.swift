import Bytes
import Domain
import Foundation
import FoundationNetworking
import ServerCore
import Storage
import StorageSQLite
import Testing

/// What RFC 9110 says of ranges and conditions, for blobs that lie in files and go out by `sendfile`, and for others.
@Suite("Ranges of blobs")
struct RangeTests {
    private static let size = 3_000_000
    private let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 * 31 >> 3) }

    /// A server on blobs as files, and one on blobs in memory.
    private func withSites(_ body: (LiveSite, String) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "millrace-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let stores: [any BlobStore] = [
            try FileBlobStore(path: folder.path, hash: BlobHash.factory), MemoryBlobStore(hash: BlobHash.factory),
        ]
        for blobs in stores {
            let digest = try blobs.put(bytes)
            try await withSite(blobs: blobs) { try await body($0, digest.hex) }
        }
    }

    @Test("Parts from anywhere are those bytes and no others")
    func parts() async throws {
        try await withSites { site, name in
            let path = "/v1/blobs/\(name)"
            #expect(try await site.probe.send("GET", path).body == bytes)
            let size = Self.size
            let cases: [(String, Range<Int>)] = [
                ("bytes=0-0", 0..<1), ("bytes=1-2999998", 1..<2_999_999), ("bytes=700001-1700000", 700_001..<1_700_001),
                ("bytes=2500000-", 2_500_000..<size), ("bytes=-400000", size - 400_000..<size),
                ("bytes=-99999999999999999999", 0..<size), ("bytes=5-99999999999999999999", 5..<size),
                ("Bytes=2999999-", size - 1..<size),
            ]
            for (header, range) in cases {
                let part = try await site.probe.send("GET", path, ["Range": header])
                #expect(part.status == 206 && part.body == Array(bytes[range]), "\(header)")
                #expect(part.fields["content-range"] == "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(size)")
                #expect(part.fields["content-length"] == "\(range.count)")
            }
        }
    }

    @Test("What cannot be sent is 416 with the size; what is no range is ignored")
    func refusals() async throws {
        try await withSites { site, name in
            let path = "/v1/blobs/\(name)"
            for header in ["bytes=3000000-", "bytes=-0", "bytes=5-4", "bytes=99999999999999999999-"] {
                let answer = try await site.probe.send("GET", path, ["Range": header])
                #expect(answer.status == 416 && answer.fields["content-range"] == "bytes */3000000", "\(header)")
            }
            for header in ["bytes=+1-2", "bytes=1-+2", "bytes= 1-2", "bytes=-", "bytes=1-2-3", "items=0-1", "bytes"] {
                let answer = try await site.probe.send("GET", path, ["Range": header])
                #expect(answer.status == 200 && answer.body.count == Self.size, "\(header)")
            }
        }
    }

    @Test("If-Range, If-None-Match and HEAD")
    func conditions() async throws {
        try await withSites { site, name in
            let path = "/v1/blobs/\(name)"
            func status(_ method: String, _ fields: [String: String]) async throws -> Int {
                let answer = try await site.probe.send(method, path, fields)
                #expect(answer.fields["etag"] == "\"\(name)\"")
                #expect(answer.fields["accept-ranges"] == "bytes")
                return answer.status
            }
            let range = ["Range": "bytes=10-19"]
            #expect(try await status("GET", range.merging(["If-Range": "\"\(name)\""]) { $1 }) == 206)
            for other in ["\"other\"", "W/\"\(name)\"", "Wed, 21 Oct 2026 07:28:00 GMT"] {
                #expect(try await status("GET", range.merging(["If-Range": other]) { $1 }) == 200, "\(other)")
            }
            for method in ["GET", "HEAD"] {
                for known in ["\"\(name)\"", "W/\"\(name)\"", "\"a\", \"\(name)\""] {
                    #expect(try await status(method, ["If-None-Match": known]) == 304, "\(known)")
                }
                #expect(try await status(method, ["If-None-Match": "\"a\""]) == 200)
            }
            let head = try await site.probe.send("HEAD", path, range)
            #expect(head.status == 200 && head.fields["content-length"] == "3000000" && head.body.isEmpty)
        }
    }

    @Test("Several blobs on one connection, a part of one in between")
    func oneConnection() async throws {
        try await withSites { site, name in
            let session = URLSession(configuration: .ephemeral)
            let url = try #require(URL(string: "http://127.0.0.1:\(site.probe.port)/v1/blobs/\(name)"))
            var part = URLRequest(url: url)
            part.setValue("bytes=400000-999999", forHTTPHeaderField: "Range")
            for _ in 0..<3 {
                #expect(try await session.data(from: url).0 == Data(bytes))
                #expect(try await session.data(for: part).0 == Data(bytes[400_000..<1_000_000]))
            }
            session.invalidateAndCancel()
        }
    }
}
