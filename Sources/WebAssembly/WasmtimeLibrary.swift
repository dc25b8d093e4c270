import CWasmtime
import Domain
import Glibc

/// Wasmtime, the library that compiles and runs modules; found when the program runs.
public struct WasmtimeLibrary {
    /// What `scripts/wasmtime.sh` and the packages call it.
    static let fileName = "libmillrace-wasmtime.so"

    public let path: String
    package let calls: millrace_wasmtime_calls

    /// Loads the library at a path; it stays for as long as the process lives.
    ///
    /// - Throws: `.configuration` when it is no such library, or one of another version.
    package init(path: String) throws(Fault) {
        guard let handle = dlopen(path, RTLD_NOW | RTLD_LOCAL) else {
            throw Fault(
                .configuration, "cannot load \(path): \(String(cString: dlerror()))", advice: Self.advice)
        }
        var calls = millrace_wasmtime_calls()
        if let lacking = millrace_wasmtime_load(handle, &calls) {
            throw Fault(
                .configuration, "\(path) has no function \(String(cString: lacking)): it is not Wasmtime 50",
                advice: Self.advice)
        }
        self.path = path
        self.calls = calls
    }

    /// Loads the one of this installation.
    public init() throws(Fault) {
        try self.init(path: try Self.find())
    }

    private static let advice =
        "Install the package millrace-client-wasm; beside a build of your own, scripts/wasmtime.sh fetches the library."

    /// Where it is: `$MILLRACE_WASMTIME`; else beside the program; else in `../lib/millrace` as packages have it; else
    /// where `scripts/wasmtime.sh` puts it for a build.
    ///
    /// - Throws: `.configuration` when it is nowhere.
    public static func find() throws(Fault) -> String {
        if let chosen = getenv("MILLRACE_WASMTIME") {
            let path = String(cString: chosen)
            guard access(path, R_OK) == 0 else {
                throw Fault(
                    .configuration, "MILLRACE_WASMTIME names \(path), which cannot be read", advice: Self.advice)
            }
            return path
        }
        let program = ownPath()
        guard let folder = program.lastIndex(of: "/").map({ program[..<$0] }) else {
            throw Fault(.configuration, "this program's own folder is unknown", advice: Self.advice)
        }
        let places = ["\(folder)", "\(folder)/../lib/millrace", "\(folder)/../../wasmtime"].map { "\($0)/\(fileName)" }
        guard let path = places.first(where: { access($0, R_OK) == 0 }), let real = realpath(path, nil) else {
            throw Fault(.configuration, "there is no \(places[0]), nor \(places[1])", advice: Self.advice)
        }
        defer { free(real) }
        return String(cString: real)
    }

    private static func ownPath() -> String {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = buffer.withUnsafeMutableBytes { bytes in
            readlink("/proc/self/exe", bytes.baseAddress!.assumingMemoryBound(to: CChar.self), bytes.count)
        }
        return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : CommandLine.arguments[0]
    }

    /// What an error says; nil when there is none. Errors are few and stay until the process ends.
    package func message(_ error: OpaquePointer?) -> String? {
        guard let error else { return nil }
        var text = wasm_byte_vec_t()
        calls.wasmtime_error_message(error, &text)
        return String(decoding: UnsafeRawBufferPointer(start: text.data, count: text.size), as: UTF8.self)
    }

    /// What a trap says, with the functions that led to it.
    func message(trap: OpaquePointer) -> String {
        var text = wasm_byte_vec_t()
        calls.wasm_trap_message(trap, &text)
        let bytes = UnsafeRawBufferPointer(start: text.data, count: text.size)
        let lines = String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self).split(separator: "\n")
        // One of them advises how to ask this library for more, which nobody can here.
        return lines.filter { !$0.hasPrefix("note: ") }.joined(separator: "\n")
    }

    /// A trap that ends the module.
    func trap(_ words: String) -> OpaquePointer? {
        words.withCString { calls.wasmtime_trap_new($0, strlen($0)) }
    }
}
