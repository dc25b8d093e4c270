import Foundation
import Testing

/// The volunteer's preferences with the real programs.
@Suite("Preferences, real programs", .placed)
struct PreferencesTests {
    @Test(
        "prefs shows values and origins, --check refuses with every place, --example is right; each has its exit code")
    func command() async throws {
        let folder = try TemporaryFolder()
        let data = folder.path("client")
        try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: true)
        let plain = try await Programs.run("millrace-client", ["prefs", "--data", data])
        #expect(plain.status == 0 && plain.output.contains("preset standard"), "\(plain.errors)")
        let example = try await Programs.run("millrace-client", ["prefs", "--example"])
        #expect(example.status == 0)
        try example.output.write(toFile: data + "/preferences.yaml", atomically: true, encoding: .utf8)
        let right = try await Programs.run("millrace-client", ["prefs", "--check", data + "/preferences.yaml"])
        #expect(right.status == 0, "\(right.errors)")
        try "in_use:\n  cores: 0\nnowhere: 1\n".write(
            toFile: data + "/preferences.yaml", atomically: true, encoding: .utf8)
        for arguments in [["--check", data + "/preferences.yaml"], ["--data", data], ["--data", data, "--json"]] {
            let wrong = try await Programs.run("millrace-client", ["prefs"] + arguments)
            #expect(wrong.status == 65)
            #expect(wrong.errors.contains("preferences.yaml:2:10: ") && wrong.errors.contains("preferences.yaml:3:1: "))
        }
        let missing = try await Programs.run("millrace-client", ["prefs", "--check", data + "/none.yaml"])
        #expect(missing.status == 66)
        let usage = try await Programs.run("millrace-client", ["run", "--cores", "0", "--data", data])
        #expect(usage.status == 64 && usage.errors.contains("--cores"), "\(usage.errors)")
    }
}
