import Domain
import Glibc
import WorkerHost

/// A JSON file that is written piece by piece, so that its size is bounded by the disk and not by memory. It has its
/// name when it is complete and on the disk.
final class JSONFile {
    private let path: String
    private let temporary: String
    private var file: Int32
    private var bytes: [UInt8] = []
    private var written = 0
    private let bytesMax: Int
    /// For each open object or array: whether it has an element.
    private var open: [Bool] = []

    /// - Throws: `.cannotWrite`, `.osError`, `.noInput` when there is no such folder.
    init(path: String, bytesMax: Int) throws(Fault) {
        self.path = path
        self.bytesMax = bytesMax
        temporary = "\(path).\(getpid()).new"
        file = Glibc.open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else { throw Files.fault("open", temporary) }
    }

    deinit {
        guard file >= 0 else { return }
        close(file)
        unlink(temporary)
    }

    /// Opens an object `{` or an array `[`. - Parameter name: in an object.
    func begin(_ bracket: Character, name: String? = nil) throws(Fault) {
        try element(name)
        try put("\(bracket)")
        open.append(false)
    }

    func end(_ bracket: Character) throws(Fault) {
        let hadElement = open.removeLast()
        try put(hadElement ? "\n\(indent)\(bracket)" : "\(bracket)")
    }

    /// A value whose JSON is there already.
    func add(json: [UInt8], name: String? = nil) throws(Fault) {
        try element(name)
        bytes += json
        try flush(atLeast: 1 << 16)
    }

    func add(_ text: String, name: String? = nil) throws(Fault) {
        try add(json: Array(Self.quoted(text).utf8), name: name)
    }

    func add(_ number: Int64, name: String? = nil) throws(Fault) { try add(json: Array("\(number)".utf8), name: name) }

    private func element(_ name: String?) throws(Fault) {
        guard !open.isEmpty else { return }
        try put(open[open.count - 1] ? ",\n" : "\n")
        open[open.count - 1] = true
        try put(indent + (name.map { Self.quoted($0) + ": " } ?? ""))
    }

    private var indent: String { String(repeating: "  ", count: open.count) }

    private func put(_ text: String) throws(Fault) {
        bytes += Array(text.utf8)
        try flush(atLeast: 1 << 16)
    }

    private func flush(atLeast count: Int) throws(Fault) {
        guard bytes.count >= count else { return }
        written += bytes.count
        guard written <= bytesMax else {
            throw Fault(.badData, "\(path) would have more than \(bytesMax) bytes")
        }
        try Files.write(bytes, to: file, temporary)
        bytes.removeAll(keepingCapacity: true)
    }

    /// Makes the file durable and gives it its name.
    func finish() throws(Fault) {
        try put("\n")
        try flush(atLeast: 1)
        guard fsync(file) == 0 else { throw Files.fault("sync", temporary) }
        close(file)
        file = -1
        guard rename(temporary, path) == 0 else {
            let fault = Files.fault("rename", temporary)
            unlink(temporary)
            throw fault
        }
        Files.syncFolder(of: path)
    }

    /// RFC 8259, section 7.
    static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            default:
                if scalar.value < 0x20 {
                    let hex = String(scalar.value, radix: 16)
                    quoted += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
                } else {
                    quoted.unicodeScalars.append(scalar)
                }
            }
        }
        return quoted + "\""
    }
}
