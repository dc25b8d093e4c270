import Domain
import Foundation
import ServerHTTP
import Testing
import Wire

@Suite("Metrics, health, templates")
struct MetricsTests {
    @Test("The metrics are in the Prometheus text format, and count what happened")
    func metrics() async throws {
        try await withSite { site in
            _ = try await site.probe.send("GET", "/healthz")
            _ = try await site.probe.send("GET", "/nothing")
            let batch = try await site.submit()
            try await site.until(batch) { $0.splitFinished }
            // A job is counted after what it brought is durable.
            let counted = "millrace_jobs_total{kind=\"split\"} 1"
            try await LiveSite.eventually { try await site.probe.send("GET", "/metrics").text.contains(counted) }
            let answer = try await site.probe.send("GET", "/metrics")
            #expect(answer.fields["content-type"]?.hasPrefix("text/plain; version=0.0.4") == true)
            var values: [String: Double] = [:]
            var types: [String: String] = [:]
            for line in answer.text.split(separator: "\n") {
                if let match = line.wholeMatch(of: /# TYPE ([a-z_]+) (counter|gauge|histogram)/) {
                    #expect(types.updateValue(String(match.2), forKey: String(match.1)) == nil)
                } else if !line.hasPrefix("# HELP ") {
                    let match = try #require(
                        line.wholeMatch(of: /([a-z_]+)(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? (-?[0-9.e+-]+)/),
                        "\(line)")
                    let family = String(match.1).replacing(/_(bucket|sum|count)$/, with: "")
                    #expect(types[family] != nil || types[String(match.1)] != nil, "\(line) has no type")
                    values[String(line.dropLast(match.4.count + 1))] = Double(match.4)
                }
            }
            #expect(values["millrace_requests_total{route=\"/healthz\",method=\"GET\",status=\"200\"}"] == 1)
            #expect(values["millrace_requests_total{route=\"NotFound\",method=\"GET\",status=\"404\"}"] == 1)
            #expect(values["millrace_units{state=\"ready\"}"] == 2)
            #expect(values["millrace_jobs_total{kind=\"split\"}"] == 1)
            #expect((values["process_resident_memory_bytes"] ?? 0) > 1e6)
            let buckets = ["1.0", "8.0", "256.0", "+Inf"].map {
                values["millrace_commit_group_size_bucket{le=\"\($0)\"}"] ?? -1
            }
            #expect(buckets == buckets.sorted() && buckets[0] >= 0)
            #expect(buckets.last == values["millrace_commit_group_size_count"])
        }
    }

    @Test("Many calls at once are all answered")
    func crowd() async throws {
        try await withSite { site in
            let hosts = try await withThrowingTaskGroup(of: UInt64.self) { group in
                for number in 0..<40 { group.addTask { try await LiveVolunteer(site, "V\(number)").host } }
                return try await group.reduce(into: Set<UInt64>()) { $0.insert($1) }
            }
            #expect(hosts == Set(1...40))
        }
    }

    @Test("Connections that send half a request hold nobody up")
    func slowConnections() async throws {
        try await withSite { site in
            let slow = (0..<200).map { _ in
                HTTPProbe.halfOpen(port: site.probe.port, "POST /v1/register HTTP/1.1\r\nHo")
            }
            defer { for connection in slow { close(connection) } }
            #expect(slow.allSatisfy { $0 >= 0 })
            let ada = try await LiveVolunteer(site, "Ada")
            #expect(ada.host == 1)
            #expect(try await site.probe.send("GET", "/healthz").status == 200)
        }
    }

    @Test("A folder of templates replaces those of the program; one that cannot be parsed is a fault that names it")
    func webFolder() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "millrace-web-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        _ = try WebFolder(folder: folder.path)
        let page = folder.appending(path: "status.mustache")
        try "{{#open}} never closed".write(to: page, atomically: true, encoding: .utf8)
        let fault = #expect(throws: Fault.self) { try WebFolder(folder: folder.path) }
        #expect(fault?.kind == .configuration && fault?.message.contains(page.path) == true)
    }

    @Test("The pages inside the program are those of server/web")
    func embedded() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let folder = root.appending(path: "server/web")
        let source = try String(
            contentsOf: root.appending(path: "Sources/ServerHTTP/EmbeddedWeb.swift"), encoding: .utf8)
        var names = 0
        for name in try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() {
            guard name.hasSuffix(".mustache") || name.hasSuffix(".css") else { continue }
            names += 1
            let text = try String(contentsOf: folder.appending(path: name), encoding: .utf8)
            #expect(
                source.contains("        \"\(name)\": #\"\"\"\n\(text)\"\"\"#,\n"),
                "\(name): run server/web/embed.sh")
            #expect(!text.contains("<script") && !text.contains(" style="), "\(name)")
        }
        #expect(names == 7)
        #expect(source.split(separator: "\n").filter { $0.contains("\": #\"\"\"") }.count == names)
    }
}
