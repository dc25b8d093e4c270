import CPosix
import Domain
import Glibc

/// A root folder that lies in memory and holds only what was put there. Built in a mount namespace of its own, which
/// `enter` makes the only one that there is.
struct PrivateRoot {
    /// Something of the outer file system that is there inside.
    struct Entry: Hashable, Sendable {
        enum Use: String, Sendable {
            case read
            /// Programs there may be started.
            case execute
            case write
            case device
        }
        /// Where it is, outside.
        var source: String
        /// Where it is, inside; absolute.
        var place: String
        var use: Use
        /// Left out when it is not there outside.
        var isOptional = false
    }

    /// An existing folder on which the new root is mounted. Nobody outside sees it.
    let base: String

    // linux/mount.h: flags of mount(2), and attributes of mount_setattr(2).
    private static let noSetuid: UInt = 2
    private static let noDevices: UInt = 4
    private static let noPrograms: UInt = 8
    private static let bind: UInt = 4096
    private static let recursive: UInt = 16384
    private static let isPrivate: UInt = 1 << 18
    private static let readOnlyAttribute: UInt64 = 1
    private static let noSetuidAttribute: UInt64 = 2
    private static let noDevicesAttribute: UInt64 = 4
    private static let noProgramsAttribute: UInt64 = 8

    /// - Parameter sources: none of them lies below the folder that is chosen.
    /// - Throws: `.configuration` when the system does not let a root be made, with its reason.
    init(avoiding sources: [String], bytesMax: Int) throws(Fault) {
        // Changes here do not leave, and none come in.
        try Self.mount(nil, "/", nil, Self.recursive | Self.isPrivate, nil)
        let places = ["/mnt", "/media", "/srv", "/boot", "/opt", "/home", "/tmp", "/var", "/usr"]
        let free = places.first { place in
            access(place, F_OK) == 0 && !sources.contains { $0 == place || $0.hasPrefix(place + "/") }
        }
        guard let free else { throw Fault(.configuration, "no folder is free to mount a root folder on") }
        base = free
        try Self.mount("tmpfs", base, "tmpfs", Self.noSetuid | Self.noDevices, "mode=0755,size=\(bytesMax)")
    }

    private static func mount(
        _ source: String?, _ target: String, _ kind: String?, _ flags: UInt, _ options: String?
    ) throws(Fault) {
        guard millrace_mount(source, target, kind, flags, options) == 0 else {
            throw Fault(.configuration, "cannot mount \(kind ?? source ?? target): \(SystemCall.reason)")
        }
    }

    /// Puts a file or folder of the outer system into the root.
    func put(_ entry: Entry) throws(Fault) {
        var status = stat()
        guard stat(entry.source, &status) == 0 else {
            if entry.isOptional { return }
            throw Fault(.noInput, "\(entry.source): \(SystemCall.reason)")
        }
        let target = base + entry.place
        if status.st_mode & S_IFMT == S_IFDIR {
            try makeFolder(entry.place)
        } else {
            try makeFolder(Self.parent(of: entry.place))
            // What was put there before as part of a folder is there already.
            let file = open(target, O_WRONLY | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0o444)
            if file >= 0 { close(file) }
        }
        try Self.mount(entry.source, target, nil, Self.bind | Self.recursive, nil)
        var attributes = Self.noSetuidAttribute
        if entry.use != .device { attributes |= Self.noDevicesAttribute }
        if entry.use != .write && entry.use != .device { attributes |= Self.readOnlyAttribute }
        if entry.use != .execute { attributes |= Self.noProgramsAttribute }
        try set(attributes, of: target, below: true)
    }

    private func set(_ attributes: UInt64, of target: String, below: Bool) throws(Fault) {
        guard millrace_mount_attributes(target, below ? 1 : 0, attributes) == 0 else {
            throw Fault(.configuration, "cannot protect a mount: \(SystemCall.reason)")
        }
    }

    /// A folder in memory that can be written.
    func putMemory(_ place: String, bytesMax: Int, filesMax: Int) throws(Fault) {
        try makeFolder(place)
        try Self.mount(
            "tmpfs", base + place, "tmpfs", Self.noSetuid | Self.noDevices | Self.noPrograms,
            "mode=1777,size=\(bytesMax),nr_inodes=\(filesMax)")
    }

    /// What `/proc` says of the processes of this process's own PID namespace; it is its first.
    func putProcesses() throws(Fault) {
        try Self.mount("proc", base + "/proc", "proc", Self.noSetuid | Self.noDevices | Self.noPrograms, nil)
        try set(Self.readOnlyAttribute, of: base + "/proc", below: false)
    }

    /// A file with these bytes; it must not be there.
    func write(_ place: String, _ bytes: [UInt8], mode: mode_t) throws(Fault) {
        try makeFolder(Self.parent(of: place))
        let file = open(base + place, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
        guard file >= 0 else { throw SystemCall.fault("make \(place)") }
        defer { close(file) }
        var at = 0
        while at < bytes.count {
            let count = bytes.withUnsafeBytes { Glibc.write(file, $0.baseAddress! + at, bytes.count - at) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw SystemCall.fault("write \(place)") }
            at += count
        }
        guard fchmod(file, mode) == 0 else { throw SystemCall.fault("set the mode of \(place)") }
    }

    func link(_ place: String, to target: String) throws(Fault) {
        try makeFolder(Self.parent(of: place))
        guard symlink(target, base + place) == 0 || errno == EEXIST else { throw SystemCall.fault("link \(place)") }
    }

    /// Mounts of a more privileged namespace cannot be taken apart; a copy of the root on top of it can.
    func renew() throws(Fault) { try Self.mount(base, base, nil, Self.bind | Self.recursive, nil) }

    /// Makes it the root folder, read-only beside what can be written in it, and lets go of everything else.
    func enter() throws(Fault) {
        guard chdir(base) == 0, millrace_enter_root() == 0 else {
            throw Fault(.configuration, "cannot change the root folder: \(SystemCall.reason)")
        }
        try set(Self.readOnlyAttribute | Self.noSetuidAttribute, of: "/", below: false)
    }

    /// A folder, and those above it.
    func makeFolder(_ place: String) throws(Fault) {
        var path = base
        for part in place.split(separator: "/") {
            path += "/\(part)"
            guard mkdir(path, 0o755) == 0 || errno == EEXIST else { throw SystemCall.fault("make folder \(place)") }
        }
    }

    static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return "/" }
        return String(path[..<slash])
    }
}
