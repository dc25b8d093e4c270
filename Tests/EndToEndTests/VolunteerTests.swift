import Foundation
import Testing

/// One volunteer on two computers, with the real programs: link code, list, export, removal, erasing.
@Suite("A volunteer's computers", .placed, .serialized)
struct VolunteerTests {
    private func client(_ site: Site, _ name: String, _ arguments: [String]) async throws -> Programs.Outcome {
        try await Programs.run("millrace-client", arguments + ["--data", site.folder.path(name)])
    }

    /// The code that `link` prints.
    private func code(_ site: Site, _ name: String) async throws -> String {
        let outcome = try await client(site, name, ["link"])
        try #require(outcome.status == 0, "\(outcome.errors)")
        let line = try #require(outcome.output.split(separator: "\n").first { $0.hasPrefix("code") })
        return String(line.split(separator: " ").last ?? "")
    }

    private func attach(_ site: Site, _ name: String, code: String) async throws -> Programs.Outcome {
        try await client(site, name, ["attach", site.url, "--link", code])
    }

    private func json(_ path: String) throws -> [String: Any] {
        let object = try JSONSerialization.jsonObject(with: try Data(contentsOf: URL(filePath: path)))
        return try #require(object as? [String: Any])
    }

    @Test("A code joins a second computer, once; a name joins nobody; the first computer manages the account")
    func linking() async throws {
        let site = try Site()
        try await site.startServer()
        try await site.attach("Ada")
        let code = try await code(site, "Ada")
        let joined = try await attach(site, "laptop", code: code.lowercased())
        #expect(joined.status == 0 && joined.output.contains("attached as host 2 of Ada;"), "\(joined.errors)")
        let used = try await attach(site, "thief", code: code)
        #expect(used.status == 77 && used.errors.contains("was used"), "\(used.errors)")
        #expect(try await attach(site, "thief", code: "K7QF").status == 64)
        let namesake = try await client(site, "other", ["attach", site.url, "--name", "Ada"])
        #expect(namesake.output.contains("attached as host 3 of Ada;"), "\(namesake.errors)")
        let hosts = try await client(site, "Ada", ["hosts"])
        let rows = hosts.output.split(separator: "\n")
        #expect(hosts.status == 0 && rows.count == 3, "\(hosts.output) \(hosts.errors)")
        #expect(rows[1].hasPrefix("1 ") && rows[1].hasSuffix("this computer, manages the account"))
        #expect(rows[2].hasPrefix("2 "))
        for command in [["hosts"], ["link"], ["export", site.folder.path("no.json")], ["detach", "--erase", "--yes"]] {
            let refused = try await client(site, "laptop", command)
            #expect(refused.status == 1 && refused.errors.contains("host 1 speaks"), "\(command): \(refused.errors)")
        }
        #expect(!FileManager.default.fileExists(atPath: site.folder.path("no.json")))
        // Leaving hands the account over.
        #expect(try await client(site, "Ada", ["detach"]).status == 0)
        let next = try await client(site, "laptop", ["hosts"])
        #expect(next.status == 0 && next.output.contains("manages the account"), "\(next.errors)")
    }

