import Domain
import WorkerHost

/// Where the server is, and how we show that we may ask.
public struct ServerSettings: Hashable, Sendable {
    /// Without a slash at the end.
    public let url: String
    let token: String

    public static let defaultURL = "http://127.0.0.1:8080"

    /// - Parameter server: `--server`; else MILLRACE_SERVER, else `defaultURL`.
    /// - Parameter tokenFile: `--token-file`; else MILLRACE_TOKEN_FILE.
    /// - Throws: `.usage` without a token or with something that is no address; `.noInput` and `.badData` for the file.
    public static func resolve(server: String?, tokenFile: String?) throws(Fault) -> ServerSettings {
        let url = server ?? nonEmpty("MILLRACE_SERVER") ?? defaultURL
        guard let path = tokenFile ?? nonEmpty("MILLRACE_TOKEN_FILE") else {
            throw Fault(
                .usage, "no token file is named",
                advice:
                    "Give --token-file or set MILLRACE_TOKEN_FILE; it is admin.token in the server's data folder."
            )
        }
        return ServerSettings(url: try checked(url), token: try token(in: path))
    }

    private static func nonEmpty(_ name: String) -> String? {
        Environment.value(name).flatMap { $0.isEmpty ? nil : $0 }
    }

    private static func checked(_ text: String) throws(Fault) -> String {
        let url = ProjectFolder.trimmed(text)
        let lowered = url.lowercased()
        let rest =
            lowered.hasPrefix("http://") ? url.dropFirst(7) : lowered.hasPrefix("https://") ? url.dropFirst(8) : ""
        let host = rest.prefix { $0 != "/" }
        let isPlain = url.utf8.allSatisfy { $0 > 32 && $0 < 127 }
        guard !host.isEmpty, isPlain, !url.contains("?"), !url.contains("#"), !host.contains("@") else {
            throw Fault(
                .usage, "\(Printable.clean(text)) is no address of a server", advice: "For example \(defaultURL)")
        }
        return url
    }

    private static func token(in path: String) throws(Fault) -> String {
        let shown = Printable.clean(path)
        let bytes: [UInt8]
        do throws(Fault) { bytes = try Files.read(path, limit: 4096) } catch {
            throw Fault(
                .noInput, "the token file \(shown) cannot be read: \(error.message)",
                advice: "The server keeps it as admin.token in its data folder; only its owner may read it.")
        }
        let token = bytes.filter { !" \r\n\t".utf8.contains($0) }
        guard !token.isEmpty, token.allSatisfy({ $0 > 32 && $0 < 127 }) else {
            throw Fault(
                .badData, "the file \(shown) holds no token", advice: "It should hold one line of letters and digits.")
        }
        return String(decoding: token, as: UTF8.self)
    }

    /// Whether the token would travel unencrypted over a network.
    var isExposed: Bool {
        guard url.lowercased().hasPrefix("http://") else { return false }
        let host = url.dropFirst(7).prefix { $0 != "/" }
        return !(host.hasPrefix("127.") || host.hasPrefix("localhost") || host.hasPrefix("[::1]"))
    }
}
