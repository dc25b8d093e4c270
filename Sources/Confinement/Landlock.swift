import CPosix
import Domain
import Glibc

/// Files by name, as the kernel's Landlock keeps them: everything is refused that no rule allows.
public enum Landlock {
    /// What may be done below a folder, or with a file.
    public struct Rule: Sendable, Hashable {
        public var path: String
        public var access: Access

        public init(_ path: String, _ access: Access) {
            self.path = path
            self.access = access
        }
    }

    public enum Access: Sendable, Hashable {
        /// Read files, list folders.
        case read
        /// That, and start programs.
        case execute
        /// Read and write, make and remove files; never start one, never make a link.
        case write
        /// That, and make and remove folders.
        case writeFolders
        /// That, and make links and pipes.
        case writeAll
        /// Read and write what is there: devices.
        case use
    }

    // Bits of linux/landlock.h.
    private static let execute: UInt64 = 1
    private static let writeFile: UInt64 = 1 << 1
    private static let readFile: UInt64 = 1 << 2
    private static let readFolder: UInt64 = 1 << 3
    private static let removeFolder: UInt64 = 1 << 4
    private static let removeFile: UInt64 = 1 << 5
    private static let makeFolder: UInt64 = 1 << 7
    private static let makeFile: UInt64 = 1 << 8
    private static let makeSocket: UInt64 = 1 << 9
    private static let makePipe: UInt64 = 1 << 10
    private static let makeLink: UInt64 = 1 << 12
    private static let refer: UInt64 = 1 << 13
    private static let truncate: UInt64 = 1 << 14
    private static let deviceControl: UInt64 = 1 << 15
    private static let everything: UInt64 = 1 << 16 - 1
    private static let onFiles = execute | writeFile | readFile | truncate | deviceControl

    /// The version that this kernel has; 0: none, or it is switched off.
    public static var version: Int { max(0, Int(millrace_landlock_version())) }

    /// Restricts this process and all that it starts, for good: to these rules; to no TCP at all (from version 4); to
    /// no abstract sockets and no signals beyond itself and what it starts (from version 6).
    ///
    /// - Parameter limit: the highest version that is used.
    /// - Returns: the version that is used.
    /// - Throws: `.configuration` when the kernel has no Landlock, `.osError` when it refuses.
    static func restrict(to rules: [Rule], limit: Int = .max) throws(Fault) -> Int {
        let version = min(self.version, limit)
        guard version > 0 else {
            throw Fault(.configuration, limit > 0 ? "the kernel has no Landlock" : "Landlock is switched off")
        }
        let handled =
            everything & ~(version < 2 ? refer : 0) & ~(version < 3 ? truncate : 0)
            & ~(version < 5 ? deviceControl : 0)
        var asked = millrace_landlock_rules(
            files: handled, network: version < 4 ? 0 : 3, scopes: version < 6 ? 0 : 3)
        let set = millrace_landlock_create(&asked, version < 4 ? 8 : version < 6 ? 16 : 24)
        guard set >= 0 else { throw SystemCall.fault("make a Landlock ruleset") }
        defer { close(set) }
        for rule in rules { try allow(rule, in: set, handled: handled) }
        guard millrace_landlock_restrict(set) == 0 else { throw SystemCall.fault("enter Landlock") }
        return version
    }

    private static func allow(_ rule: Rule, in set: Int32, handled: UInt64) throws(Fault) {
        // O_PATH: a handle on the name, which gives no right to its content.
        let place = open(rule.path, 0o10000000 | O_CLOEXEC)
        guard place >= 0 else {
            if errno == ENOENT { return }
            throw SystemCall.fault("open \(rule.path)")
        }
        defer { close(place) }
        var status = stat()
        guard fstat(place, &status) == 0 else { throw SystemCall.fault("look at \(rule.path)") }
        let isFolder = status.st_mode & S_IFMT == S_IFDIR
        let bits = bits(rule.access) & handled & (isFolder ? .max : onFiles)
        guard millrace_landlock_allow(set, place, bits) == 0 else {
            throw SystemCall.fault("allow \(rule.path) in Landlock")
        }
    }

    private static func bits(_ access: Access) -> UInt64 {
        switch access {
        case .read: readFile | readFolder
        case .execute: readFile | readFolder | execute
        case .use: readFile | writeFile
        case .write: readFile | readFolder | writeFile | makeFile | removeFile | truncate
        case .writeFolders: bits(.write) | makeFolder | removeFolder | refer
        case .writeAll: bits(.writeFolders) | makeLink | makePipe
        }
    }
}
