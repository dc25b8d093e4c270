import Domain
import Foundation
import ServerCore
import ServerHTTP
import Storage
import Testing
import Wire

@Suite("Pages and what they refuse")
struct PageTests {
    @Test("A query that is no number, or names nothing there is, is refused and not answered with the newest batch")
    func queries() async throws {
        try await withSite { site in
            let batch = try await site.submit()
            try await site.until(batch) { $0.splitFinished }
            let cases = [
                ("batch=abc", 400), ("batch=", 400), ("batch=99", 404), ("batch=0", 404), ("batch=-1", 404),
                ("batch=1&unit=999", 404), ("batch=1&unit=x", 400), ("batch=1&unit=-1", 404), ("unit=999", 404),
                ("batch=1&only=agreed", 400), ("batch=1&unit=1", 200), ("unit=0", 200), ("only=disagreed", 200),
            ]
            for (query, status) in cases {
                #expect(try await site.probe.send("GET", "/validation?\(query)").status == status, "\(query)")
            }
            let one = try await site.probe.send("GET", "/validation?batch=\(batch)&unit=1").text
            #expect(one.contains("piece 1") && !one.contains("piece 0"))
        }
    }

    @Test("A browser is shown a small page, a program what the protocol says")
    func refusals() async throws {
        try await withSite { site in
            let browser = ["Accept": "text/html,application/xhtml+xml"]
            for path in ["/nothing", "/validation?batch=77", "/results/1/x"] {
                let page = try await site.probe.send("GET", path, browser)
                #expect(page.status == 404, "\(path)")
                #expect(page.fields["content-type"] == "text/html; charset=utf-8")
                #expect(page.text.contains("<h1>Not found</h1>") && page.text.contains("/style.css"))
                #expect(!page.text.contains("{{") && !page.text.contains("Page made"))
                #expect(page.fields["content-security-policy"]?.contains("default-src 'none'") == true)
                let plain = try await site.probe.send("GET", path)
                #expect(plain.status == 404 && plain.fields["content-type"] == "application/json")
            }
            let bad = try await site.probe.send("GET", "/validation?batch=%3Cb%3E", browser)
            #expect(bad.status == 400 && bad.text.contains("batch is not a number"))
            let tool = try await site.probe.send("GET", "/v1/nothing", browser)
            #expect(tool.fields["content-type"] == "application/json")
        }
    }

    @Test("A method that an address does not take gets 405 and the list of those it takes")
    func methods() async throws {
        try await withSite { site in
            let cases = [
                ("POST", "/", "GET, HEAD"), ("GET", "/v1/scheduler", "POST"),
                ("DELETE", "/v1/batches", "GET, HEAD, POST"),
                ("GET", "/v1/uploads/abc", "HEAD, PATCH"), ("PUT", "/v1/blobs/abc", "GET, HEAD, PATCH"),
            ]
            for (method, path, allowed) in cases {
                let answer = try await site.probe.send(method, path)
                #expect(answer.status == 405, "\(method) \(path)")
                #expect(answer.fields["allow"] == allowed, "\(method) \(path)")
                #expect(answer.text.contains("method_not_allowed"))
            }
            #expect(try await site.probe.send("HEAD", "/credit").status == 200)
        }
    }

    @Test("A project says what it is about")
    func about() async throws {
        try await withSite { site in
            _ = try await site.submit()
            let page = try await site.probe.send("GET", "/").text
            #expect(page.contains("Nothing is computed."))
            #expect(page.contains("Science area: none. Licence of the answer: CC0-1.0."))
        }
    }

