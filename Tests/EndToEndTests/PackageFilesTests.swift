import Foundation
import Testing

/// The files under `client/`, as far as that is quick; `make test-package` installs them.
@Suite("Package of the client", .placed)
struct PackageFilesTests {
    private static let systemd = ["/usr/bin/systemd-analyze", "/bin/systemd-analyze"].first {
        FileManager.default.isExecutableFile(atPath: $0)
    }
    private let client = repositoryRoot.appending(path: "client")

    private func text(_ path: String) throws -> String {
        try String(contentsOf: client.appending(path: path), encoding: .utf8)
    }

    private func tool(_ path: String, _ arguments: [String], in folder: TemporaryFolder) async throws
        -> (status: Int32, output: String)
    {
        let out = folder.path("out-\(UUID().uuidString)")
        let status = await (try Running(path, arguments, outputPath: out, errorPath: out)).wait(limitSeconds: 120)
        return (status, try String(contentsOfFile: out, encoding: .utf8))
    }

    @Test("The change log of the package has the client's version")
    func version() async throws {
        let version = try await Programs.run("millrace-client", ["--version"])
        let first = try text("debian/changelog").prefix { $0 != "\n" }
        let told = version.output.trimmingCharacters(in: .whitespacesAndNewlines)
        #expect(version.status == 0 && first.hasPrefix("millrace (\(told)) "), "\(first)")
    }

    @Test("systemd takes the units, and finds little to expose", .enabled(if: systemd != nil))
    func units() async throws {
        let systemd = try #require(Self.systemd)
        let folder = try TemporaryFolder()
        let program = Programs.path("millrace-client")
        let (service, slice) = (folder.path("millrace-client.service"), folder.path("millrace.slice"))
        try text("systemd/system/millrace-client.service").replacingOccurrences(
            of: "/usr/bin/millrace-client", with: program
        ).write(toFile: service, atomically: true, encoding: .utf8)
        try text("systemd/millrace.slice").write(toFile: slice, atomically: true, encoding: .utf8)
        let verify = try await tool(systemd, ["verify", "--man=no", service, slice], in: folder)
        #expect(verify.status == 0 && verify.output.isEmpty, "\(verify.output)")
        let security = try await tool(systemd, ["security", "--offline=yes", "--threshold=36", service], in: folder)
        #expect(security.status == 0, "\(security.output.suffix(200))")
        let user = folder.path("millrace-user.service")
        try text("systemd/user/millrace-client.service").replacingOccurrences(
            of: "@bindir@/millrace-client", with: program
        ).write(toFile: user, atomically: true, encoding: .utf8)
        let ofUser = try await tool(systemd, ["verify", "--user", "--man=no", user], in: folder)
        // Where there is no session, systemd says so and has still read the unit.
        #expect(!ofUser.output.contains("millrace-user.service"), "\(ofUser.output)")
    }

    @Test("The client takes the options that the units and the examples give it")
    func options() async throws {
        let help = try await Programs.run("millrace-client", ["help", "run"]).output
        let files = [
            "systemd/system/millrace-client.service", "systemd/user/millrace-client.service",
            "slurm/millrace-backfill.sbatch", "kubernetes/backfill.yaml",
        ]
        for file in files {
            let runs = try text(file).split(separator: "\n").filter {
                $0.contains("millrace-client run") && !$0.drop(while: \.isWhitespace).hasPrefix("#")
            }
            #expect(!runs.isEmpty, "\(file)")
            for option in runs.joined(separator: " ").matches(of: /--[a-z][a-z-]*/).map(\.output) {
                #expect(help.contains("\(option)"), "\(file): run has no \(option)")
            }
        }
    }

    @Test("A walltime that is none is refused before anything runs", arguments: ["soon", "2 h", "-1"])
    func walltime(text: String) async throws {
        let folder = try TemporaryFolder()
        let outcome = try await Programs.run(
            "millrace-client", ["run", "--walltime=\(text)", "--data", folder.path("client")])
        #expect(outcome.status == 64 && outcome.errors.contains("--walltime"), "\(outcome.errors)")
        #expect(!FileManager.default.fileExists(atPath: folder.path("client")))
    }

    @Test(
        "Shells can read the scripts",
        arguments: [
            "tarball/install.sh", "slurm/millrace-backfill.sbatch", "debian/millrace-client.postinst",
            "debian/millrace-client.postrm", "../scripts/package.sh", "../scripts/test-package.sh",
            "../scripts/boot-root.sh", "../scripts/small-project.sh",
        ])
    func scripts(path: String) async throws {
        let folder = try TemporaryFolder()
        let check = try await tool("/bin/sh", ["-n", client.appending(path: path).path], in: folder)
        #expect(check.status == 0, "\(check.output)")
    }
}
