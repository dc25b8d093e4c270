import Foundation

/// `work-units/` of this checkout.
enum SampleFolder {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("work-units")
    static let golden = root.appendingPathComponent("golden")
    static let bad = root.appendingPathComponent("bad")

    /// Set it to write the samples anew after a change of the format: `MILLRACE_WRITE_SAMPLES=1 swift test`.
    static let isWriting = ProcessInfo.processInfo.environment["MILLRACE_WRITE_SAMPLES"] != nil

    static func bytes(_ folder: URL, _ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: folder.appendingPathComponent(name)))
    }

    static func write(_ bytes: [UInt8], _ folder: URL, _ name: String) throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try Data(bytes).write(to: folder.appendingPathComponent(name))
    }

    static func names(_ folder: URL, ending: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(ending) }.sorted()
    }
}
