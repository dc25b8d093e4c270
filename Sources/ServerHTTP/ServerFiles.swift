import Bytes
import Domain
import Glibc

/// The server's own small files in its data directory: key, token, address, results.
public struct ServerFiles: Sendable {
    public let path: String

    /// - Parameter path: an existing data directory.
    public init(path: String) {
        self.path = path
    }

    public var tokenPath: String { path + "/admin.token" }
    public var keyPath: String { path + "/keys/project.key" }
    public var addressPath: String { path + "/address" }
    public var resultsPath: String { path + "/results" }
    /// Statistics files: may be served by any web server, too.
    public var statsPath: String { path + "/stats" }
    /// The public log: may be served by any web server, too.
    public var logPath: String { path + "/log" }
    /// Signed releases of the project's apps; the server makes the anchor beside them.
    public var releasesPath: String { path + "/releases" }

    /// The project's key, made at the first start. Losing it means that every client must attach anew.
    public func projectKey() throws -> SigningKey {
        try makeFolder(path + "/keys", mode: 0o700)
        return try key(try secret(at: keyPath) { SigningKey().rawRepresentation })
    }

    /// The token of scientists and admins, made at the first start; a new one is made when the file is removed.
    public func adminToken() throws -> String {
        try token(try secret(at: tokenPath) { SigningKey().rawRepresentation })
    }

    /// Without making one; nil when it is not there, or no key.
    public func presentProjectKey() throws -> SigningKey? {
        try present(keyPath).flatMap { try? key($0) }
    }

    private func key(_ text: String) throws -> SigningKey {
        guard let raw = Hex.decode(text), let key = SigningKey(rawRepresentation: raw) else {
            throw Fault(
                .configuration, "\(keyPath) is not a key", advice: "restore it from a backup; it cannot be replaced")
        }
        return key
    }

    private func token(_ text: String) throws -> String {
        guard text.utf8.count >= 32 else {
            throw Fault(
                .configuration, "\(tokenPath) holds fewer than 32 characters",
                advice: "remove it; the next start makes a new one")
        }
        return text
    }

    /// What is wrong with key and token, a line each; makes and changes nothing.
    ///
    /// - Throws: when a file cannot be read.
    public func differences() throws -> [String] {
        var found: [String] = []
        if let text = try present(keyPath) {
            do { _ = try key(text) } catch let fault as Fault { found.append(fault.message) }
        } else {
            found.append("\(keyPath) is missing")
        }
        if let text = try present(tokenPath) {
            do { _ = try token(text) } catch let fault as Fault { found.append(fault.message) }
        }
        return found
    }

    /// Copies key and token to another folder, for its owner only.
    public func copySecrets(to folder: String) throws {
        guard let key = try FileAccess.read(keyPath, limit: 4096) else {
            throw Fault(.noInput, "\(keyPath) is missing", advice: "restore it from a copy; it cannot be replaced")
        }
        try makeFolder(folder, mode: 0o700)
        try replace(folder + "/project.key", key, mode: 0o600)
        if let token = try FileAccess.read(tokenPath, limit: 4096) {
            try replace(folder + "/admin.token", token, mode: 0o600)
        }
    }

    /// Takes key and token from such a folder. - Throws: `Fault` of kind `.noInput` when there is no key in it.
    public func takeSecrets(from folder: String) throws {
        guard let key = try FileAccess.read(folder + "/project.key", limit: 4096) else {
            throw Fault(.noInput, "there is no \(folder)/project.key", advice: "check --keys")
        }
        try makeFolder(path + "/keys", mode: 0o700)
        try replace(keyPath, key, mode: 0o600)
        if let token = try FileAccess.read(folder + "/admin.token", limit: 4096) {
            try replace(tokenPath, token, mode: 0o600)
        }
    }

    public func makeResultsFolder() throws {
        try makeFolder(resultsPath, mode: 0o700)
        // An earlier version let everybody read it; a group that the owner lets in stays in.
        var status = stat()
        if stat(resultsPath, &status) == 0, status.st_mode & 0o007 != 0 { chmod(resultsPath, status.st_mode & 0o770) }
    }

