import Bytes
import Domain
import FoundationEssentials

/// A work unit as it travels: header, `WireWorkUnitBody`, and the project's Ed25519 signature.
///
/// The body is not compressed as a whole: what is large in it are the sections, and those are. So signature and bounds
/// are checked over few bytes, and hostile sections are decompressed only in the worker child.
public enum UnitContainer {
    /// What stands before the container's bytes when it is signed, so that a signature cannot be used elsewhere.
    public static let signatureContext = "millrace-workunit-v1\n"

    /// - Throws: what `decode` would refuse is not made either.
    public static func encode(_ body: WireWorkUnitBody, key: SigningKey) throws(WireError) -> [UInt8] {
        try UnitRules.check(body)
        let limit = Limits.workUnitBytesMax - VerifyingKey.signatureByteCount
        let signed = try ContainerFrame.encode(.unit, body: try StrictDecode.bytes(of: body), limit: limit)
        return signed + key.sign(Array(signatureContext.utf8) + signed)
    }

    /// Checks sizes, version, signature, limits and declared sizes; sections are not decompressed yet.
    public static func decode(_ bytes: [UInt8], key: VerifyingKey) throws(WireError) -> WireWorkUnitBody {
        let body = try frame(bytes)
        let signed = bytes[..<(bytes.count - VerifyingKey.signatureByteCount)]
        let signature = Array(bytes.suffix(VerifyingKey.signatureByteCount))
        // The signature first: what is not from the project is not even parsed.
        guard key.isValid(signature: signature, for: Array(signatureContext.utf8) + signed) else {
            throw .badSignature
        }
        return try parse(body)
    }

    /// For the worker child and the server's own units, whose signature its parent has checked.
    public static func decodeUnverified(_ bytes: [UInt8]) throws(WireError) -> WireWorkUnitBody {
        try parse(try frame(bytes))
    }

    /// - Throws: `.hashMismatch` unless these bytes are what `dictionary_sha256` names; `.wrongDictionary` when the
    ///   unit has none.
    public static func checkDictionary(_ dictionary: [UInt8], for body: WireWorkUnitBody) throws(WireError) {
        if dictionary.count > Limits.dictionaryBytesMax {
            throw .tooLarge(field: "dictionary", limit: Limits.dictionaryBytesMax)
        }
        guard SHA256Hash.digest(of: dictionary).bytes == Array(body.dictionarySha256) else { throw .hashMismatch }
    }

    private static func frame(_ bytes: [UInt8]) throws(WireError) -> ArraySlice<UInt8> {
        try ContainerFrame.decode(
            .unit, bytes, limit: Limits.workUnitBytesMax, tail: VerifyingKey.signatureByteCount)
    }

    private static func parse(_ bytes: ArraySlice<UInt8>) throws(WireError) -> WireWorkUnitBody {
        let body = try StrictDecode.message(
            WireWorkUnitBody.self, from: bytes, limit: Limits.workUnitBytesMax,
            repeats: [
                .init(field: 11, name: "inputs", limit: Limits.inputsPerProjectMax),
                .init(field: 12, name: "sections", limit: Limits.workUnitSectionsMax),
            ])
        try UnitRules.check(body)
        return body
    }
}

/// What must hold of the fields of a work unit.
enum UnitRules {
    static func check(_ body: WireWorkUnitBody) throws(WireError) {
        try FieldRules.unitID(body.unitID)
        try FieldRules.word(body.project, "project", max: Limits.projectNameBytesMax)
        try FieldRules.word(body.app, "app", max: Limits.projectNameBytesMax)
        try FieldRules.text(body.label, "label", max: Limits.messageBytesMax)
        try FieldRules.number(body.flops, "flops", in: 0...Limits.flopsMax)
        try FieldRules.number(body.flopsBound, "flops_bound", in: 0...Limits.flopsMax * 1000)
        try FieldRules.size(body.memoryBytes, "memory_bytes", max: Int.max)
        try FieldRules.size(body.diskBytes, "disk_bytes", max: Int.max)
        try FieldRules.size(body.outputBytesMax, "output_bytes_max", max: Limits.resultBytesMax)
        if !body.dictionarySha256.isEmpty { try FieldRules.sha256(body.dictionarySha256, "dictionary_sha256") }
        try checkInputs(body.inputs)
        try SectionRules.check(
            body.sections, countMax: Limits.workUnitSectionsMax, sectionMax: Limits.sectionBytesMax,
            limit: Limits.workUnitRawBytesMax, field: "work unit, decompressed")
        try ProgramRules.check(body)
    }

    private static func checkInputs(_ inputs: [WireInputRef]) throws(WireError) {
        if inputs.count > Limits.inputsPerProjectMax {
            throw .tooMany(field: "inputs", limit: Limits.inputsPerProjectMax)
        }
        var names: Set<String> = []
        for input in inputs {
            let reference = try input.domain()
            if !names.insert(reference.name).inserted { throw .outOfRange(field: "inputs.name") }
        }
    }
}
