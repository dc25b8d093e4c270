import Domain
import Glibc

extension Files {
    /// Removes a file, or a folder with everything in it; links are removed, not followed. Nothing there: nothing done.
    ///
    /// A program may have left folders in it that are closed to their owner, or deeper than a path can name: closed
    /// ones are opened, and deep ones are brought up until they can be named.
    public static func remove(_ path: String) throws(Fault) {
        guard let mode = try mode(of: path) else { return }
        guard mode & S_IFMT == S_IFDIR else {
            guard unlink(path) == 0 || errno == ENOENT else { throw fault("remove", path) }
            return
        }
        // Folders that were brought up have names that nobody else gives.
        var raised = 0
        while true {
            let names = try openedNames(in: path)
            if names.isEmpty { break }
            for name in names { try clear("\(path)/\(name)", in: path, &raised) }
        }
        guard rmdir(path) == 0 || errno == ENOENT else { throw fault("remove", path) }
    }

    /// Removes an entry of `top`; folders in it are moved to `top`, so that no path ever gets longer.
    private static func clear(_ path: String, in top: String, _ raised: inout Int) throws(Fault) {
        guard let mode = try mode(of: path) else { return }
        guard mode & S_IFMT == S_IFDIR else {
            guard unlink(path) == 0 || errno == ENOENT else { throw fault("remove", path) }
            return
        }
        for name in try openedNames(in: path) {
            let inner = "\(path)/\(name)"
            guard let mode = try self.mode(of: inner) else { continue }
            if mode & S_IFMT != S_IFDIR {
                guard unlink(inner) == 0 || errno == ENOENT else { throw fault("remove", inner) }
                continue
            }
            if rmdir(inner) == 0 { continue }
            // Its `..` changes, for which it must be open itself.
            _ = chmod(inner, 0o700)
            repeat { raised += 1 } while try self.mode(of: "\(top)/.\(raised).gone") != nil
            guard rename(inner, "\(top)/.\(raised).gone") == 0 else { throw fault("remove", inner) }
        }
        guard rmdir(path) == 0 || errno == ENOENT else { throw fault("remove", path) }
    }

    /// nil: there is nothing.
    private static func mode(of path: String) throws(Fault) -> mode_t? {
        var status = stat()
        if lstat(path, &status) == 0 { return status.st_mode }
        guard errno == ENOENT else { throw fault("look at", path) }
        return nil
    }

    private static func openedNames(in path: String) throws(Fault) -> [String] {
        if access(path, R_OK | W_OK | X_OK) != 0, errno == EACCES { _ = chmod(path, 0o700) }
        return try names(in: path)
    }
}