    @Test("A removed computer is refused with the reason, and others compute what it had")
    func removal() async throws {
        let site = try Site()
        try await site.startServer()
        let project = try SmallProject.make(in: site.folder, quorum: 1, deadline: "5 days")
        try #require(try await site.millrace(["submit", project]).status == 0)
        try await site.attach("Ada")
        try #require(try await attach(site, "laptop", code: try await code(site, "Ada")).status == 0)
        try site.startClient("laptop")
        #expect(
            try await eventually {
                let hosts = try await site.json(["report", "credit"]).list("hosts")
                return hosts.contains { $0.number("host") == 2 && $0.number("in_progress") > 0 }
            })
        #expect(await site.clients["laptop"]?.stop() == 0)
        let removed = try await client(site, "Ada", ["hosts", "--remove", "2"])
        #expect(removed.status == 0 && removed.output.contains("its calls are refused"), "\(removed.errors)")
        let hosts = try await site.json(["report", "credit"]).list("hosts")
        #expect(hosts.allSatisfy { $0.number("in_progress") == 0 && $0.number("errors") == 0 })
        let refused = try await client(site, "laptop", ["account"])
        #expect(refused.status == 77 && refused.errors.contains("host 2 was removed"), "\(refused.errors)")
        #expect(try await client(site, "Ada", ["hosts", "--remove", "1"]).status == 64)
        #expect(try await client(site, "Ada", ["hosts", "--remove", "9"]).status == 66)
        // A volunteer gets no second task of a unit, on no computer: what went back is for somebody else.
        try await site.attach("Grace")
        try site.startClient("Grace", cores: 2)
        let finished = try await site.millrace(["status", "1", "--watch"], limitSeconds: 900)
        #expect(finished.status == 0, "\(finished.output) \(site.logText("server.log"))")
        let cleaned = try await client(site, "laptop", ["detach", "--force"])
        #expect(cleaned.status == 0, "\(cleaned.errors)")
    }

    @Test("Export tells all, erasing forgets it; the sums stay, a stopped server is no reason to lose anything")
    func erasing() async throws {
        let site = try Site()
        try await site.startServer()
        let project = try SmallProject.make(in: site.folder, quorum: 1)
        try #require(try await site.millrace(["submit", project]).status == 0)
        try await site.attach("Ada Lovelace")
        try #require(try await attach(site, "laptop", code: try await code(site, "Ada Lovelace")).status == 0)
        try site.startClient("Ada Lovelace", cores: 2)
        try #require(try await site.millrace(["status", "1", "--watch"], limitSeconds: 900).status == 0)
        let file = site.folder.path("me.json")
        // Beside a running client.
        let exported = try await client(site, "Ada Lovelace", ["export", file])
        #expect(exported.status == 0, "\(exported.errors)")
        let export = try json(file)
        let told = try #require(export["server"] as? [String: Any])
        #expect((told["account"] as? [String: Any])?.text("name") == "Ada Lovelace")
        #expect(told.list("hosts").count == 2 && !told.list("tasks").isEmpty)
        let credit = told.list("credit").reduce(0) { $0 + $1.number("microcobblestones") }
        #expect(credit > 0 && credit == (told["account"] as? [String: Any])?.number("credit_microcobblestones"))
        #expect(((export["local"] as? [String: Any])?["receipts"] as? [Any])?.isEmpty == false)
        #expect(await site.clients["Ada Lovelace"]?.stop() == 0)

        let asked = try await client(site, "Ada Lovelace", ["detach", "--erase"])
        #expect(asked.status == 64 && asked.output.contains("stays  under a number"), "\(asked.output)")
        site.server?.killNow()
        let away = try await client(site, "Ada Lovelace", ["detach", "--erase", "--yes"])
        #expect(away.status == 69, "\(away.errors)")
        try await site.startServer()
        let before = try await site.json(["report", "credit"])
        let erased = try await client(site, "Ada Lovelace", ["detach", "--erase", "--yes"])
        #expect(erased.status == 0 && erased.output.contains("erased: of volunteer 1"), "\(erased.errors)")
        let told2 = try await client(site, "laptop", ["account"])
        #expect(told2.status == 77 && told2.errors.contains("erased at their own wish"), "\(told2.errors)")
        let cleaned = try await client(site, "laptop", ["detach", "--erase", "--yes", "--force"])
        #expect(cleaned.status == 0, "asking again is answered: \(cleaned.errors)")
        let after = try await site.json(["report", "credit"])
        #expect(after.list("hosts").allSatisfy { $0.text("volunteer_name") == "erased volunteer" })
        #expect(
            after.list("hosts").map { $0.number("microcobblestones") }
                == before.list("hosts").map { $0.number("microcobblestones") })
        site.server?.killNow()
        let checked = try await Programs.run("millrace-server", ["fsck", "--data", site.folder.path("server")])
        #expect(checked.status == 0, "\(checked.output) \(checked.errors)")
        let admin = ["erase", "--data", site.folder.path("server"), "--volunteer", "1"]
        #expect(try await Programs.run("millrace-server", admin).status == 0, "done before")
        let nobody = try await Programs.run("millrace-server", admin.dropLast() + ["9", "--yes"])
        #expect(nobody.status == 66, "\(nobody.errors)")
        // Nothing in the server's folder knows the name any more, the write-ahead log included.
        let database = site.folder.path("server/millrace.sqlite")
        for path in [database, database + "-wal"] where FileManager.default.fileExists(atPath: path) {
            let bytes = try Data(contentsOf: URL(filePath: path))
            #expect(bytes.range(of: Data("Ada Lovelace".utf8)) == nil, "\(path)")
        }
    }
}
