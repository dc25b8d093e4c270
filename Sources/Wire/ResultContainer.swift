import Domain

/// A result as it travels: header and `WireResultBody`. Not signed: the signed report names its SHA-256.
public enum ResultContainer {
    public static func encode(_ body: WireResultBody) throws(WireError) -> [UInt8] {
        try check(body, limit: Limits.resultBytesMax)
        return try ContainerFrame.encode(
            .result, body: try StrictDecode.bytes(of: body), limit: Limits.resultBytesMax)
    }

    /// - Parameter limit: the unit's `output_bytes_max`; bounds the container, and also what its sections declare to
    ///   have together when unpacked.
    public static func decode(_ bytes: [UInt8], limit: Int) throws(WireError) -> WireResultBody {
        let limit = min(limit, Limits.resultBytesMax)
        let frame = try ContainerFrame.decode(.result, bytes, limit: limit)
        let body = try StrictDecode.message(
            WireResultBody.self, from: frame, limit: limit,
            repeats: [.init(field: 5, name: "sections", limit: Limits.workUnitSectionsMax)])
        try check(body, limit: limit)
        return body
    }

    private static func check(_ body: WireResultBody, limit: Int) throws(WireError) {
        try FieldRules.unitID(body.unitID)
        try FieldRules.sha256(body.unitSha256, "unit_sha256")
        try FieldRules.word(body.app, "app", max: Limits.projectNameBytesMax)
        try SectionRules.check(
            body.sections, countMax: Limits.workUnitSectionsMax, sectionMax: limit, limit: limit,
            field: "result, decompressed")
    }
}
