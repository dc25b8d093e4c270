import ClientCore
import Domain
import WorkerHost

/// What a computer did for a project, day by day: the file `history` in the project's folder.
package struct HistoryFile: Sendable {
    package let path: String

    /// - Parameter folder: the project's.
    package init(folder: String) {
        path = "\(folder)/history"
    }

    /// - Returns: nil when there is none yet.
    /// - Throws: `.badData` when it is damaged.
    package func read() throws(Fault) -> HistoryBook? {
        guard Files.exists(path) else { return nil }
        do throws(Fault) { return try HistoryCode.decode(try Files.read(path, limit: HistoryCode.bytesMax)) } catch {
            guard error.kind == .badData else { throw error }
            throw Fault(.badData, "\(path): \(error.message)", advice: "A running client sets it aside.")
        }
    }

    /// As `read`; one that is damaged is set aside, and a new one begins.
    ///
    /// - Parameter say: told that.
    package func readOrBegin(say: (String) -> Void) throws(Fault) -> HistoryBook {
        do throws(Fault) { return try read() ?? HistoryBook() } catch {
            guard error.kind == .badData else { throw error }
            let aside = ProjectNames.last(try ProjectNames.setAside(path))
            say("\(error.message); it was set aside as \(aside), and what was done before counts as one sum")
            return HistoryBook()
        }
    }

    /// Replaces it whole: after a crash the old or the new one is there.
    package func write(_ book: HistoryBook) throws(Fault) {
        try Files.replace(path, with: try HistoryCode.encode(book), mode: 0o600)
    }
}
