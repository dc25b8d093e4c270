import Domain
import Glibc
import ServerCore
import Transparency
import WorkerHost

/// The folder of the public files; each is there whole or not at all. Beside it stand, as `log-old-N`, those of logs
/// that were ended. Readable by everybody who may enter the data directory.
public struct LogFolder: LogDisk, Sendable {
    public let path: String

    /// The key, for those who serve the folder by another web server.
    public static let keyName = "key"
    static let advice =
        "Nothing was written. Stop the server and run `millrace-server log rebuild`: it mends the "
        + "folder, or says why it cannot."

    public init(path: String) {
        self.path = path
    }

    public func read(_ name: String) throws(Fault) -> [UInt8]? { try Self.read("\(path)/\(name)") }

    private static func read(_ file: String) throws(Fault) -> [UInt8]? {
        guard Files.exists(file) else { return nil }
        return try Files.read(file, limit: LogLimits.fileBytesMax)
    }

    public func write(_ name: String, _ bytes: [UInt8]) throws(Fault) {
        let file = "\(path)/\(name)"
        if let slash = file.lastIndex(of: "/") {
            try Files.makeFolder(String(file[..<slash]), mode: 0o755, isPublic: true)
        }
        try Files.replace(file, with: bytes, isPublic: true)
    }

    public func write(_ files: [TileFile]) throws(Fault) {
        let whole = files.map { ("\(path)/\($0.path)", $0.bytes) }
        for folder in Set(whole.map { Files.parent(of: $0.0) }).sorted() {
            try Files.makeFolder(folder, mode: 0o755, isPublic: true)
        }
        try Files.replaceAll(whole, isPublic: true)
    }

    public var isThere: Bool { Files.exists(path) }

    public func paths() throws(Fault) -> [String] {
        var found: [String] = []
        var folders = [""]
        while let folder = folders.popLast() {
            for name in try Files.names(in: "\(path)/\(folder)") {
                let inside = folder.isEmpty ? name : "\(folder)/\(name)"
                if Self.isFolder("\(path)/\(inside)") { folders.append(inside) } else { found.append(inside) }
            }
        }
        return found
    }

    private static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    public func remove(_ name: String) throws(Fault) { try Files.remove("\(path)/\(name)") }

    public func oldNumbers() throws(Fault) -> [Int] {
        let prefix = "\(path.split(separator: "/").last ?? "")-old-"
        return try Files.names(in: Files.parent(of: path)).compactMap { name in
            name.hasPrefix(prefix) ? Int(name.dropFirst(prefix.utf8.count)) : nil
        }
    }

    public func readOld(_ number: Int, _ name: String) throws(Fault) -> [UInt8]? {
        try Self.read("\(path)-old-\(number)/\(name)")
    }

    public func setAside(as number: Int) throws(Fault) {
        guard rename(path, "\(path)-old-\(number)") == 0 else { throw Files.fault("rename", path) }
        Files.syncFolder(of: path)
    }
}
