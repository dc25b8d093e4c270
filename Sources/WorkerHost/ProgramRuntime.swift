import Domain
import Glibc

/// What runs WebAssembly modules: a program and the library that it loads.
public struct ProgramRuntime: Sendable {
    public var program: String
    public var library: String

    public static let name = "millrace-wasm"
    public static let libraryName = "libmillrace-wasmtime.so"
    /// Memory that it takes beside a module's own: for its code, and while it compiles.
    public static let ownBytes = 256 << 20
    /// Bytes that a module can be given.
    public static let memoryRange = (1 << 16)...(1 << 32)
    /// Its exit code when a module is out of fuel or memory.
    public static let overLimitCode: Int32 = 71

    /// Beside the worker; the library there, too, or where packages and builds have it.
    ///
    /// - Parameter worker: its path; nil: this process is the worker.
    /// - Throws: `.configuration` when there is none.
    public static func find(worker: String? = nil) throws(Fault) -> ProgramRuntime {
        let folder = Files.parent(of: worker ?? WorkerLocator.ownPath())
        let program = "\(folder)/\(name)"
        let libraries = [folder, "\(folder)/../lib/millrace", "\(folder)/../../wasmtime"].map { "\($0)/\(libraryName)" }
        guard access(program, X_OK) == 0, let library = libraries.first(where: { access($0, R_OK) == 0 }) else {
            throw Fault(
                .configuration, "there is no \(program) with its library, which run WebAssembly modules",
                advice: "Install the package millrace-client-wasm, or both beside millrace-worker.")
        }
        return ProgramRuntime(program: program, library: library)
    }
}
