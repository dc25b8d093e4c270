import Foundation
import TestChild
import Testing

/// Every file of a client's folder in turn is emptied, cut in half, and has one bit changed; then a client is started.
@Suite("Nothing is lost: damaged files", .placed, .serialized)
struct DamageTests {
    enum Damage: CaseIterable {
        case emptied
        case halved
        case bitFlipped

        func act(on path: String) throws {
            var bytes = try Data(contentsOf: URL(filePath: path))
            switch self {
            case .emptied: bytes = Data()
            case .halved:
                // Not between two records of one length: what is left would be a whole file.
                bytes = bytes.prefix(min(bytes.count - 1, bytes.count / 2 + 1))
            case .bitFlipped: bytes[bytes.startIndex + bytes.count / 2] ^= 4
            }
            // In place, as a disk does it.
            let file = try FileHandle(forWritingTo: URL(filePath: path))
            try file.truncate(atOffset: 0)
            try file.write(contentsOf: bytes)
            try file.close()
        }
    }

    /// Files that are closed by a hash, a signature, or another file that knows them: a bit is noticed.
    private static let sealed: Set = ["host.key", "identity.json", "state", "receipts"]
    /// Files without: what cannot be read is noticed.
    private static let plain: Set = ["version", "transfers", "shares.json"]

    /// Whether the damage must be said.
    private static func isTold(_ name: String, _ damage: Damage) -> Bool {
        switch damage {
        // No receipts are as good as none yet; an empty book of shares is what a power failure leaves of one.
        case .emptied: (sealed.contains(name) || plain.contains(name)) && !["receipts", "shares.json"].contains(name)
        // Half of a version is its number without the end of the line.
        case .halved: sealed.contains(name) || plain.contains(name) && name != "version"
        case .bitFlipped: sealed.contains(name)
        }
    }

    @Test("Whatever file is damaged, it is repaired or set aside and said; what was finished is reported all the same")
    func everyFile() async throws {
        let host = try await FrailHost()
        let finished = try await prepare(host)
        let base = host.site.folder.path("base")
        try FileManager.default.moveItem(atPath: host.data, toPath: base)
        let open = host.held(in: base).subtracting(finished).sorted()
        let begun = open.first {
            FileManager.default.fileExists(atPath: FrailHost.project(in: base) + "/slots/\($0)/checkpoint")
        }
        // One task of each kind stands for all.
        let files = try self.files(in: base, but: finished.dropFirst() + open.filter { $0 != begun ?? open.first })
        #expect(files.count >= 18, "\(files)")
        for (number, file) in files.enumerated() {
            for damage in Damage.allCases {
                let copy = host.site.folder.path("copy-\(number)-\(damage)")
                let cp = try Running("/bin/cp", ["-a", base, copy], outputPath: "/dev/null", errorPath: "/dev/null")
                try #require(await cp.wait(limitSeconds: 60) == 0)
                try damage.act(on: copy + "/" + file)
                try await check(host, copy, file, damage, finished: Set(finished))
                try FileManager.default.removeItem(atPath: copy)
            }
        }
        // Somebody must do the rest.
        try host.start(on: base)
        try await host.expectAllValidOnce()
        #expect(await host.stop() == 0)
    }

    /// A client that was stopped with results that nobody has taken yet, tasks half done, receipts, preferences.
    /// - Returns: the finished tasks.
    private func prepare(_ host: FrailHost) async throws -> [String] {
        try "preset: maximum\n".write(toFile: host.data + "/preferences.yaml", atomically: true, encoding: .utf8)
        try host.start(cores: 1)
        try await host.holdAll()
        let hasReported = try await eventually {
            try await host.reported() >= 1
        }
        try #require(hasReported, "\(host.log)")
        host.relay.set(.refuses)
        try #require(try await eventually(limitSeconds: 900) { host.finished(in: host.data).count >= 2 }, "\(host.log)")
        #expect(await host.stop() == 0, "\(host.log)")
        host.relay.set(.passes)
        // Of a day with traffic; a client writes it now and then.
        let day = Int(Date().timeIntervalSince1970 / 86_400)
        try "{\"bytes\":1000,\"day\":\(day)}\n"
            .write(toFile: host.data + "/transfers", atomically: true, encoding: .utf8)
        return host.finished(in: host.data).sorted()
    }

    /// Paths below the folder, of files with something in them; of most tasks none.
    private func files(in base: String, but tasks: some Sequence<String>) throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: base).sorted().filter { path in
            let attributes = try FileManager.default.attributesOfItem(atPath: base + "/" + path)
            guard attributes[.type] as? FileAttributeType == .typeRegular, (attributes[.size] as? Int ?? 0) > 0 else {
                return false
            }
            return !tasks.contains { path.contains("/slots/\($0)/") }
        }
    }

    private func check(
        _ host: FrailHost, _ copy: String, _ file: String, _ damage: Damage, finished: Set<String>
    ) async throws {
        let name = String(file.split(separator: "/").last ?? "")
        let log = "log-\(UUID().uuidString)"
        func text() -> String { host.site.logText(log) }
        try host.start(on: copy, log: log)
        let client = try #require(host.client)
        // Without its key it is nobody, and leaves everything as it is.
        let isKeyless = name == "host.key"
        let isDone = try await eventually {
            !client.process.isRunning || !isKeyless && host.finished(in: copy).isDisjoint(with: finished)
        }
        let what = "\(file), \(damage): \(text())"
        #expect(isDone, "not reported: \(what)")
        let status = await client.stop()
        #expect(status == (isKeyless ? 78 : 0), "\(what)")
        let isTold = Self.isTold(name, damage)
        if isTold { #expect(text().contains(name), "not said: \(what)") }
        if isKeyless { return #expect(host.finished(in: copy) == finished, "\(what)") }
        // A result that the disk did not keep is told to the server as such; every other one has been taken.
        let isResult = name == "result"
        #expect(text().contains("the result file was damaged on disk") == isResult, "\(what)")
        if isTold {
            let folder = (copy + "/" + file as NSString).deletingLastPathComponent
            let names = try FileManager.default.contentsOfDirectory(atPath: folder)
            #expect(names.contains { $0.hasPrefix("\(name).damaged-") }, "\(names) \(what)")
            let status = try await Programs.run("millrace-client", ["status", "--json", "--data", copy])
            #expect(status.output.contains("\(name).damaged-"), "status: \(status.output) \(what)")
        }
    }
}
