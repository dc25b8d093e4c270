import Bytes
import Domain
import Foundation
import Glibc
import ServerCore
import ServerHTTP
import Storage
import StorageSQLite
import SwiftProtobuf
import Testing
import Wire

@Suite("Blobs and uploads")
struct BlobTests {
    @Test("Ranges, tags, heads")
    func ranges() async throws {
        try await withSite { site in
            let bytes = (0..<700_000).map { UInt8(truncatingIfNeeded: $0 * 31 >> 3) }
            let digest = try site.blobs.put(bytes)
            let path = "/v1/blobs/\(digest.hex)"
            let whole = try await site.probe.send("GET", path)
            #expect(whole.status == 200 && whole.body == bytes)
            #expect(whole.fields["etag"] == "\"\(digest.hex)\"")
            #expect(whole.fields["cache-control"]?.contains("immutable") == true)
            let cases: [(String, Range<Int>)] = [
                ("bytes=0-0", 0..<1), ("bytes=100-199", 100..<200), ("bytes=699999-", 699_999..<700_000),
                ("bytes=600000-9999999", 600_000..<700_000), ("bytes=-5", 699_995..<700_000),
            ]
            for (header, range) in cases {
                let part = try await site.probe.send("GET", path, ["Range": header])
                #expect(part.status == 206 && part.body == Array(bytes[range]), "\(header)")
                #expect(part.fields["content-range"] == "bytes \(range.lowerBound)-\(range.upperBound - 1)/700000")
            }
            for header in ["bytes=700000-", "bytes=5-4", "bytes=-0"] {
                #expect(try await site.probe.send("GET", path, ["Range": header]).status == 416, "\(header)")
            }
            for header in ["lines=1-2", "bytes=a-b", "bytes=0-1,5-6", "bytes=7"] {
                #expect(try await site.probe.send("GET", path, ["Range": header]).status == 200, "\(header)")
            }
            let known = try await site.probe.send("GET", path, ["If-None-Match": "\"\(digest.hex)\""])
            #expect(known.status == 304 && known.body.isEmpty)
            let head = try await site.probe.send("HEAD", path)
            #expect(head.status == 200 && head.fields["content-length"] == "700000")
            let none = try await site.probe.send("GET", "/v1/blobs/\(String(repeating: "0", count: 64))")
            #expect(none.status == 404)
            #expect(try WireErrorReply(serializedBytes: none.body).code == "no_such_blob")
        }
    }

