/// Why metadata is not believed. Nothing of a refused file is kept.
public struct ReleaseRefusal: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Kind: String, CaseIterable, Hashable, Sendable {
        /// Not the one text that says what it says.
        case malformed
        case tooManyBytes
        /// Not the size or the hash that the role above it names: files of different times or places.
        case mixAndMatch
        /// A signature that does not hold.
        case badSignature
        /// Signed by a key that may not sign for this role.
        case wrongKey
        case tooFewSignatures
        /// An older version than one that was believed.
        case rollback
        /// Another content under a version that was believed, or another file under an app's released version.
        case rewritten
        /// Not valid any more: withheld news look like that.
        case expired
        /// Metadata of another role than the one asked for, or of a role that there is not.
        case wrongRole
        /// Another version than the one asked for.
        case wrongVersion
        /// Metadata of another project.
        case wrongName
        /// Something that must be there is not.
        case missing
        /// More new roots than one update follows.
        case tooManyRoots
    }

    public var kind: Kind
    /// The file's name, for example `3.targets`.
    public var file: String
    /// In words, without the file's name.
    public var reason: String

    public init(_ kind: Kind, _ file: String, _ reason: String) {
        self.kind = kind
        self.file = file
        self.reason = reason
    }

    public var description: String { "\(file) is refused (\(kind.rawValue)): \(reason)" }
}
