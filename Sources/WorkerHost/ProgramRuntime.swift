import Domain
import Glibc

/// Finds the program that runs WebAssembly modules.
public enum ProgramRuntime {
    public static let name = "millrace-wasm"
    /// The platform of modules in release metadata.
    public static let platform = "wasm"
    /// Memory that it takes beside a module's own.
    public static let ownBytes = 128 << 20

    /// Beside the worker.
    ///
    /// - Parameter worker: its path; nil: this process is the worker.
    /// - Throws: `.configuration` when there is none.
    public static func find(worker: String? = nil) throws(Fault) -> String {
        let path = "\(Files.parent(of: worker ?? WorkerLocator.ownPath()))/\(name)"
        guard access(path, X_OK) == 0 else {
            throw Fault(
                .configuration, "there is no \(path), which runs WebAssembly modules",
                advice: "Install \(name) beside millrace-worker.")
        }
        return path
    }
}
