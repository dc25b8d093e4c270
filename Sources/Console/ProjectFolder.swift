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
    /// Why the manifest is no text that can be read further; `manifest` is then empty.
    let unreadable: ManifestFault?

    public static let manifestName = "project.yaml"

    /// - Parameter path: a project's folder, or a manifest.
    /// - Throws: `.noInput` for what is not there or cannot be read.
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
        let parent = Files.parent(of: manifestPath)
        let bytes: [UInt8]
        do throws(Fault) { bytes = try Files.read(manifestPath, limit: Limits.manifestBytesMax) } catch {
            guard error.kind == .badData else { throw Fault(.noInput, error.message, advice: error.advice) }
            let fault = ManifestFault(
                file: manifestPath, line: 1, column: 1,
                message: "the manifest has \(Files.size(manifestPath) ?? 0) bytes",
                expected: "at most \(Limits.manifestBytesMax)")
            return ProjectFolder(folder: parent, manifestPath: manifestPath, manifest: "", unreadable: fault)
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            let place = firstBadPlace(in: bytes)
            let fault = ManifestFault(
                file: manifestPath, line: place.line, column: place.column,
                message: "the manifest is no text in UTF-8", expected: "a file saved with the encoding UTF-8")
            return ProjectFolder(folder: parent, manifestPath: manifestPath, manifest: "", unreadable: fault)
        }
        return ProjectFolder(folder: parent, manifestPath: manifestPath, manifest: text, unreadable: nil)
    }

    /// Where the first byte stands that is no UTF-8; the column counts scalars, as everywhere in a manifest.
    private static func firstBadPlace(in bytes: [UInt8]) -> (line: Int, column: Int) {
        var parser = Unicode.UTF8.ForwardParser()
        var rest = bytes.makeIterator()
        var (line, column) = (1, 1)
        while case .valid(let scalar) = parser.parseScalar(from: &rest) {
            if scalar.count == 1, scalar.first == 0x0A {
                line += 1
                column = 1
            } else {
                column += 1
            }
        }
        return (line, column)
    }

    static func trimmed(_ path: String) -> String {
        var path = path
        while path.count > 1 && path.hasSuffix("/") { path.removeLast() }
        return path
    }

    private static func reason() -> String { String(cString: strerror(errno)) }

    /// Whether a file lies in the project's folder with every symbolic link followed; true also for what is not there.
    func holds(_ path: String) -> Bool {
        guard let file = realpath(path, nil) else { return true }
        defer { free(file) }
        guard let root = realpath(folder, nil) else { return true }
        defer { free(root) }
        let prefix = String(cString: root)
        return String(cString: file).hasPrefix(prefix == "/" ? prefix : prefix + "/")
    }

    /// Where an input of the manifest lies.
    func path(of input: InputFile) -> String {
        folder == "." ? input.path : "\(folder)/\(input.path)"
    }
}
