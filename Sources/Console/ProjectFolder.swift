import Domain
import Glibc
import Manifest
import WorkerHost

/// A project on disk: its manifest and the folder that the manifest's paths start from.
public struct ProjectFolder: Sendable {
    /// Without a slash at the end.
    public let folder: String
    /// The manifest as it is shown in messages.
    public let manifestPath: String
    public let manifest: String

    public static let manifestName = "project.yaml"

    /// - Parameter path: a project's folder, or a manifest.
    /// - Throws: `.noInput` for what is not there or cannot be read, `.badData` for what is no text.
    public static func open(_ path: String) throws(Fault) -> ProjectFolder {
        let shown = Printable.clean(path)
        var status = stat()
        guard stat(path, &status) == 0 else {
            if errno == EACCES { throw Fault(.noInput, "\(shown) cannot be read: \(reason())") }
            throw Fault(
                .noInput, "there is no \(shown)", advice: "Name a project's folder, or make one: millrace init \(shown)"
            )
        }
        var manifestPath = path
        if status.st_mode & S_IFMT == S_IFDIR {
            manifestPath = path == "." ? manifestName : trimmed(path) + "/" + manifestName
            guard stat(manifestPath, &status) == 0 else {
                throw Fault(
                    .noInput, "\(path == "." ? "this folder" : shown) has no \(manifestName)",
                    advice: "Name a project's folder, or make one: millrace init \(shown)")
            }
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw Fault(.noInput, "\(Printable.clean(manifestPath)) is no file")
        }
        let bytes: [UInt8]
        do throws(Fault) { bytes = try Files.read(manifestPath, limit: Limits.manifestBytesMax) } catch {
            throw Fault(error.kind == .badData ? .badData : .noInput, error.message, advice: error.advice)
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Fault(
                .badData, "\(Printable.clean(manifestPath)) is no text in UTF-8",
                advice: "Save it with the encoding UTF-8.")
        }
        return ProjectFolder(folder: Files.parent(of: manifestPath), manifestPath: manifestPath, manifest: text)
    }

    static func trimmed(_ path: String) -> String {
        var path = path
        while path.count > 1 && path.hasSuffix("/") { path.removeLast() }
        return path
    }

    private static func reason() -> String { String(cString: strerror(errno)) }

    /// Where an input of the manifest lies.
    func path(of input: InputFile) -> String {
        folder == "." ? input.path : "\(folder)/\(input.path)"
    }
}
