import Domain
import Glibc

/// Who signs requests. It has no description that shows a secret: whatever prints it by mistake prints nothing.
public struct S3Credentials: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package let keyID: String
    package let secret: String
    /// Of temporary credentials.
    let sessionToken: String?

    public var description: String { "S3Credentials(hidden)" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: []) }

    private static let fileBytesMax = 64 * 1024

    public init(keyID: String, secret: String, sessionToken: String? = nil) {
        self.keyID = keyID
        self.secret = secret
        self.sessionToken = sessionToken
    }

    /// From a file, or else from `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`.
    ///
    /// - Parameter file: in the format of `~/.aws/credentials`; its section `default` counts.
    /// - Throws: `Fault` of kind `.configuration`; never with a secret in it.
    public static func find(file: String?, environment: (String) -> String?) throws(Fault) -> S3Credentials {
        if let file { return try read(file) }
        guard let keyID = environment("AWS_ACCESS_KEY_ID"), let secret = environment("AWS_SECRET_ACCESS_KEY"),
            !keyID.isEmpty, !secret.isEmpty
        else {
            throw Fault(
                .configuration, "there are no credentials for S3",
                advice: "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a file with --s3-credentials")
        }
        let token = environment("AWS_SESSION_TOKEN").flatMap { $0.isEmpty ? nil : $0 }
        return try checked(S3Credentials(keyID: keyID, secret: secret, sessionToken: token), "the environment")
    }

    private static func read(_ path: String) throws(Fault) -> S3Credentials {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else {
            throw Fault(.configuration, "cannot open \(path): \(String(cString: strerror(errno)))")
        }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw Fault(.configuration, "\(path) is no file")
        }
        guard status.st_mode & 0o077 == 0 else {
            throw Fault(.configuration, "\(path) can be read by others", advice: "chmod 600 \(path)")
        }
        var bytes = [UInt8](repeating: 0, count: fileBytesMax)
        let count = Glibc.read(file, &bytes, bytes.count)
        guard count >= 0 else { throw Fault(.configuration, "cannot read \(path)") }
        return try parse(String(decoding: bytes[..<count], as: UTF8.self), path)
    }

    /// - Parameter path: for messages.
    package static func parse(_ text: String, _ path: String) throws(Fault) -> S3Credentials {
        var values: [Substring: Substring] = [:]
        var isDefault = true
        for line in text.split(whereSeparator: \.isNewline) {
            let line = trimmed(line)
            if line.isEmpty || line.hasPrefix("#") || line.hasPrefix(";") { continue }
            if line.hasPrefix("[") {
                isDefault = line == "[default]"
                continue
            }
            guard isDefault, let equals = line.firstIndex(of: "=") else { continue }
            values[trimmed(line[..<equals])] = trimmed(line[line.index(after: equals)...])
        }
        guard let keyID = values["aws_access_key_id"], let secret = values["aws_secret_access_key"], !keyID.isEmpty,
            !secret.isEmpty
        else {
            throw Fault(
                .configuration, "\(path) lacks aws_access_key_id or aws_secret_access_key in [default]",
                advice: "the format is that of ~/.aws/credentials")
        }
        let token = values["aws_session_token"].map(String.init)
        return try checked(
            S3Credentials(keyID: String(keyID), secret: String(secret), sessionToken: token), path)
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text.drop { $0 == " " || $0 == "\t" }
        while text.last == " " || text.last == "\t" { text.removeLast() }
        return text
    }

    /// Signs of control would end a header line.
    private static func checked(_ found: S3Credentials, _ place: String) throws(Fault) -> S3Credentials {
        for text in [found.keyID, found.secret, found.sessionToken ?? ""] {
            guard text.utf8.count <= 4096, text.utf8.allSatisfy({ 0x21...0x7E ~= $0 }) else {
                throw Fault(.configuration, "the S3 credentials in \(place) hold characters that no key has")
            }
        }
        return found
    }
}
