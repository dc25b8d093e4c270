import Domain

/// One named array of a work unit or a result, as apps see it: raw little-endian bytes, already decompressed.
public struct PayloadSection: Hashable, Sendable {
    public enum Kind: Int, Hashable, Sendable, CaseIterable {
        case bytes, float32, float64, int32, int64, utf8

        /// Bytes per element.
        public var width: Int {
            switch self {
            case .bytes, .utf8: 1
            case .float32, .int32: 4
            case .float64, .int64: 8
            }
        }
    }

    public var name: String
    public var kind: Kind
    /// A whole number of elements.
    public var bytes: [UInt8]

    public init(name: String, kind: Kind, bytes: [UInt8]) {
        self.name = name
        self.kind = kind
        self.bytes = bytes
    }
}

/// The sections of a work unit or a result, found by name.
public struct Payload: Hashable, Sendable {
    public var sections: [PayloadSection]

    public init(sections: [PayloadSection]) {
        self.sections = sections
    }

    public subscript(name: String) -> PayloadSection? {
        sections.first { $0.name == name }
    }
}

/// The input files of a project, unpacked.
public struct InputSet: Hashable, Sendable {
    public enum Content: Hashable, Sendable {
        case bytes([UInt8])
        case table(Table)
        /// Too large for memory: read where needed.
        case raw(RawInput)
    }

    private var contents: [String: Content]

    public init(_ contents: [String: Content]) {
        self.contents = contents
    }

    public subscript(name: String) -> Content? { contents[name] }
}
