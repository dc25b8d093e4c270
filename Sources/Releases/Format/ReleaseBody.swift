import Bytes
import Domain

/// What every signed text begins with.
public struct ReleaseHeader: Hashable, Sendable {
    /// The project's name for its releases: metadata of one project says nothing in another, whatever keys they share.
    public var name: String
    /// From 1, higher with each new text of the role.
    public var version: Int64
    /// From then on nobody believes it.
    public var expires: Timestamp

    public init(name: String, version: Int64, expires: Timestamp) {
        self.name = name
        self.version = version
        self.expires = expires
    }
}

/// The content of a role's file.
public protocol ReleaseBody: Hashable, Sendable {
    static var role: ReleaseRole { get }
    var header: ReleaseHeader { get set }
    /// What follows the header.
    var lines: [String] { get }
    init(header: ReleaseHeader, _ lines: inout ReleaseBodyReader) throws(ReleaseRefusal)
}

/// Opaque to others: only bodies of this module read from it.
public struct ReleaseBodyReader {
    var lines: ReleaseLines
}

extension ReleaseBody {
    private static var format: Int { 1 }

    /// The one text that says this; the first line keeps it apart from everything else that a key may sign.
    public var text: [UInt8] {
        let head = [
            "millrace-release \(Self.role.rawValue) \(Self.format)", "name \(header.name)",
            "version \(header.version)", "expires \(ReleaseMoment.text(header.expires))",
        ]
        return Array((head + lines).map { $0 + "\n" }.joined().utf8)
    }

    /// As a file without signatures.
    public var draft: SignedText { SignedText(text: text) }

    /// Reads a text whose signatures were checked.
    ///
    /// - Throws: `.malformed`, `.wrongRole`.
    public init(_ text: [UInt8], file: ReleaseFile) throws(ReleaseRefusal) {
        var lines = try ReleaseLines(text, file: file.name)
        let title = try lines.next("millrace-release", count: 2)
        guard let role = ReleaseRole(rawValue: String(title[0])) else {
            throw ReleaseRefusal(.wrongRole, file.name, "there is no role \"\(title[0].prefix(40))\"")
        }
        guard role == Self.role else {
            throw ReleaseRefusal(.wrongRole, file.name, "it is of the role \(role.rawValue), not \(Self.role.rawValue)")
        }
        guard title[1] == "\(Self.format)" else {
            throw lines.refusal("format \(title[1].prefix(20)), this version reads format \(Self.format)")
        }
        let name = try lines.next("name", count: 1)[0]
        guard ReleaseWord.isName(name) else { throw lines.refusal("\"\(name.prefix(80))\" is no name") }
        let version = try lines.number(try lines.next("version", count: 1)[0], max: ReleaseLimits.versionMax)
        guard version >= 1 else { throw lines.refusal("versions begin at 1") }
        let word = try lines.next("expires", count: 1)[0]
        guard let expires = ReleaseMoment.parse(word) else {
            throw lines.refusal("\"\(word.prefix(40))\" is no moment of the form 2027-01-31T12:00:00Z")
        }
        var reader = ReleaseBodyReader(lines: lines)
        let header = ReleaseHeader(name: String(name), version: version, expires: expires)
        try self.init(header: header, &reader)
        try reader.lines.expectEnd()
        guard self.text == text else { throw reader.lines.refusal("it is not written as its content is") }
    }
}

/// A body with the text and the signatures that it was read from.
public struct Signed<Body: ReleaseBody>: Hashable, Sendable {
    public let body: Body
    public let source: SignedText

    /// - Throws: `.malformed`, `.wrongRole`; signatures are the caller's matter.
    init(_ source: SignedText, file: ReleaseFile) throws(ReleaseRefusal) {
        body = try Body(source.text, file: file)
        self.source = source
    }

    /// - Precondition: `source` has the text of `body`.
    init(_ body: Body, _ source: SignedText) {
        precondition(source.text == body.text, "a body and its text")
        self.body = body
        self.source = source
    }

    public var version: Int64 { body.header.version }
    public var expires: Timestamp { body.header.expires }
    /// Of the whole file.
    public var bytes: [UInt8] { source.bytes }

    public var file: ReleaseFile {
        guard let file = ReleaseFile(Body.role, version: version) else { preconditionFailure("every role has a file") }
        return file
    }

    /// What a role above writes of this file.
    public var reference: ReleaseReference {
        let bytes = bytes
        return ReleaseReference(
            version: version, digest: SHA256Hash.digest(of: bytes), size: Int64(bytes.count))
    }
}

/// A version of a file of another role, with the hash and the size of its bytes.
public struct ReleaseReference: Hashable, Sendable {
    public var version: Int64
    public var digest: Digest
    public var size: Int64

    public init(version: Int64, digest: Digest, size: Int64) {
        self.version = version
        self.digest = digest
        self.size = size
    }

    var words: String { "\(version) \(digest.hex) \(size)" }

    init(_ keyword: String, _ lines: inout ReleaseLines, role: ReleaseRole) throws(ReleaseRefusal) {
        let words = try lines.next(keyword, count: 3)
        version = try lines.number(words[0], max: ReleaseLimits.versionMax)
        digest = try lines.digest(words[1])
        size = try lines.number(words[2], max: Int64(role.bytesMax))
        guard version >= 1 else { throw lines.refusal("versions begin at 1") }
    }
}
