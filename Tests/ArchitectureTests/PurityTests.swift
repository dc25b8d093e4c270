import Testing

/// The pure core reads no clock, draws no random number and knows no file: DESIGN rule "one pure core, thin edges".
@Suite("The cores are pure")
struct PurityTests {
    static let pure: Set = [
        "Domain", "Bytes", "Wire", "YAMLText", "Manifest", "Preferences", "Plugins", "Engine", "Compute", "Apps",
        "Comparators", "Storage", "ServerCore", "ClientCore", "Transparency", "Releases",
    ]
    static let forbidden = [
        "Date()", "Date.now", ".random(", "SystemRandomNumberGenerator", "ContinuousClock", "SuspendingClock",
        "FileManager", "ProcessInfo", "getenv(", "clock_gettime", "gettimeofday", "time(nil)", "import Foundation\n",
    ]
    /// What a module needs and why it is no decision: (file, word).
    static let exceptions: Set = [
        // A new key is random by definition; it is made at the edges only.
        "Sources/Bytes/Signing.swift|SystemRandomNumberGenerator"
    ]

    @Test("No clock, no randomness, no files in layers 1 to 4")
    func noEffects() throws {
        var files = 0
        for file in try Repository.swiftFiles(under: "Sources") where Self.pure.contains(file.module) {
            files += 1
            for (number, line) in file.lines.enumerated() where !line.trimmed.hasPrefix("//") {
                for word in Self.forbidden where (line + "\n").contains(word) {
                    #expect(
                        Self.exceptions.contains("\(file.path)|\(word)"), "\(file.path):\(number + 1) uses \(word)")
                }
            }
        }
        #expect(files > 60)
    }

    @Test("No async in layers 1 to 4: decisions are synchronous")
    func noAsync() throws {
        for file in try Repository.swiftFiles(under: "Sources") where Self.pure.contains(file.module) {
            for (number, line) in file.lines.enumerated() where !line.trimmed.hasPrefix("//") {
                #expect(
                    !line.contains(" async ") && !line.contains("await ")
                        && line.firstMatch(of: /\bactor\s+[A-Z]/) == nil,
                    "\(file.path):\(number + 1) is not synchronous")
            }
        }
    }
}

extension String {
    var trimmed: Substring { self[...].drop { $0 == " " } }
}
