import Domain
import Manifest
import Testing

/// A key, the values at the edges of its range, and values just outside or of another type.
struct KeyCase: Sendable, CustomTestStringConvertible {
    var path: String
    var right: [String]
    var wrong: [String]
    var testDescription: String { path }
}

@Suite struct RangeTests {
    static let cases = [
        KeyCase(
            path: "name", right: ["a", "a-1", String(repeating: "a", count: 64)],
            wrong: ["A", "-a", "a-", "a b", "a_b", "\"\"", String(repeating: "a", count: 65), "[a]"]),
        KeyCase(path: "title", right: ["x", "5", "\"a: b\""], wrong: ["", "\"\"", "\"a\\nb\"", "{a: 1}"]),
        KeyCase(path: "description", right: ["x", "\"a\\nb\""], wrong: ["", "~", "[x]"]),
        KeyCase(path: "science_area", right: ["astronomy"], wrong: ["", String(repeating: "x", count: 65)]),
        KeyCase(path: "licence", right: ["MIT", "cc-by-4.0"], wrong: ["mine", "CC-BY", ""]),
        KeyCase(path: "app", right: ["prime-count"], wrong: ["primes", "", "[prime-count]"]),
        KeyCase(
            path: "split.steps_per_unit", right: ["1", "1000000000", "1_000", "+5"],
            wrong: ["0", "-1", "1000000001", "1.5", "1e3", "0x10", "nan", "\"5\"", "99999999999999999999", "1__0"]),
        KeyCase(path: "replication.quorum", right: ["1", "16"], wrong: ["0", "17", "two", "~"]),
        KeyCase(path: "replication.initial", right: ["2", "32"], wrong: ["1", "33", "0"]),
        KeyCase(path: "replication.max_total", right: ["2", "32"], wrong: ["1", "33", "0"]),
        KeyCase(path: "replication.max_errors", right: ["1", "32"], wrong: ["0", "33"]),
        KeyCase(
            path: "replication.deadline",
            right: ["1", "1 s", "0.5 min", "2 h", "2h", "366 days", "\"3 days\"", "1 week", "31622400"],
            wrong: ["0", "0.9 s", "367 days", "2 fortnights", "soon", "-2 h", "nan", "inf", "1e99 h"]),
        KeyCase(
            path: "resources.flops_per_step", right: ["1", "1e21", "0.5", "2.5e9"],
            wrong: ["0", "-1", "1.1e21", "inf", "nan", "0x1p3"]),
        KeyCase(path: "resources.flops_bound_factor", right: ["1", "1000"], wrong: ["0.99", "1000.1"]),
        KeyCase(
            path: "resources.memory", right: ["1 MiB", "1 TiB", "1048576", "1.5 GB", "64MB"],
            wrong: ["1048575", "1.1 TiB", "1 MiBs", "lots", "1e30", "1048576.5"]),
        KeyCase(path: "resources.disk", right: ["1 MiB", "1 TiB"], wrong: ["1023 KiB", "2 TiB"]),
        KeyCase(path: "resources.output", right: ["1", "256 MiB"], wrong: ["0", "257 MiB", "1.1 GiB"]),
        KeyCase(
            path: "validation.check_each", right: ["true", "false"], wrong: ["yes", "1", "\"true\"", "True", ""]),
        KeyCase(path: "validation.rule", right: ["quorum", "adaptive"], wrong: ["proof", "Quorum", "1", "~"]),
        KeyCase(path: "replication.distinct_networks", right: ["true", "false"], wrong: ["yes", "1"]),
        KeyCase(path: "replication.distinct_teams", right: ["true", "false"], wrong: ["no", "[]"]),
        KeyCase(path: "replication.same_hardware", right: ["true", "false"], wrong: ["amd", "0"]),
        KeyCase(path: "validation.check_rate", right: ["0.001", "1", "0.25"], wrong: ["0", "1.1", "-0.1", "x"]),
        KeyCase(path: "validation.window", right: ["1", "1000"], wrong: ["0", "1001", "2.5", "x"]),
        KeyCase(
            path: "validation.compare_program", right: ["c.py", "tools/compare", "x/a_b-c.sh"],
            wrong: ["", "/bin/ls", "../c.py", "a b.py", "-c.py", ".c.py", "[c.py]"]),
        KeyCase(path: "credit.factor", right: ["0", "10", "0.25"], wrong: ["-0.1", "10.1", "x"]),
    ]

