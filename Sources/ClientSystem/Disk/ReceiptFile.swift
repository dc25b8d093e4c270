import Domain
import Glibc
import Wire
import WorkerHost

/// The receipts that a client keeps, a line for each reply, in `receipts`; those before them in `receipts.old`.
///
/// Bounded: beyond `bytesMax` the file takes the place of the old one, so that at least the last 10,000 receipts are
/// here. Appended and synced before the task is forgotten; what a crash tears is one line, which readers pass over.
public struct ReceiptFile: Sendable {
    private let path: String
    private let bytesMax: Int

    /// A receipt takes at most 120 characters, and what is around it 230.
    public static let standardBytesMax = 4 << 20

    /// - Parameter folder: the project's.
    public init(folder: String, bytesMax: Int = standardBytesMax) {
        path = "\(folder)/receipts"
        self.bytesMax = bytesMax
    }

    /// What is kept of one project, or of all, left ones included; the oldest of each first.
    ///
    /// - Parameter which: as `ProjectNames.find`, or the name of a project that was left; nil: all.
    /// - Parameter data: the client's folder.
    public static func kept(of which: String?, in data: String) throws(Fault) -> [SignedReceipts] {
        let data = try DataDirectory.prepare(data, say: { _ in })
        let all = try ProjectNames.all(in: data)
        var names = all
        if let which { names = all.contains(which) ? [which] : [try ProjectNames.find(which, in: data)] }
        var kept: [SignedReceipts] = []
        for name in names { kept += try ReceiptFile(folder: ProjectNames.path(name, in: data)).read() }
        return kept
    }

    private var oldPath: String { path + ".old" }

    /// Appends, durably.
    public func append(_ receipts: SignedReceipts) throws(Fault) {
        if let size = Files.size(path), size > bytesMax {
            guard rename(path, oldPath) == 0 else { throw Files.fault("rename", path) }
            Files.syncFolder(of: path)
        }
        let isNew = !Files.exists(path)
        let file = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw Files.fault("open", path) }
        defer { close(file) }
        // A torn line must not swallow this one.
        let line = Array((Self.endsInALine(file) ? "" : "\n").utf8) + Array((receipts.line + "\n").utf8)
        try Files.write(line, to: file, path)
        guard fsync(file) == 0 else { throw Files.fault("sync", path) }
        if isNew { Files.syncFolder(of: path) }
    }

    /// Sets aside what is no receipt, a torn line, one without the project's signature or a damaged file, and keeps the
    /// rest.
    ///
    /// - Parameter say: told what was set aside.
    public func repair(say: (String) -> Void) throws(Fault) {
        for path in [oldPath, path] where Files.exists(path) {
            let bytes: [UInt8]
            do throws(Fault) { bytes = try Files.read(path, limit: readBytesMax) } catch {
                guard error.kind == .badData else { throw error }
                say("\(error.message); it was set aside as \(ProjectNames.last(try ProjectNames.setAside(path)))")
                continue
            }
            var (good, bad): ([UInt8], [UInt8]) = ([], [])
            for line in bytes.split(separator: 0x0A) {
                let receipts = SignedReceipts(line: String(decoding: line, as: UTF8.self))
                if let receipts, (try? receipts.verified()) != nil {
                    good += line + [0x0A]
                } else {
                    bad += line + [0x0A]
                }
            }
            guard !bad.isEmpty else { continue }
            // First what is none, then the file without it: after a crash in between it is done again.
            var number = 1
            while Files.exists("\(path)\(ProjectNames.damagedMark)\(number)") { number += 1 }
            try Files.replace("\(path)\(ProjectNames.damagedMark)\(number)", with: bad, mode: 0o600)
            try Files.replace(path, with: good, mode: 0o600)
            say(
                "\(bad.count) bytes of \(path) are no receipts; they were set aside in "
                    + "\(ProjectNames.last(path))\(ProjectNames.damagedMark)\(number)")
        }
    }

    /// One more than the bound may have been appended.
    private var readBytesMax: Int { 2 * bytesMax + (1 << 20) }

    private static func endsInALine(_ file: Int32) -> Bool {
        let end = lseek(file, 0, SEEK_END)
        guard end > 0 else { return true }
        var last: UInt8 = 0
        return pread(file, &last, 1, end - 1) == 1 && last == 0x0A
    }

    /// All that are kept, the oldest first; lines that were torn are left out.
    public func read() throws(Fault) -> [SignedReceipts] {
        var all: [SignedReceipts] = []
        for path in [oldPath, path] where Files.exists(path) {
            let text = String(decoding: try Files.read(path, limit: readBytesMax), as: UTF8.self)
            all += text.split(separator: "\n").compactMap { SignedReceipts(line: $0) }
        }
        return all
    }
}
