import CWasmtime
import Domain
import Glibc
import WebAssembly

/// Runs a WebAssembly module of a scientist: what a volunteer's client starts in its sandbox for `app: wasm`.
@main
struct Main {
    static func main() {
        let arguments = Array(CommandLine.arguments.dropFirst())
        do throws(Fault) {
            switch arguments {
            case ["--help"], ["-h"], ["help"]: print(Options.usage)
            case ["--library"]: print(try WasmtimeLibrary().path)
            default: exit(try perform(try Options(arguments)))
            }
        } catch {
            complain("\(error)")
            exit(error.kind.rawValue)
        }
    }

    /// - Returns: the exit code.
    private static func perform(_ options: Options) throws(Fault) -> Int32 {
        millrace_end_when_asked()
        let invocation = options.invocation
        let bytes = try read(options.module)
        let progress = ProgressFile(invocation.folders)
        let run = try ModuleRun(
            bytes, invocation, library: try WasmtimeLibrary(),
            progressPath: progress == nil ? nil : ProgressFile.place)
        let end = try run.perform { progress?.tell(run, of: invocation.fuel) }
        if options.tellsUse {
            complain("\(run.fuelUsed) of \(invocation.fuel) fuel used, \(run.memoryBytes) bytes of memory")
        }
        switch end {
        case .code(let code):
            if code != 0 && run.refusedBytes > 0 {
                complain("the module was refused \(run.refusedBytes) bytes of memory and ended with code \(code)")
            }
            // A process has eight bits for its code; none of a failure may become 0.
            return Int32(code & 0xff) == 0 && code != 0 ? 1 : Int32(code & 0xff)
        case .outOfFuel:
            complain("out of fuel: the module used all \(invocation.fuel)")
            return FaultKind.osError.rawValue
        case .outOfMemory(let asked, let words):
            complain("out of memory: it asked for \(asked) bytes, \(invocation.memoryBytes) are allowed; \(words)")
            return FaultKind.osError.rawValue
        case .trap(let words):
            complain("the module failed: \(words)")
            return FaultKind.software.rawValue
        }
    }

    private static func read(_ path: String) throws(Fault) -> [UInt8] {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw Fault(.noInput, "\(path): \(String(cString: strerror(errno)))") }
        defer { close(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = Glibc.read(file, &buffer, buffer.count)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw Fault(.noInput, "\(path): \(String(cString: strerror(errno)))") }
            guard count > 0 else { return bytes }
            bytes += buffer[..<count]
            guard bytes.count <= ModuleRun.moduleBytesMax else {
                throw Fault(.badData, "\(path) has more than \(ModuleRun.moduleBytesMax) bytes")
            }
        }
    }

    private static func complain(_ words: String) {
        let line = "millrace-wasm: \(words)\n"
        _ = write(STDERR_FILENO, line, line.utf8.count)
    }
}
