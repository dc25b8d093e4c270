import Domain
import Glibc
import WorkerHost

/// A worker's last words are told to the server. Where things lie on this computer, and with it often its user's name,
/// is nobody's business there.
extension ProjectDirectory {
    /// The text with short words in place of this computer's folders: `TASK`, `DATA`, `HOME`.
    ///
    /// - Parameter text: may begin in the middle of a path, since only the end of a long output is kept.
    package func withoutPaths(_ text: String, of task: TaskID, home: String? = ProjectDirectory.home) -> String {
        var folders = [(slot(task), "TASK"), (path, "DATA")]
        let projects = Files.parent(of: path)
        if ProjectNames.last(projects) == ProjectNames.folder { folders.append((Files.parent(of: projects), "DATA")) }
        // A folder so short is in every path, and names nobody.
        if let home, home.utf8.count > 2 { folders.append((home, "HOME")) }
        var text = text
        for (folder, word) in folders {
            text = text.replacing(folder, with: word)
            let tail = (1..<folder.count).lazy.map { folder.dropFirst($0) }.first { text.hasPrefix($0 + "/") }
            if let tail { text = word + text.dropFirst(tail.count) }
        }
        return text
    }

    package static var home: String? {
        guard let home = getenv("HOME") else { return nil }
        let path = String(cString: home)
        return path.hasSuffix("/") ? String(path.dropLast()) : path
    }
}
