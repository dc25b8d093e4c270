import Foundation
import TestChild
import Testing

/// The built programs, run as a person would run them.
enum Programs {
    /// The folder of the test binary is the folder of the programs.
    static let folder: URL = {
        let link = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return URL(filePath: link).deletingLastPathComponent()
    }()

    static func path(_ name: String) -> String { folder.appending(path: name).path }

    struct Outcome {
        let status: Int32
        let output: String
        let errors: String
    }

    /// Runs a program to its end; it is killed after `limitSeconds`, which makes the test fail by its status.
    static func run(
        _ name: String, _ arguments: [String], environment: [String: String] = [:], limitSeconds: Double = 900
    ) async throws -> Outcome {
        let scratch = try TemporaryFolder()
        let outPath = scratch.path("out")
        let errorPath = scratch.path("err")
        let running = try Running(
            name, arguments, environment: environment, outputPath: outPath, errorPath: errorPath)
        let status = await running.wait(limitSeconds: limitSeconds)
        return Outcome(
            status: status, output: (try? String(contentsOfFile: outPath, encoding: .utf8)) ?? "",
            errors: (try? String(contentsOfFile: errorPath, encoding: .utf8)) ?? "")
    }
}

/// A program that goes on while the test does something else. Killed at the latest when it goes out of sight.
final class Running {
    let process = TestChild()

    init(
        _ name: String, _ arguments: [String], environment: [String: String] = [:], outputPath: String,
        errorPath: String
    ) throws {
        // A program of ours by its name, another by its path.
        try process.run(
            name.hasPrefix("/") ? name : Programs.path(name), arguments,
            environment: ProcessInfo.processInfo.environment.merging(environment) { _, new in new },
            outputPath: outputPath, errorPath: errorPath)
    }

    deinit { killNow() }

    var pid: Int32 { process.processIdentifier }

    /// SIGKILL, and wait until it is gone.
    func killNow() {
        guard process.isRunning else { return }
        kill(pid, SIGKILL)
        process.waitUntilExit()
    }

    /// SIGTERM, then the exit status.
    func stop(limitSeconds: Double = 120) async -> Int32 {
        process.terminate()
        return await wait(limitSeconds: limitSeconds)
    }

    /// Lets other tests go on meanwhile.
    func wait(limitSeconds: Double) async -> Int32 {
        let end = Date().addingTimeInterval(limitSeconds)
        while process.isRunning && Date() < end { try? await Task.sleep(for: .milliseconds(20)) }
        if process.isRunning {
            killNow()
            return 137
        }
        return process.terminationStatus
    }
}

/// A folder of the test's own, removed with it.
final class TemporaryFolder {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory.appending(path: "millrace-test-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    func path(_ name: String) -> String { url.appending(path: name).path }
}

/// Waits until a condition holds, looking often; false when it never did.
func eventually(limitSeconds: Double = 900, _ condition: () async throws -> Bool) async throws -> Bool {
    let end = Date().addingTimeInterval(limitSeconds)
    while Date() < end {
        if try await condition() { return true }
        try await Task.sleep(for: .milliseconds(50))
    }
    return try await condition()
}

let repositoryRoot = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()
