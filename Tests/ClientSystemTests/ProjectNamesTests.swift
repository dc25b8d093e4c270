import ClientSystem
import Domain
import Testing
import WorkerHost

@Suite("The names of projects' folders")
struct ProjectNamesTests {
    static let readable: [(url: String, start: String)] = [
        ("http://millrace.example.org", "millrace.example.org_"), ("http://127.0.0.1:8080", "127.0.0.1-8080_"),
        ("https://a.example/b/c", "a.example-b-c_"), ("http://[::1]:80", "1--80_"), ("http://../..", "server_"),
        ("http://.hidden/x", "hidden-x_"), ("http://a_b;rm%20-rf", "a-b-rm-20-rf_"),
    ]

    @Test("A name can be read, and is safe as a part of a path", arguments: readable)
    func names(url: String, start: String) {
        let name = ProjectNames.name(for: url)
        #expect(name.hasPrefix(start), "\(name)")
        #expect(name.count == start.count + 8)
        #expect(name.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "/") })
    }

    @Test("Every address has its own name, and a long one is cut")
    func different() {
        let urls = [
            "http://a.example", "https://a.example", "http://a.example:80", "http://a.example/x", "http://a-example",
            "http://a.example-x",
        ]
        #expect(Set(urls.map(ProjectNames.name)).count == urls.count)
        let long = "http://" + String(repeating: "long", count: 500)
        #expect(ProjectNames.name(for: long).count == 69)
        #expect(ProjectNames.name(for: long) != ProjectNames.name(for: long + "/x"))
    }

    private func folders(_ urls: [String]) throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        for url in urls {
            let name = "projects/\(ProjectNames.name(for: url))"
            try Files.makeFolder("\(folder.path)/\(name)")
            try folder.write("\(name)/identity.json", "{}")
        }
        return folder
    }

    @Test("What is set aside, left, or not a folder is no attachment")
    func attached() throws {
        let folder = try folders(["http://a.example"])
        for name in ["b_1", "c_1.damaged-1", "d_1", ".hidden_1", "e_1"] {
            try Files.makeFolder("\(folder.path)/projects/\(name)")
        }
        try folder.write("projects/b_1/receipts", "")
        try folder.write("projects/c_1.damaged-1/identity.json", "{}")
        try folder.write("projects/.hidden_1/identity.json", "{}")
        try folder.write("projects/d_1/host.key", "")
        try folder.write("projects/d_1.leave", "")
        try folder.write("projects/f_1", "a file")
        try Files.makeFolder("\(folder.path)/projects/e_1/slots")
        let name = ProjectNames.name(for: "http://a.example")
        #expect(try ProjectNames.attached(in: folder.path) == [name, "e_1"])
        #expect(try ProjectNames.all(in: folder.path) == [name, "b_1", "d_1", "e_1"])
    }

    @Test("A project is named by its address, its folder, the beginning of that, or not at all")
    func find() throws {
        let (one, two) = ("http://alpha.example", "https://alps.example:8443/x")
        let folder = try folders([one, two])
        let names = [one, two].map(ProjectNames.name)
        for text in [one, one + "/", "alpha.example", "alpha", names[0]] {
            #expect(try ProjectNames.find(text, in: folder.path) == names[0], "\(text)")
        }
        for text in [two, two + "//", "alps", names[1]] {
            #expect(try ProjectNames.find(text, in: folder.path) == names[1], "\(text)")
        }
        let unknown: [(String?, FaultKind)] = [
            (nil, .usage), ("al", .usage), ("beta", .noInput), ("", .noInput), ("http://alps.example", .noInput),
            ("..", .noInput), ("../projects/\(names[0])", .noInput),
        ]
        for (text, kind) in unknown {
            let fault = DataDirectoryTests.fault { () throws(Fault) in
                _ = try ProjectNames.find(text, in: folder.path)
            }
            #expect(fault?.kind == kind, "\(text ?? "nothing")")
            #expect(fault?.advice != nil)
        }
        let single = try folders([two])
        #expect(try ProjectNames.find(nil, in: single.path) == names[1])
        let none = try TemporaryFolder()
        #expect(
            DataDirectoryTests.fault { () throws(Fault) in _ = try ProjectNames.find(nil, in: none.path) }?.kind
                == .noInput)
    }
}