    @Test("A request of no host of ours is refused before its body has come")
    func early() async throws {
        try await withSite { site in
            let signature = String(repeating: "0", count: 128)
            let announced = ["Content-Length": "\(Limits.rpcBytesMax)"]
            let headless = try await site.probe.send("POST", "/v1/scheduler", announced, body: [1])
            #expect(headless.status == 400)
            let fields = ["Millrace-Host": "77", "Millrace-Sequence": "1", "Millrace-Signature": signature]
            let stranger = try await site.probe.send(
                "POST", "/v1/scheduler", announced.merging(fields) { $1 }, body: [1])
            #expect(stranger.status == 403)
            let ada = try await LiveVolunteer(site, "Ada")
            let unsigned = announced.merging(["Millrace-Host": "\(ada.host)", "Millrace-Sequence": "1"]) { $1 }
            #expect(try await site.probe.send("POST", "/v1/scheduler", unsigned, body: [1]).status == 401)
        }
    }

    @Test("Stale uploads are removed while the server runs")
    func sweep() async throws {
        // In this store, uploads are touched in 1970.
        let blobs = MemoryBlobStore(hash: BlobHash.factory)
        let site = try await LiveSite.start(blobs: blobs, options: { $0.sweepEvery = .zero })
        let upload = UploadName(task: TaskID(rawValue: 1), host: HostID(rawValue: 1))
        _ = try blobs.appendUpload(upload, offset: 0, bytes: [1, 2], limit: 9)
        try await LiveSite.eventually { try blobs.uploadOffset(upload) == 0 }
        await site.end()
    }

    @Test(
        "Progress is what has ended; never all before all has",
        arguments: [
            (0, 0, "0 %"), (0, 40, "0 %"), (5, 40, "12.5 %"), (20, 40, "50 %"), (1, 3, "33.3 %"), (40, 40, "100 %"),
            (999_999, 1_000_000, "99.9 %"),
        ])
    func percent(ended: UInt64, total: UInt64, text: String) {
        #expect(PageText.percent(ended: ended, of: total) == text)
    }

    @Test(
        "Long fractions are cut, and nothing else is touched",
        arguments: [
            ("power is 137.29806208640332, not 12.5", "power is 137.2981, not 12.5"),
            ("(205.53069912345678)", "(205.5307)"), ("-0.00012345678912345", "-0.0001234568"),
            ("9.9999999999999", "10.000000"), ("1.2345678901234567e-05 of it.", "1.234568e-05 of it."),
            ("123456789012.7", "123456789013"), ("205.530699", "205.530699"), ("12345678901234", "12345678901234"),
            ("1.23456789012.3", "1.23456789012.3"), ("x1.23456789012345", "x1.23456789012345"),
            ("candidates[0].power", "candidates[0].power"), ("ends at 1.23456789012.", "ends at 1.234568."), ("", ""),
        ])
    func digits(text: String, shown: String) {
        #expect(PageText.readable(text) == shown)
    }

    @Test("Every code of refusal stands in FORMAT.md beside its status, and no other")
    func codes() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let text = try String(contentsOf: root.appending(path: "work-units/FORMAT.md"), encoding: .utf8)
        let table = try #require(text.components(separatedBy: "### 7.7 ").last?.components(separatedBy: "\n\n").first)
        var listed: [String: Int] = [:]
        for line in table.split(separator: "\n") {
            let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            guard cells.count == 2, let status = Int(cells[0]) else { continue }
            for code in cells[1].components(separatedBy: ", ") {
                listed[code.trimmingCharacters(in: CharacterSet(charactersIn: "`"))] = status
            }
        }
        #expect(listed == Dictionary(uniqueKeysWithValues: RefusalCode.allCases.map { ($0.rawValue, $0.status) }))
    }

    @Test("Key and token are looked at without being made")
    func files() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "millrace-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let files = ServerFiles(path: folder.path)
        #expect(try files.differences() == ["\(files.keyPath) is missing"])
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
        _ = try files.projectKey()
        _ = try files.adminToken()
        #expect(try files.differences().isEmpty)
        for path in [files.keyPath, files.tokenPath] { try Data().write(to: URL(filePath: path)) }
        #expect(
            try files.differences() == [
                "\(files.keyPath) is not a key", "\(files.tokenPath) holds fewer than 32 characters",
            ])
    }
}
