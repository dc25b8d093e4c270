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

    /// - Parameter folder: the client's.
    public init(folder: String, bytesMax: Int = standardBytesMax) {
        path = "\(folder)/receipts"
        self.bytesMax = bytesMax
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
            // One more than the bound may have been appended.
            let text = String(decoding: try Files.read(path, limit: 2 * bytesMax + (1 << 20)), as: UTF8.self)
            all += text.split(separator: "\n").compactMap { SignedReceipts(line: $0) }
        }
        return all
    }
}
