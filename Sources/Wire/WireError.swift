import Domain

/// Why bytes are refused. Each case is one reason; `code` is its stable word in `work-units/bad/reasons.txt`.
public enum WireError: Error, Hashable, Sendable {
    /// The first bytes are not a container's.
    case wrongMagic
    /// A container, but not of the kind that is wanted here.
    case wrongKind(found: Int, wanted: Int)
    /// A reserved header byte is not zero.
    case reservedBits
    /// A format version that this program does not know.
    case unsupportedVersion(found: Int, known: Int)
    case truncated
    case trailingBytes
    /// A size beyond its limit, in bytes.
    case tooLarge(field: String, limit: Int)
    /// More entries than allowed.
    case tooMany(field: String, limit: Int)
    case badSignature
    case hashMismatch
    /// Not a protobuf message of this type.
    case badMessage(String)
    /// A field that is missing or outside its range.
    case outOfRange(field: String)
    case badSectionName(String)
    case duplicateSection(String)
    case unknownElementKind(section: String)
    case unknownFilter(section: String)
    /// The declared size is not a whole number of elements.
    case notWholeElements(section: String)
    /// More came out of a section than it declared.
    case decompressionBomb(section: String)
    /// Less came out of a section than it declared, or a stored section has another size.
    case sizeMismatch(section: String)
    /// Not exactly one intact zstd frame.
    case badFrame(section: String)
    /// The section was compressed with a dictionary that is not the one given.
    case wrongDictionary(section: String)
    case notUTF8(section: String)
    /// A decimal filter with a number beyond 2^53.
    case notDecimal(section: String)
    /// A table with NaN or infinity.
    case notFinite(section: String)
    case malformed(String)
}

extension WireError {
    /// A stable word for programs and for the manifest of bad samples.
    public var code: String {
        switch self {
        case .wrongMagic: "wrong_magic"
        case .wrongKind: "wrong_kind"
        case .reservedBits: "reserved_bits"
        case .unsupportedVersion: "unsupported_version"
        case .truncated: "truncated"
        case .trailingBytes: "trailing_bytes"
        case .tooLarge: "too_large"
        case .tooMany: "too_many"
        case .badSignature: "bad_signature"
        case .hashMismatch: "hash_mismatch"
        case .badMessage: "bad_message"
        case .outOfRange: "out_of_range"
        case .badSectionName: "bad_section_name"
        case .duplicateSection: "duplicate_section"
        case .unknownElementKind: "unknown_element_kind"
        case .unknownFilter: "unknown_filter"
        case .notWholeElements: "not_whole_elements"
        case .decompressionBomb: "decompression_bomb"
        case .sizeMismatch: "size_mismatch"
        case .badFrame: "bad_frame"
        case .wrongDictionary: "wrong_dictionary"
        case .notUTF8: "not_utf8"
        case .notDecimal: "not_decimal"
        case .notFinite: "not_finite"
        case .malformed: "malformed"
        }
    }

    /// The same for people at an edge.
    public var fault: Fault {
        switch self {
        case .unsupportedVersion(let found, let known) where found > known:
            Fault(.badData, description, advice: "update this program; the other side is newer")
        default: Fault(.badData, description)
        }
    }
}

extension WireError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .wrongMagic: "this is not a Millrace container: the first four bytes are wrong"
        case .wrongKind(let found, let wanted): "a container of kind \(found) where kind \(wanted) is wanted"
        case .reservedBits: "a reserved byte of the header is not zero"
        case .unsupportedVersion(let found, let known):
            "format version \(found) is not known here; this program knows version \(known)"
        case .truncated: "the bytes end too early"
        case .trailingBytes: "bytes follow the end"
        case .tooLarge(let field, let limit): "\(field) is larger than the \(limit) bytes allowed"
        case .tooMany(let field, let limit): "more than \(limit) \(field)"
        case .badSignature: "the signature is not the project's"
        case .hashMismatch: "the SHA-256 is not the one that was announced"
        case .badMessage(let type): "this is not a message of type \(type)"
        case .outOfRange(let field): "\(field) is missing or out of range"
        default: sectionDescription
        }
    }

    private var sectionDescription: String {
        switch self {
        case .badSectionName(let name): "a section cannot be called \"\(name)\""
        case .duplicateSection(let name): "two sections are called \"\(name)\""
        case .unknownElementKind(let section): "section \"\(section)\" has an unknown element kind"
        case .unknownFilter(let section): "section \"\(section)\" has a filter that is unknown or does not fit its kind"
        case .notWholeElements(let section): "section \"\(section)\" declares no whole number of elements"
        case .decompressionBomb(let section): "section \"\(section)\" gives more bytes than it declares"
        case .sizeMismatch(let section): "section \"\(section)\" gives fewer or other bytes than it declares"
        case .badFrame(let section): "section \"\(section)\" is not one intact zstd frame"
        case .wrongDictionary(let section): "section \"\(section)\" needs another zstd dictionary"
        case .notUTF8(let section): "section \"\(section)\" is not UTF-8"
        case .notDecimal(let section): "section \"\(section)\" holds a decimal number beyond 2^53"
        case .notFinite(let section): "column \"\(section)\" holds a value that is not a finite number"
        case .malformed(let why): why
        default: code
        }
    }
}