    private static func manifest(_ path: String, _ value: String) -> String {
        let parts = path.split(separator: ".").map(String.init)
        let text = Fixtures.manifest()
        if path == "split.steps_per_unit" { return Fixtures.manifest(split: value) }
        if parts.count == 2 { return text + "\n\(parts[0]):\n  \(parts[1]): \(value)\n" }
        return text.split(separator: "\n").map { line in
            line.hasPrefix("\(path):") ? "\(path): \(value)" : String(line)
        }.joined(separator: "\n")
    }

    @Test(arguments: cases) func edges(_ key: KeyCase) {
        for value in key.right {
            #expect(Fixtures.faults(Self.manifest(key.path, value)) == [], "\(key.path): \(value)")
        }
        for value in key.wrong {
            let faults = Fixtures.faults(Self.manifest(key.path, value))
            #expect(!faults.isEmpty, "\(key.path): \(value)")
            #expect(faults.allSatisfy { $0.message.contains(key.path) }, "\(faults)")
        }
    }

    /// The tolerances need an app that compares by tolerance; the inputs an app that has some; the list `compare`,
    /// what goes with a comparing program, and `program` have tests of their own.
    @Test func everyKeyHasACase() {
        let elsewhere = [
            "parameters", "inputs", "inputs[].name", "inputs[].file", "inputs[].packing",
            "validation.relative_tolerance", "validation.absolute_tolerance", "validation.compare",
            "validation.compare_arguments", "validation.compare_time",
        ]
        let scalars = ManifestKeys.all.filter { $0.kind != .section }.map(\.path)
            .filter { !$0.hasPrefix("validation.compare[]") && !$0.hasPrefix("program.") }
        #expect(Set(scalars) == Set(Self.cases.map(\.path) + elsewhere))
    }

    @Test func defaultsAreThoseOfTheTable() throws {
        let spec = try #require(Fixtures.spec(Fixtures.manifest()))
        #expect(
            spec.replication
                == ReplicationRule(
                    quorum: 2, initial: 2, maxTotal: 8, maxErrors: 4, deadline: TimeSpan(seconds: 259_200)))
        #expect(spec.resources.memoryBytes == 512 << 20)
        #expect(spec.resources.diskBytes == 256 << 20)
        #expect(spec.resources.outputBytes == 1 << 20)
        #expect(spec.resources.flopsPerStep == nil)
        #expect(spec.resources.flopsBoundFactor == 20)
        #expect(spec.validation == ValidationRule(checkEach: true, relativeTolerance: nil, absoluteTolerance: nil))
        #expect(spec.credit.factor == 1)
    }

    @Test func initialFollowsQuorumAndMaxTotalFollowsInitial() throws {
        let spec = try #require(Fixtures.spec(Fixtures.manifest("replication:\n  quorum: 12")))
        #expect(spec.replication.initial == 12)
        #expect(spec.replication.maxTotal == 12)
    }

    @Test func aLicenceIsWrittenAsSPDXWritesIt() throws {
        let text = Fixtures.manifest().replacing("CC0-1.0", with: "apache-2.0")
        #expect(Fixtures.spec(text)?.licence == "Apache-2.0")
    }

    @Test(arguments: [
        ("replication:\n  quorum: 4\n  initial: 3", "replication.initial", 11),
        ("replication:\n  initial: 9\n  max_total: 8", "replication.max_total", 11),
        ("replication:\n  max_total: 8\n  quorum: 9", "replication.max_total", 10),
        ("resources:\n  disk: 2 MiB\n  output: 3 MiB", "resources.output", 11),
        ("validation:\n  relative_tolerance: 0.1", "validation.relative_tolerance", 10),
        ("validation:\n  absolute_tolerance: 0.1", "validation.absolute_tolerance", 10),
    ])
    func rulesBetweenKeys(lines: String, path: String, line: Int) {
        let faults = Fixtures.faults(Fixtures.manifest(lines))
        #expect(faults.count == 1)
        #expect(faults.first?.message.contains(path) == true)
        #expect(faults.first?.line == line)
    }

    @Test func aSingleUncheckedResultIsAWarning() {
        let text = Fixtures.manifest("replication:\n  quorum: 1\nvalidation:\n  check_each: false")
        guard case .success(_, let warnings) = ManifestParser.parse(text, file: "p", apps: Fixtures.apps) else {
            Issue.record("a warning is no fault")
            return
        }
        #expect(warnings.count == 1)
        #expect(warnings.first?.line == 10)
    }
}
