import Glibc

/// What a folder holds.
package enum FolderNames {
    /// - Parameter most: where reading ends; one more is given when there are more.
    /// - Returns: names without `.` and `..`, in no order; nil with `errno` when the folder cannot be read to its end.
    package static func list(_ path: String, most: Int = .max - 1) -> [String]? {
        guard let folder = opendir(path) else { return nil }
        var names: [String] = []
        errno = 0
        while names.count <= most, let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
            errno = 0
        }
        let code = names.count <= most ? errno : 0
        closedir(folder)
        errno = code
        return code == 0 ? names : nil
    }
}