    @Test("An upload goes on where it stopped, and ends only with the right hash")
    func upload() async throws {
        try await withSite { site in
            let bytes = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 * 7 >> 5) }
            let digest = SHA256Hash.digest(of: bytes).hex
            let path = "/v1/blobs/\(digest)"
            func patch(_ range: Range<Int>, at offset: Int, of length: Int? = nil) async throws -> HTTPProbe.Answer {
                try await site.probe.send(
                    "PATCH", path,
                    site.admin.merging([
                        "Upload-Offset": "\(offset)", "Upload-Length": "\(length ?? bytes.count)",
                        "Upload-Digest": digest,
                    ]) { $1 }, body: Array(bytes[range]))
            }
            let first = try await patch(0..<1_500_000, at: 0)
            #expect(first.status == 204 && first.fields["upload-offset"] == "1500000")
            let wrong = try await patch(0..<10, at: 0)
            #expect(wrong.status == 409 && wrong.fields["upload-offset"] == "1500000")
            #expect(try WireErrorReply(serializedBytes: wrong.body).code == "wrong_offset")
            let head = try await site.probe.send("HEAD", path, site.admin)
            #expect(head.status == 204 && head.fields["upload-offset"] == "1500000")
            #expect(try await site.probe.send("HEAD", path).status == 404, "not a blob yet")
            let beyond = try await patch(0..<100, at: 1_500_000, of: 1_500_050)
            #expect(beyond.status == 400)
            let last = try await patch(1_500_000..<3_000_000, at: 1_500_000)
            #expect(last.status == 201 && last.fields["upload-offset"] == "3000000")
            #expect(try await site.probe.send("GET", path).body == bytes)
            let again = try await patch(0..<10, at: 0)
            #expect(again.status == 201, "what is here need not be sent")
        }
    }

    @Test(
        "What comes whole in one piece is put at once, whatever its size, and only with the right hash",
        arguments: [0, 4096])
    func whole(smallMax: Int) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "millrace-whole-\(getpid())-\(smallMax)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let store = try FileBlobStore(path: folder.path, hash: BlobHash.factory, smallMax: smallMax)
        try await withSite(blobs: store) { site in
            for size in [1, 4096, 4097, 900_000, 1_048_576, 1_048_577] { try await Self.putWhole(size, site) }
            // In two pieces it is an upload as ever, and whoever begins anew is told where to go on.
            let bytes = [UInt8](repeating: 9, count: 100)
            let name = SHA256Hash.digest(of: bytes)
            #expect(try await Self.patch(name, Array(bytes[..<60]), of: 100, site) == 204)
            #expect(try await Self.patch(name, Array(bytes[..<60]), of: 100, site) == 409)
            #expect(try await Self.patch(name, Array(bytes[60...]), at: 60, of: 100, site) == 201)
            #expect(try site.blobs.read(name, limit: 100) == bytes)
        }
    }

    private static func patch(
        _ name: Digest, _ body: [UInt8], at offset: Int = 0, of length: Int, _ site: LiveSite
    ) async throws -> Int {
        let fields = ["Upload-Offset": "\(offset)", "Upload-Length": "\(length)", "Upload-Digest": name.hex]
        let path = "/v1/blobs/\(name.hex)"
        return try await site.probe.send("PATCH", path, site.admin.merging(fields) { $1 }, body: body).status
    }

    private static func putWhole(_ size: Int, _ site: LiveSite) async throws {
        let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 * 7 >> 3 + size) }
        let name = SHA256Hash.digest(of: bytes)
        var other = bytes
        other[size - 1] ^= 1
        #expect(try await patch(name, other, of: size, site) == 422, "\(size)")
        #expect(try !site.blobs.contains(name), "\(size)")
        #expect(try !site.blobs.contains(SHA256Hash.digest(of: other)), "\(size)")
        #expect(try await patch(name, bytes, of: size, site) == 201, "\(size)")
        #expect(try site.blobs.read(name, limit: size) == bytes, "\(size)")
        #expect(try site.blobs.uploadOffset(UploadName(blob: name)) == 0, "\(size)")
        #expect(try await patch(name, bytes, of: size, site) == 201, "\(size), again")
    }

    @Test("Wrong hash, too many bytes, foreign and expired tickets")
    func refusals() async throws {
        try await withSite { site in
            let batch = try await site.submit()
            try await site.until(batch) { $0.splitFinished }
            let ada = try await LiveVolunteer(site, "Ada")
            let offer = try #require(try await ada.fetch().first)
            let path = "/v1/uploads/\(offer.uploadTicket)"
            func patch(_ path: String, _ digest: String, length: Int, _ body: [UInt8]) async throws -> (Int, String) {
                let answer = try await site.probe.send(
                    "PATCH", path,
                    ["Upload-Offset": "0", "Upload-Length": "\(length)", "Upload-Digest": digest], body: body)
                return (answer.status, answer.status < 400 ? "" : try WireErrorReply(serializedBytes: answer.body).code)
            }
            let honest = Array("true".utf8)
            let digest = SHA256Hash.digest(of: honest).hex
            #expect(try await patch(path, digest, length: 4, Array("fals".utf8)) == (422, "hash_mismatch"))
            let head = try await site.probe.send("HEAD", path, ["Upload-Digest": digest])
            #expect(head.status == 204 && head.fields["upload-offset"] == "0", "dropped")
            #expect(try await patch(path, digest, length: 2 << 20, [1]) == (413, "too_large"))
            #expect(try await patch(path + "0", digest, length: 4, honest) == (403, "bad_ticket"))
            #expect(try await patch("/v1/uploads/none", digest, length: 4, honest) == (403, "bad_ticket"))
            // Numbers at the end of all numbers, and pieces that begin where nothing ends, are refused.
            for offset in ["9223372036854775807", "5", "1"] {
                for body in [honest, []] {
                    let answer = try await site.probe.send(
                        "PATCH", path,
                        ["Upload-Offset": offset, "Upload-Length": "4", "Upload-Digest": digest], body: body)
                    #expect(answer.status == 409 && answer.fields["upload-offset"] == "0", "\(offset)")
                }
            }
            #expect(try await patch(path, digest, length: 4, honest) == (201, ""))
            // One ticket is not a way to fill the disk with blobs.
            var statuses: [Int] = []
            for number in 0..<6 {
                let body = Array("true \(number)".utf8)
                let (status, _) = try await patch(path, SHA256Hash.digest(of: body).hex, length: body.count, body)
                statuses.append(status)
            }
            #expect(statuses.last == 413 && statuses.first == 201)
        }
    }

    /// A chunk of 1,200,000 bytes of which only half comes.
    private func halfChunk(_ name: String, _ site: LiveSite) throws -> (RawConnection, path: String) {
        let path = "/v1/blobs/\(SHA256Hash.digest(of: Array(name.utf8)).hex)"
        let head = [
            "PATCH \(path) HTTP/1.1", "Host: a", "Authorization: Bearer \(site.token)", "Upload-Offset: 0",
            "Upload-Length: 3000000", "Content-Length: 1200000", "", "",
        ]
        let connection = try RawConnection(port: site.probe.port)
        var left = (Array(head.joined(separator: "\r\n").utf8) + [UInt8](repeating: 7, count: 600_000))[...]
        // Whoever is refused may not be read to the end.
        for _ in 0..<30_000 where !left.isEmpty && connection.received.isEmpty && !connection.isEnded {
            left = left.dropFirst(connection.sendSome(left))
            connection.look()
            usleep(1000)
        }
        return (connection, path)
    }

    private func heldBytes(_ site: LiveSite) async throws -> Int {
        let text = try await site.probe.send("GET", "/metrics").text
        let line = text.split(separator: "\n").first { $0.hasPrefix("millrace_held_body_bytes ") }
        return try #require(line.flatMap { Int($0.split(separator: " ")[1]) })
    }

    @Test("What uploads hold in memory counts among the bodies: near the limit they write sooner, and lose nothing")
    func heldPieces() async throws {
        try await withSite(options: { $0.limits.bodyBytes = 1_000_000 }) { site in
            // Less than a piece that is written by itself.
            var connections = [try halfChunk("first", site)]
            try await LiveSite.eventually { try await heldBytes(site) == 600_000 }
            connections.append(try halfChunk("second", site))
            try await LiveSite.eventually {
                let offset = try await site.probe.send("HEAD", connections[1].path, site.admin).fields["upload-offset"]
                let written = try #require(offset.flatMap { Int($0) })
                let held = try await heldBytes(site)
                #expect(held <= 1_000_000)
                return written > 0 && written + held == 1_200_000
            }
            #expect(connections.allSatisfy { $0.0.received.isEmpty }, "both go on")
            connections = []
            try await LiveSite.eventually { try await heldBytes(site) == 0 }
        }
        try await withSite(options: { $0.limits.bodyBytes = 1000 }) { site in
            let (connection, path) = try halfChunk("third", site)
            try await LiveSite.eventually {
                connection.look()
                return connection.text.hasPrefix("HTTP/1.1 503") && connection.text.lowercased().contains("retry-after")
            }
            #expect(try await site.probe.send("HEAD", path, site.admin).fields["upload-offset"] == "0")
        }
    }

    @Test("Who asks before he sends a body is told to go on, in an upload and in a call")
    func expects() async throws {
        try await withSite { site in
            let bytes = Array("an input".utf8)
            let upload =
                "PATCH /v1/blobs/\(SHA256Hash.digest(of: bytes).hex) HTTP/1.1\r\n"
                + "Authorization: Bearer \(site.token)\r\nUpload-Offset: 0\r\nUpload-Length: \(bytes.count)\r\n"
            for (head, status) in [(upload, "201"), ("POST /v1/call HTTP/1.1\r\n", "400")] {
                let connection = try RawConnection(port: site.probe.port)
                connection.send(
                    head + "Host: a\r\nExpect: 100-continue\r\nContent-Length: \(bytes.count)\r\n\r\n")
                let welcome = "HTTP/1.1 100 Continue\r\n\r\n"
                try await LiveSite.eventually {
                    connection.look()
                    return connection.text == welcome
                }
                #expect(connection.sendSome(bytes[...]) == bytes.count)
                try await LiveSite.eventually {
                    connection.look()
                    return connection.text.hasPrefix(welcome + "HTTP/1.1 \(status) ")
                }
            }
        }
    }

    @Test("A blob that somebody else is just putting is not acknowledged before it is durable")
    func notYetDurable() async throws {
        let bytes = [UInt8](repeating: 5, count: 5000)
        let base = MemoryBlobStore(hash: BlobHash.factory)
        let digest = try base.put(bytes).hex
        // A name that is seen while the folder cannot be synced.
        let blobs = FaultyBlobStore(base, hash: BlobHash.factory) { _, call in
            call == .durableSize ? CallFate(applied: false, reported: true) : .good
        }
        try await withSite(blobs: blobs) { site in
            let answer = try await site.probe.send(
                "PATCH", "/v1/blobs/\(digest)",
                site.admin.merging(["Upload-Offset": "0", "Upload-Length": "5000", "Upload-Digest": digest]) { $1 },
                body: bytes)
            #expect(answer.status >= 500, "\(answer.status)")
            #expect(try await site.probe.send("HEAD", "/v1/blobs/\(digest)").status == 200)
        }
    }

    @Test("A blob store without space answers 507 and keeps nothing")
    func diskFull() async throws {
        let blobs = MemoryBlobStore(hash: BlobHash.factory, capacity: 1000)
        try await withSite(blobs: blobs) { site in
            let bytes = [UInt8](repeating: 5, count: 5000)
            let digest = SHA256Hash.digest(of: bytes).hex
            let answer = try await site.probe.send(
                "PATCH", "/v1/blobs/\(digest)",
                site.admin.merging(["Upload-Offset": "0", "Upload-Length": "5000", "Upload-Digest": digest]) { $1 },
                body: bytes)
            #expect(answer.status == 507)
            #expect(try WireErrorReply(serializedBytes: answer.body).code == "disk_full")
            #expect(try await site.probe.send("HEAD", "/v1/blobs/\(digest)").status == 404)
        }
    }
}