    /// Says where the server listens, for tools on this machine. Replaced whole, so that nobody reads half of it.
    public func writeAddress(_ url: String) throws { try replace(addressPath, Array((url + "\n").utf8), mode: 0o644) }

    /// Reads a secret file, or makes it with mode 0600 from 32 random bytes in hexadecimal.
    private func secret(at path: String, make: () -> [UInt8]) throws -> String {
        if let text = try present(path) { return text }
        let temporary = "\(path).new.\(getpid())"
        try FileAccess.write(temporary, Array((Hex.encode(make()) + "\n").utf8), mode: 0o600)
        defer { unlink(temporary) }
        // Of several processes that start at once one makes it, and all read what it made.
        guard link(temporary, path) == 0 || errno == EEXIST else { throw FileAccess.fault("make", path) }
        try FileAccess.syncFolder(of: path)
        guard let text = try present(path) else { throw FileAccess.fault("read", path) }
        return text
    }

    private func present(_ path: String) throws -> String? {
        try FileAccess.read(path, limit: 4096).map { String(decoding: $0, as: UTF8.self).trimmed }
    }

    private func replace(_ path: String, _ bytes: [UInt8], mode: mode_t) throws {
        let temporary = "\(path).new.\(getpid())"
        try FileAccess.write(temporary, bytes, mode: mode)
        guard rename(temporary, path) == 0 else { throw FileAccess.fault("rename", path) }
        try FileAccess.syncFolder(of: path)
    }

    private func makeFolder(_ path: String, mode: mode_t) throws {
        guard mkdir(path, mode) == 0 || errno == EEXIST else { throw FileAccess.fault("make the folder", path) }
    }
}

extension String {
    /// Without white space at both ends.
    var trimmed: String {
        let isSpace = { (c: Character) in c.isWhitespace }
        guard let first = firstIndex(where: { !isSpace($0) }), let last = lastIndex(where: { !isSpace($0) }) else {
            return ""
        }
        return String(self[first...last])
    }
}

/// Small file operations with faults that name the file.
enum FileAccess {
    static func fault(_ what: String, _ path: String) -> Fault {
        let reason = String(cString: strerror(errno))
        return Fault(.cannotWrite, "cannot \(what) \(path): \(reason)", advice: "check the disk and the permissions")
    }

    /// - Returns: nil when there is no such file.
    static func read(_ path: String, limit: Int) throws -> [UInt8]? {
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        if file < 0 && errno == ENOENT { return nil }
        guard file >= 0 else { throw fault("open", path) }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: limit)
        let count = Glibc.read(file, &bytes, limit)
        guard count >= 0 else { throw fault("read", path) }
        return Array(bytes[..<count])
    }

    /// Writes and syncs a file, over what was there.
    static func write(_ path: String, _ bytes: [UInt8], mode: mode_t) throws {
        let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode)
        guard file >= 0 else { throw fault("write", path) }
        defer { close(file) }
        guard fchmod(file, mode) == 0 else { throw fault("set the mode of", path) }
        var at = 0
        while at < bytes.count {
            let count = bytes.withUnsafeBytes { Glibc.write(file, $0.baseAddress! + at, bytes.count - at) }
            guard count > 0 else { throw fault("write", path) }
            at += count
        }
        guard fsync(file) == 0 else { throw fault("sync", path) }
    }

    static func sync(_ path: String) throws {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw fault("open", path) }
        defer { close(file) }
        guard fsync(file) == 0 else { throw fault("sync", path) }
    }

    static func syncFolder(of path: String) throws {
        let parent = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        try sync(parent.isEmpty ? "/" : parent)
    }

    /// Free bytes for this user and the size of the file system that holds `path`; nil when it cannot be told.
    static func space(_ path: String) -> DiskSpace? {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else { return nil }
        let block = Int64(status.f_frsize)
        return DiskSpace(free: Int64(status.f_bavail) * block, total: Int64(status.f_blocks) * block)
    }
}
