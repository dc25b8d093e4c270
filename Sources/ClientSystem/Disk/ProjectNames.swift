import Bytes
import ClientCore
import Domain
import Glibc
import WorkerHost

/// The folders of projects in a client's folder: `projects/NAME`, one for each attachment.
public enum ProjectNames {
    static let folder = "projects"
    /// What was set aside ends so, with a number.
    static let damagedMark = ".damaged-"
    /// A detach asks a running client to let a project go.
    static let leaveMark = ".leave"
    /// Of a folder of version 1 that does not say whose it is.
    static let unknown = "unknown_00000000"
    private static let readableMax = 60

    /// The name for a server: readable, safe in a path, and different for every address.
    ///
    /// - Parameter url: as `ServerLink.normalised` gives it.
    public static func name(for url: String) -> String {
        let scheme = ["https://", "http://"].first { url.hasPrefix($0) } ?? ""
        let address = url.dropFirst(scheme.count)
        let readable = address.utf8.prefix(readableMax).map { byte -> Character in
            let isSafe = byte == UInt8(ascii: ".") || byte == UInt8(ascii: "-") || isLetterOrDigit(byte)
            return isSafe ? Character(Unicode.Scalar(byte)) : "-"
        }
        // Neither hidden nor `..`.
        let start = String(readable.drop { $0 == "." || $0 == "-" })
        let hash = SHA256Hash.digest(of: Array(url.utf8)).hex.prefix(8)
        return "\(start.isEmpty ? "server" : start)_\(hash)"
    }

    /// The part of a name that is meant for people.
    static func readable(_ name: String) -> String {
        name.lastIndex(of: "_").map { String(name[..<$0]) } ?? name
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
    }

    public static func path(_ name: String, in data: String) -> String { "\(data)/\(folder)/\(name)" }

    /// All folders of projects, those left behind with nothing but receipts included; sorted.
    public static func all(in data: String) throws(Fault) -> [String] {
        try Files.names(in: "\(data)/\(folder)").filter { name in
            !name.hasPrefix(".") && !name.contains(damagedMark) && !name.hasSuffix(leaveMark)
                && !name.hasSuffix(".new") && Files.isFolder(path(name, in: data))
        }
    }

    /// Those that are attached, or hold what is worth keeping of an attachment that was damaged.
    public static func attached(in data: String) throws(Fault) -> [String] {
        try all(in: data).filter { name in
            ["identity.json", "state", "slots"].contains { Files.exists("\(path(name, in: data))/\($0)") }
        }
    }

    /// The project that a person names: by its address, its folder's name, the beginning of that, or not at all when
    /// there is only one.
    ///
    /// - Throws: `.noInput` when there is none, `.usage` when it could be several.
    public static func find(_ text: String?, in data: String) throws(Fault) -> String {
        let names = try attached(in: data)
        guard let text else {
            guard let only = names.first else {
                throw Fault(
                    .noInput, "not attached: \(data) holds nothing of a project",
                    advice: "Check --data; `millrace-client attach URL` joins a project.")
            }
            guard names.count == 1 else {
                throw Fault(
                    .usage, "this host is attached to \(names.count) projects: \(names.joined(separator: ", "))",
                    advice: "Say which: by the server's address, or by the beginning of that name.")
            }
            return only
        }
        if names.contains(text) { return text }
        if let url = try? ServerLink.normalised(text), names.contains(name(for: url)) { return name(for: url) }
        let found = names.filter { $0.hasPrefix(text) }
        guard let first = found.first, !text.isEmpty else {
            throw Fault(
                .noInput, "this host is not attached to \"\(text)\"",
                advice: "`millrace-client projects` lists where it is attached.")
        }
        guard found.count == 1 else {
            throw Fault(
                .usage, "\"\(text)\" could be \(found.joined(separator: " or "))",
                advice: "Write the whole name, or the server's address.")
        }
        return first
    }

    /// Sets a folder or file aside under a name that says so.
    ///
    /// - Returns: the new path.
    @discardableResult
    static func setAside(_ path: String) throws(Fault) -> String {
        var number = 1
        while Files.exists("\(path)\(damagedMark)\(number)") { number += 1 }
        let target = "\(path)\(damagedMark)\(number)"
        guard rename(path, target) == 0 else { throw Files.fault("set aside", path) }
        Files.syncFolder(of: path)
        return target
    }

    /// The last part of a path.
    static func last(_ path: String) -> String { String(path.split(separator: "/").last ?? "") }
}
