import Domain
import FoundationEssentials

extension WireHostProfileMessage {
    public init(_ profile: HostProfile) {
        self.init()
        name = profile.name
        platform = profile.platform
        cpuModel = profile.cpuModel
        cores = UInt32(clamping: profile.cores)
        memoryBytes = UInt64(clamping: profile.memoryBytes)
        diskFreeBytes = UInt64(clamping: profile.diskFreeBytes)
        benchmarkFlopsPerSecond = profile.benchmarkFlopsPerSecond
        clientVersion = profile.clientVersion
    }

    /// - Throws: `.outOfRange` with the field's name.
    public func domain() throws(WireError) -> HostProfile {
        try FieldRules.text(name, "profile.name", max: Limits.volunteerNameBytesMax)
        try FieldRules.text(platform, "profile.platform")
        try FieldRules.text(cpuModel, "profile.cpu_model")
        try FieldRules.text(clientVersion, "profile.client_version")
        guard (1...65_536).contains(cores) else { throw .outOfRange(field: "profile.cores") }
        try FieldRules.size(memoryBytes, "profile.memory_bytes", max: Int.max)
        try FieldRules.size(diskFreeBytes, "profile.disk_free_bytes", max: Int.max)
        try FieldRules.number(
            benchmarkFlopsPerSecond, "profile.benchmark_flops_per_second", in: 0...Limits.flopsMax)
        return HostProfile(
            name: name, platform: platform, cpuModel: cpuModel, cores: Int(cores), memoryBytes: Int64(memoryBytes),
            diskFreeBytes: Int64(diskFreeBytes), benchmarkFlopsPerSecond: benchmarkFlopsPerSecond,
            clientVersion: clientVersion)
    }
}

extension WireInputRef {
    public init(_ reference: InputReference) {
        self.init()
        name = reference.name
        sha256 = Data(reference.digest.bytes)
        size = UInt64(clamping: reference.size)
        packing = reference.packing.rawValue
    }

    /// - Throws: `.outOfRange` with the field's name.
    public func domain() throws(WireError) -> InputReference {
        try FieldRules.word(name, "inputs.name", max: Limits.inputNameBytesMax)
        try FieldRules.size(size, "inputs.size", max: Limits.inputBytesMax)
        guard let digest = Digest(bytes: sha256) else { throw .outOfRange(field: "inputs.sha256") }
        guard let packing = InputPacking(rawValue: packing) else { throw .outOfRange(field: "inputs.packing") }
        return InputReference(name: name, digest: digest, size: Int64(size), packing: packing)
    }
}

extension WireParameterMessage {
    public init(_ parameter: Parameter) {
        self.init()
        name = parameter.name
        switch parameter.value {
        case .integer(let value): integer = value
        case .real(let value): real = value
        case .text(let value): text = value
        case .reals(let values): reals.values = values
        }
    }

    /// - Throws: `.outOfRange` with the parameter's name, also for numbers that are not finite.
    public func domain() throws(WireError) -> Parameter {
        try FieldRules.word(name, "parameters.name")
        switch value {
        case .integer(let value): return Parameter(name: name, value: .integer(value))
        case .real(let value) where value.isFinite: return Parameter(name: name, value: .real(value))
        case .text(let value) where value.utf8.count <= Limits.manifestBytesMax:
            return Parameter(name: name, value: .text(value))
        case .reals(let list) where list.values.allSatisfy(\.isFinite):
            return Parameter(name: name, value: .reals(list.values))
        case .real, .text, .reals, nil: throw .outOfRange(field: "parameter \(name)")
        }
    }
}

extension WireDifferenceMessage {
    public init(_ difference: Difference) {
        self.init()
        element = difference.element
        distance = difference.distance
        tolerance = difference.tolerance
    }

    /// A distance may be infinite or NaN: that is what a comparison with such a value gives.
    /// - Throws: `.outOfRange` for an element's name that is too long.
    public func domain() throws(WireError) -> Difference {
        try FieldRules.text(element, "difference.element", max: Limits.messageBytesMax)
        return Difference(element: element, distance: distance, tolerance: tolerance)
    }
}
