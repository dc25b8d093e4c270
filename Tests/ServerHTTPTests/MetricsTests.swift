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
            // Units are counted once a second.
            let units = "millrace_units{state=\"ready\"} 2\n"
            try await LiveSite.eventually {
                let text = try await site.probe.send("GET", "/metrics").text
                return text.contains(counted) && text.contains(units)
            }
            let answer = try await site.probe.send("GET", "/metrics")
            #expect(answer.fields["content-type"]?.hasPrefix("text/plain; version=0.0.4") == true)
            let page = try PrometheusText(answer.text)
            let values = page.values
            #expect(values["millrace_requests_total{route=\"/healthz\",method=\"GET\",status=\"200\"}"] == 1)
            #expect(values["millrace_requests_total{route=\"NotFound\",method=\"GET\",status=\"404\"}"] == 1)
            #expect(values["millrace_units{state=\"ready\"}"] == 2)
            #expect(values["millrace_jobs_total{kind=\"split\"}"] == 1)
            #expect((values["process_resident_memory_bytes"] ?? 0) > 1e6)
            #expect(values["millrace_ready"] == 1 && values["millrace_draining"] == 0)
            #expect((values["millrace_disk_free_bytes"] ?? 0) > 0)
        }
    }

    @Test("The parts of a scheduler call are timed, each")
    func stages() async throws {
        try await withSite { site in
            let batch = try await site.submit()
            try await site.until(batch) { $0.splitFinished }
            let ada = try await LiveVolunteer(site, "Ada")
            let tasks = try await ada.fetch()
            _ = try await ada.deliver(tasks.map { LiveVolunteer.success($0, Array("true".utf8)) })
            let values = try PrometheusText(try await site.probe.send("GET", "/metrics").text).values
            for stage in ["queue", "transaction", "commit", "blobs", "sign"] {
                #expect(values["millrace_stage_seconds_count{stage=\"\(stage)\"}"] ?? 0 >= 1, "\(stage)")
            }
            // One call brought results, two were signed; groups are fewer than what waited for them.
            #expect(values["millrace_stage_seconds_count{stage=\"blobs\"}"] == 1)
            #expect(values["millrace_stage_seconds_count{stage=\"sign\"}"] == 2)
            #expect(
                values["millrace_stage_seconds_count{stage=\"commit\"}"] ?? 0
                    <= values["millrace_stage_seconds_count{stage=\"queue\"}"] ?? 0)
            #expect(values["millrace_request_seconds_count{route=\"/v1/scheduler\"}"] == 2)
        }
    }

    @Test("Before the end the server is not ready, and asks for connections to be closed")
    func readiness() async throws {
        try await withSite { site in
            #expect(try await site.probe.send("GET", "/readyz").status == 200)
            site.beginDraining()
            let answer = try await site.probe.send("GET", "/readyz")
            #expect(answer.status == 503 && answer.text.contains("ending") && answer.fields["connection"] == "close")
            #expect(try await site.probe.send("GET", "/healthz").status == 200, "ending is no illness")
            let values = try PrometheusText(try await site.probe.send("GET", "/metrics").text).values
            #expect(values["millrace_ready"] == 0 && values["millrace_draining"] == 1)
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
