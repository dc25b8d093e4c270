import Bytes
import Domain
import Manifest
import Wire

/// The scientist's YAML.
///
/// Promise: whatever the text is, there is a project or a list of faults, each with words and a place.
struct ManifestTarget: FuzzTarget {
    static let name = "manifests"

    static let apps = [
        AppSchema(
            name: "line-search", version: 1, title: "Line search", step: "one row",
            parameters: [
                ParameterSchema(
                    name: "frequency", kind: .real, unit: "Hz", defaultValue: .real(1), minimum: 0, maximum: 4096,
                    description: "Edge."),
                ParameterSchema(
                    name: "harmonics", kind: .integer, unit: "", defaultValue: .integer(1), minimum: 1, maximum: 16,
                    description: "Harmonics."),
                ParameterSchema(
                    name: "ratios", kind: .reals, unit: "", defaultValue: .reals([0]), minimum: -1, maximum: 1,
                    description: "Ratios."),
                ParameterSchema(
                    name: "window", kind: .text, unit: "", defaultValue: .text("hann"), minimum: nil, maximum: nil,
                    choices: ["hann", "none"], description: "Window."),
            ],
            inputs: [InputSchema(name: "photons", packing: .plain, columns: [], description: "Photons.")],
            numericClass: .tolerance(relative: 1e-4, absolute: 0))
    ]

    static let manifest = """
        name: my-project
        title: "A title"
        description: |
          What for.
        science_area: mathematics
        licence: CC0-1.0
        app: line-search
        parameters:
          frequency: 1.5e2
          harmonics: 4
          ratios: [0, -0.5, 1.0e-3]
          window: none
        inputs:
          - name: photons
            file: input/photons.csv
            packing: plain
        split:
          steps_per_unit: 8
        replication:
          quorum: 2
          deadline: 1 h
        resources:
          memory: 256 MiB
        validation:
          relative_tolerance: 1.0e-5
        """

    /// What YAML makes of a few bytes: references, tags, directives, blocks, nesting.
    private static let pieces = [
        "&a [*a, *a]", "<<: *b", "!!binary |", "%YAML 1.2\n---\n", "--- >\n", "? ", "- - - - ", "{", "[", "\"", "'",
        "|2",
        "\t", "\u{FEFF}", "\u{85}", "\0", ": ", "#", "1e400", "0x7f", "~", ".nan", "-.inf", "name: ",
        "[[[[[[[[[[[[[[[[",
        "99999999999999999999", "1 GiB", "-3 d", "é", "\u{202E}", "\\u0000", "*", "&", "!<", "@",
    ]

    let mutator: Mutator

    init() throws {
        if case .faults(let faults) = ManifestParser.parse(Self.manifest, file: "p.yaml", apps: Self.apps) {
            throw BrokenPromise("the manifest that it begins with: \(faults.map(\.text))")
        }
        let piles = ["a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]\n", String(repeating: "[", count: 3000)]
        let texts = [Self.manifest, Self.manifest, Self.manifest] + piles
        mutator = Mutator(seeds: texts.map { (Array($0.utf8), .text) })
    }

    mutating func feed(_ message: [UInt8], _ random: inout SeededGenerator) throws -> Bool {
        var bytes = message
        // Changes inside the manifest that keep most of it.
        if random.nextIndex(below: 2) == 0 {
            bytes = Array(Self.manifest.utf8)
            for _ in 0...random.nextIndex(below: 2) {
                let at = random.nextIndex(below: bytes.count)
                let count = min(random.nextIndex(below: 6), bytes.count - at)
                bytes.replaceSubrange(at..<at + count, with: random.oneOf(Self.pieces).utf8)
            }
        }
        guard bytes.count <= Limits.manifestBytesMax else { return false }
        switch ManifestParser.parse(String(decoding: bytes, as: UTF8.self), file: "p.yaml", apps: Self.apps) {
        case .success(let spec, _):
            guard spec.app == "line-search", !spec.name.isEmpty else { throw BrokenPromise("took \(spec)") }
            return true
        case .faults(let faults):
            guard !faults.isEmpty else { throw BrokenPromise("refused without a fault") }
            for fault in faults where fault.line < 1 || fault.column < 1 || fault.message.isEmpty {
                throw BrokenPromise("a fault without place or words: \(fault)")
            }
            return false
        }
    }
}

/// Tables as text: what `millrace` reads of a scientist.
///
/// Promise: columns of finite numbers of one length, or a fault that names the file.
struct TableTextTarget: FuzzTarget {
    static let name = "tables"
    let mutator: Mutator

    init() throws {
        var random = SeededGenerator(seed: 5)
        let rows = (0..<12).map { "\($0),\(random.nextUnit()),\(Double($0) * -1e-3)" }
        let texts = [
            "time_s,weight,noise\n" + rows.joined(separator: "\n"), "a\r\n1\r\n2\r\n", "\u{FEFF}\"a\",b # c\n1e5,.5\n",
        ]
        mutator = Mutator(seeds: texts.map { (Array($0.utf8), .text) })
    }

    mutating func feed(_ message: [UInt8], _ random: inout SeededGenerator) throws -> Bool {
        let table: Table
        do throws(Fault) { table = try TableCSV.parse(message, file: "x.csv") } catch {
            guard error.message.hasPrefix("x.csv") else { throw BrokenPromise("a fault without its place: \(error)") }
            return false
        }
        guard table.columns.allSatisfy({ $0.allSatisfy { $0.isFinite } }) else {
            throw BrokenPromise("a number that is not finite is taken")
        }
        return true
    }
}
