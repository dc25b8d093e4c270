import Bytes
import Domain
import Foundation
import Testing

/// What is fed with changed messages, and what it promises of them.
protocol FuzzTarget {
    /// Letters and digits.
    static var name: String { get }
    var mutator: Mutator { get }

    /// Feeds one message.
    /// - Returns: whether it was taken; a refusal is as good.
    /// - Throws: `BrokenPromise`.
    mutating func feed(_ message: [UInt8], _ random: inout SeededGenerator) throws -> Bool
}

/// What must never happen, with what happened instead.
struct BrokenPromise: Error, CustomStringConvertible {
    var description: String

    init(_ description: String) { self.description = description }
}

enum FuzzRun {
    private static let environment = ProcessInfo.processInfo.environment
    /// Of all targets together.
    static let cases = environment["MILLRACE_FUZZ_CASES"].flatMap { Int($0) } ?? 1_000_000
    static let seed = environment["MILLRACE_FUZZ_SEED"].flatMap { UInt64($0) } ?? 20_261_126
    /// Whether this process does nothing else, so that its memory is the fuzzer's.
    static let isAlone = environment["MILLRACE_FUZZ_CASES"] != nil
    static let corpus = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Corpus")

    /// The generator of one case.
    static func generator(_ target: String, _ number: Int) -> SeededGenerator {
        var mixed = SHA256Hash.digest(of: Array("\(seed) \(target)".utf8)).bytes.prefix(8).reduce(UInt64(0)) {
            $0 << 8 | UInt64($1)
        }
        mixed = mixed &+ UInt64(number) &* 0xD134_2543_DE82_EF95
        return SeededGenerator(seed: mixed)
    }

    /// Runs a target's share of all cases; the first broken promise is recorded, and its message kept.
    /// - Parameter share: in thousandths.
    static func run<T: FuzzTarget>(_ make: @escaping @Sendable () throws -> T, share: Int) async throws {
        // Minutes of work: on a thread of its own, since the tests of servers need the few that tasks have.
        let taken = try await withCheckedThrowingContinuation { done in
            let thread = Thread { done.resume(with: Result { runAll(try make(), share: share) }) }
            thread.stackSize = 8 << 20
            thread.start()
        }
        let count = caseCount(share)
        print("fuzz \(T.name): \(count) cases, \(taken.taken) taken, \(count - taken.taken) refused")
        if let broken = taken.broken { Issue.record("\(broken)") }
        // A target that takes everything, or nothing, tests nothing.
        if count >= 5000 {
            #expect(taken.taken * 1000 > count, "\(T.name) takes next to nothing")
            #expect((count - taken.taken) * 1000 > count, "\(T.name) refuses next to nothing")
        }
    }

    private static func caseCount(_ share: Int) -> Int { max(1, cases * share / 1000) }

    private static func runAll<T: FuzzTarget>(_ target: T, share: Int) -> (taken: Int, broken: String?) {
        var target = target
        var taken = 0
        CrashNote.begin(T.name)
        defer { CrashNote.end() }
        for number in 0..<caseCount(share) {
            var random = generator(T.name, number)
            let message = target.mutator.next(&random)
            CrashNote.note(message, number)
            do {
                if try target.feed(message, &random) { taken += 1 }
            } catch {
                let file = corpus.appending(path: "\(T.name)-\(seed)-\(number).bin")
                try? Data(message).write(to: file)
                return (
                    taken, "\(T.name), seed \(seed), case \(number): \(error); message in \(file.lastPathComponent)"
                )
            }
        }
        return (taken, nil)
    }

    /// Feeds what broke a promise once.
    static func runCorpus<T: FuzzTarget>(_ target: T) throws {
        var target = target
        let names = try FileManager.default.contentsOfDirectory(atPath: corpus.path)
        for name in names.sorted() where name.hasPrefix("\(T.name)-") && name.hasSuffix(".bin") {
            let message = Array(try Data(contentsOf: corpus.appending(path: name)))
            for choice in 0..<32 {
                var random = generator(name, choice)
                do { _ = try target.feed(message, &random) } catch { Issue.record("\(name): \(error)") }
            }
        }
    }

    /// The process's largest memory so far, in bytes.
    static func peakMemory() throws -> Int {
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") })
        return try #require(line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) }) * 1024
    }
}
