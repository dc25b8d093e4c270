import Bytes
import Domain
import Foundation
import ServerCore
import ServerHTTP
import Storage
import SwiftProtobuf
import TestChild
import Testing
import Wire

@Suite("Statistics files, exports and accounts over HTTP")
struct StatsTests {
    @Test("gzip: what was packed comes back; damage and bombs are refused")
    func gzip() throws {
        var bytes: [UInt8] = []
        for size in [0, 1, 1000, 300_000] {
            while bytes.count < size { bytes.append(UInt8(truncatingIfNeeded: bytes.count &* bytes.count >> 3)) }
            let packed = try Gzip.compressed(bytes)
            #expect(packed.prefix(3) == [0x1F, 0x8B, 8])
            #expect(packed[4..<8] == [0, 0, 0, 0], "no time: the same bytes, the same file")
            #expect(try Gzip.expanded(packed, limit: bytes.count) == bytes)
            #expect(throws: Fault.self) { try Gzip.expanded(packed.dropLast(), limit: bytes.count) }
            #expect(throws: Fault.self) { try Gzip.expanded(packed + [0], limit: bytes.count) }
            if size > 0 { #expect(throws: Fault.self) { try Gzip.expanded(packed, limit: bytes.count - 1) } }
            var damaged = packed
            damaged[packed.count - 5] ^= 1
            #expect(throws: Fault.self) { try Gzip.expanded(damaged, limit: bytes.count) }
        }
    }

    @Test("Files are old after an hour, when there are none, and when the clock was set back")
    func hourly() throws {
        let made = Timestamp(seconds: 1_790_000_000)
        #expect(StatsPublisher.isDue(made: nil, now: made))
        #expect(!StatsPublisher.isDue(made: made, now: made))
        #expect(!StatsPublisher.isDue(made: made, now: made + TimeSpan(seconds: 3599.9)))
        #expect(StatsPublisher.isDue(made: made, now: made + TimeSpan(seconds: 3600)))
        #expect(StatsPublisher.isDue(made: made, now: made + TimeSpan(seconds: -1)))
    }

    @Test("What is published can be read back, also by Python where there is one")
    func published() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "millrace-stats-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let store = MemoryStore()
        let core = ProjectServer(
            settings: ServerSettings(site: "s", resultsPath: "/r"), keys: ServerKeys(project: SigningKey()),
            blobs: MemoryBlobStore(hash: BlobHash.factory), spec: { _ in throw StoreError.missing("no manifest") })
        let now = Timestamp(milliseconds: 1_790_000_000_999)
        let statistics = try store.transaction { tx in
            let owner = try tx.insertVolunteer {
                VolunteerRecord(
                    id: $0, name: "Ada & \u{e9}", credit: Credit(microcobblestones: 1_500_001), createdAt: now)
            }
            _ = try tx.insertTeam {
                TeamRecord(
                    id: $0, name: "Red", founder: owner.id, credit: Credit(microcobblestones: 7), createdAt: now)
            }
            return try core.statistics(in: tx, now: now)
        }
        let publisher = StatsPublisher(folder: folder.path)
        #expect(try publisher.madeAt() == nil)
        #expect(try publisher.read("user.gz") == nil)
        try publisher.publish(statistics)
        try publisher.publish(statistics)
        #expect(try publisher.madeAt() == Timestamp(seconds: 1_790_000_000))
        let users = try Gzip.expanded(try #require(try publisher.read("user.gz")), limit: 1 << 20)
        #expect(users == statistics.usersXML())
        #expect(String(decoding: users, as: UTF8.self).contains("<total_credit>1.500001</total_credit>"))
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
        #expect(names == ["host.gz", "tables.xml", "team.gz", "user.gz"], "no temporary file is left")
        try readWithPython(folder.path)
    }

    private func readWithPython(_ folder: String) throws {
        let script = """
            import gzip, sys, xml.etree.ElementTree as tree
            read = lambda name: tree.fromstring(gzip.open(sys.argv[1] + '/' + name).read())
            user = read('user.gz').find('user')
            assert user.findtext('name') == 'Ada & \\u00e9', user.findtext('name')
            assert user.findtext('total_credit') == '1.500001'
            assert read('team.gz').find('team').findtext('founder_name') == 'Ada & \\u00e9'
            assert read('host.gz').tag == 'hosts'
            tree.parse(sys.argv[1] + '/tables.xml')
            """
        let process = TestChild()
        let arguments = ["python3", "-c", script, folder]
        try process.run("/usr/bin/env", arguments, outputPath: "/dev/null", errorPath: "/dev/null")
        // 126 and 127: there is no Python here.
        #expect([0, 126, 127].contains(process.terminationStatus))
    }

    @Test("The server makes the files by itself and serves them; exports need the token")
    func routes() async throws {
        try await withSite { site in
            try await LiveSite.eventually { try await site.probe.send("GET", "/stats/tables.xml").status == 200 }
            let users = try await site.probe.send("GET", "/stats/user.gz")
            #expect(users.status == 200 && users.fields["content-type"] == "application/gzip")
            #expect(users.fields["content-encoding"] == nil)
            let text = String(decoding: try Gzip.expanded(users.body, limit: 1 << 20), as: UTF8.self)
            #expect(text.hasSuffix("<users>\n</users>\n"))
            for name in ["team.gz", "host.gz"] {
                #expect(try await site.probe.send("GET", "/stats/\(name)").status == 200)
            }
            #expect(try await site.probe.send("GET", "/stats/admin.token").status == 404)
            let path = "/v1/exports/credit?by=day"
            #expect(try await site.probe.send("GET", path).status == 401)
            let export = try await site.probe.send("GET", path + "&from=2026-01-01", site.admin)
            #expect(try WireCreditExport(jsonUTF8Bytes: export.body).from == "2026-01-01")
            for query in ["", "?by=", "?by=shoe-size", "?by=day&from=1", "?by=day&to=2026-13-01"] {
                #expect(try await site.probe.send("GET", "/v1/exports/credit" + query, site.admin).status == 400)
            }
        }
    }

    @Test("Account requests are signed and numbered like the others")
    func accounts() async throws {
        try await withSite { site in
            let ada = try await LiveVolunteer(site, "Ada")
            var request = WireAccountRequest()
            let body: [UInt8] = try request.serializedBytes()
            let first = try await ada.post("/v1/account", body)
            #expect(first.status == 200)
            let reply = try WireAccountReply(serializedBytes: first.body)
            #expect(reply.volunteerName == "Ada" && reply.mayChange && reply.teams.isEmpty)
            let replay = try await ada.post("/v1/account", body, sequence: ada.sequence)
            #expect(replay.status == 409)
            #expect(try WireErrorReply(serializedBytes: replay.body).code == "stale_sequence")
            request.action = .accountJoinTeam
            request.teamName = "nobody's"
            #expect(try await ada.post("/v1/account", try request.serializedBytes()).status == 404)
            let scheduler = try await ada.post("/v1/scheduler", try ada.request().serializedBytes())
            #expect(scheduler.status == 200, "the counters are one")
            let grace = try await LiveVolunteer(site, "Grace")
            #expect(try await grace.post("/v1/account", body, as: ada.host).status == 401)
            #expect(try await grace.post("/v1/account", [0xFF, 0xFF]).status == 400)
        }
    }
}
