import Domain
import Glibc
import WorkerHost

/// A folder that a command writes files to.
enum OutputFolder {
    /// Makes the folder and those above it, unless they are there.
    ///
    /// - Throws: `.cannotWrite` when something else has that name, or the name of a folder above it.
    static func make(_ path: String) throws(Fault) {
        var ancestor = path
        var status = stat()
        while stat(ancestor, &status) != 0, Files.parent(of: ancestor) != ancestor {
            ancestor = Files.parent(of: ancestor)
        }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            throw Fault(
                .cannotWrite, "\(Printable.clean(ancestor)) is there already, and is no folder",
                advice: "Name another folder.")
        }
        try Files.makeFolder(path, mode: 0o755)
    }
}
