import Domain
import Glibc

/// Finds the program that links the apps.
public enum WorkerLocator {
    /// `$MILLRACE_WORKER` when it is set, otherwise `millrace-worker` beside the running program.
    ///
    /// - Throws: `.configuration` when there is no such program.
    public static func find() throws(Fault) -> String {
        if let chosen = getenv("MILLRACE_WORKER") {
            let path = String(cString: chosen)
            guard access(path, X_OK) == 0 else {
                throw Fault(
                    .configuration, "MILLRACE_WORKER names \(path), which is not a program",
                    advice: "Unset MILLRACE_WORKER, or name the millrace-worker program.")
            }
            return path
        }
        let path = Files.parent(of: ownPath()) + "/millrace-worker"
        guard access(path, X_OK) == 0 else {
            throw Fault(
                .configuration, "there is no \(path)",
                advice: "Install millrace-worker beside this program, or name it in MILLRACE_WORKER.")
        }
        return path
    }

    /// The file of the running program.
    public static func ownPath() -> String {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = buffer.withUnsafeMutableBytes { unsafe in
            readlink("/proc/self/exe", unsafe.baseAddress!.assumingMemoryBound(to: CChar.self), unsafe.count)
        }
        return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : CommandLine.arguments[0]
    }
}
