import Bytes
import Domain
import Foundation
import Testing
import Wire

@Suite struct ConversionTests {
    static let profile = HostProfile(
        name: "mühle", platform: "x86_64-linux", cpuModel: "Xeon", cores: 2, memoryBytes: 24 << 30,
        diskFreeBytes: 1 << 40, benchmarkFlopsPerSecond: 3.5e9, clientVersion: "0.1.0")

    @Test func profileComesBack() throws {
        #expect(try WireHostProfileMessage(Self.profile).domain() == Self.profile)
    }

    typealias ProfileChange = @Sendable (inout WireHostProfileMessage) -> Void
    static let badProfiles: [(String, ProfileChange)] = [
        ("profile.name", { $0.name = String(repeating: "n", count: 65) }),
        ("profile.name", { $0.name = "two\nlines" }),
        ("profile.cpu_model", { $0.cpuModel = String(repeating: "n", count: 257) }),
        ("profile.cores", { $0.cores = 0 }),
        ("profile.cores", { $0.cores = 70_000 }),
        ("profile.memory_bytes", { $0.memoryBytes = .max }),
        ("profile.benchmark_flops_per_second", { $0.benchmarkFlopsPerSecond = .nan }),
        ("profile.benchmark_flops_per_second", { $0.benchmarkFlopsPerSecond = -1 }),
        ("profile.benchmark_flops_per_second", { $0.benchmarkFlopsPerSecond = .infinity }),
    ]

    @Test(arguments: badProfiles)
    func profileIsBounded(field: String, change: ProfileChange) {
        var message = WireHostProfileMessage(Self.profile)
        change(&message)
        #expect(throws: WireError.outOfRange(field: field)) { try message.domain() }
    }

    @Test(arguments: InputPacking.allCases)
    func inputComesBack(packing: InputPacking) throws {
        let reference = InputReference(
            name: "photons", digest: SHA256Hash.digest(of: [1]), size: 77_000, packing: packing)
        #expect(try WireInputRef(reference).domain() == reference)
        var short = WireInputRef(reference)
        short.sha256.removeLast()
        #expect(throws: WireError.outOfRange(field: "inputs.sha256")) { try short.domain() }
        var other = WireInputRef(reference)
        other.packing = "zip"
        #expect(throws: WireError.outOfRange(field: "inputs.packing")) { try other.domain() }
        var large = WireInputRef(reference)
        large.size = UInt64(Limits.inputBytesMax) + 1
        #expect(throws: WireError.outOfRange(field: "inputs.size")) { try large.domain() }
    }

    @Test(arguments: [
        ParameterValue.integer(-3), .real(0.1), .text(""), .text("fast"), .reals([]), .reals([1, -2.5e-18]),
    ])
    func parameterComesBack(value: ParameterValue) throws {
        let parameter = Parameter(name: "lag_window", value: value)
        let bytes = try StrictDecode.bytes(of: WireParameterMessage(parameter))
        let message = try StrictDecode.message(WireParameterMessage.self, from: bytes, limit: 1000)
        #expect(try message.domain() == parameter)
    }

    @Test func parametersAreFinite() {
        for value in [ParameterValue.real(.nan), .reals([1, .infinity])] {
            let message = WireParameterMessage(Parameter(name: "x", value: value))
            #expect(throws: WireError.outOfRange(field: "parameter x")) { try message.domain() }
        }
        var empty = WireParameterMessage()
        empty.name = "x"
        #expect(throws: WireError.outOfRange(field: "parameter x")) { try empty.domain() }
    }

    @Test func differenceComesBackEvenInfinite() throws {
        let difference = Difference(element: "candidates[3].power", distance: .infinity, tolerance: 1e-5)
        #expect(try WireDifferenceMessage(difference).domain() == difference)
    }

    static let schema = AppSchema(
        name: "gamma-pulsar", version: 3, title: "Blind search", step: "one ratio of one band",
        parameters: [
            parameter("lag_window_s", .real, .real(524_288), minimum: 1, maximum: 1e9),
            parameter("top", .integer, .integer(20), minimum: 1), parameter("ratios", .reals, .reals([0, -2.1e-18])),
            parameter("none", .reals, .reals([])), parameter("mode", .text, .text("fast"), choices: ["fast", "best"]),
            parameter("suffix", .text, .text("")), parameter("quoted", .text, .text("\"")),
            parameter("needed", .real, nil),
        ],
        inputs: [InputSchema(name: "photons", packing: .table, columns: ["time_s", "weight"], description: "d")],
        numericClass: .tolerance(relative: 1e-5, absolute: 0))

    static func parameter(
        _ name: String, _ kind: ParameterSchema.Kind, _ value: ParameterValue?, minimum: Double? = nil,
        maximum: Double? = nil, choices: [String] = []
    ) -> ParameterSchema {
        ParameterSchema(
            name: name, kind: kind, unit: "s", defaultValue: value, minimum: minimum, maximum: maximum,
            choices: choices, description: "about \(name)")
    }

    @Test func schemaComesBack() throws {
        #expect(try WireAppSchemaMessage(Self.schema).domain() == Self.schema)
        var exact = Self.schema
        exact.numericClass = .exact
        #expect(try WireAppSchemaMessage(exact).domain() == exact)
    }

    @Test func schemaIsChecked() {
        var message = WireAppSchemaMessage(Self.schema)
        message.numericClass = "roughly"
        #expect(throws: WireError.outOfRange(field: "numeric_class")) { try message.domain() }
        message = WireAppSchemaMessage(Self.schema)
        message.parameters[1].defaultText = "twenty"
        #expect(throws: WireError.outOfRange(field: "top.default_text")) { try message.domain() }
        message.parameters[1].defaultText = "20"
        message.parameters[0].type = "complex"
        #expect(throws: WireError.outOfRange(field: "lag_window_s.type")) { try message.domain() }
    }
}
