import Domain
import Glibc
import WebAssembly

/// The command line of `millrace-wasm`.
struct Options {
    var module = ""
    var invocation: ModuleInvocation
    /// Says at the end how much fuel and memory the module used.
    var tellsUse = false

    static let usage = """
        usage: millrace-wasm --fuel N --memory BYTES [OPTION...] MODULE [ARGUMENT...]
               millrace-wasm --library       tell where the Wasmtime library is
          --fuel N               how much it may compute, about an instruction each: 5000000 or 5e6
          --memory BYTES         of memory it may have: 65536 to 4294967296
          --dir FOLDER[::NAME]   it finds this folder, as NAME
          --dir-ro FOLDER[::NAME]   the same, read-only
          --env NAME=VALUE       it sees this variable, beside MILLRACE_LABEL, MILLRACE_FIRST, MILLRACE_COUNT,
                                 MILLRACE_INPUT and MILLRACE_OUTPUT where they are set
          --seed TEXT            its random numbers follow from it; MILLRACE_LABEL if there is none
          --show-use             tell at the end how much fuel and memory it used
        exit codes: the module's own; 64 usage, 65 no module, 66 bad input, 70 the module failed (a trap),
                    71 out of fuel or memory, 75 asked to end (SIGTERM), 78 no Wasmtime library
        """

    private static let variables = [
        "MILLRACE_LABEL", "MILLRACE_FIRST", "MILLRACE_COUNT", "MILLRACE_INPUT", "MILLRACE_OUTPUT",
    ]

    init(_ arguments: [String]) throws(Fault) {
        var environment: [String] = []
        for name in Self.variables {
            if let value = getenv(name) { environment.append("\(name)=\(String(cString: value))") }
        }
        var seed = getenv("MILLRACE_LABEL").map { String(cString: $0) } ?? ""
        var folders: [ModuleInvocation.Folder] = []
        var fuel: UInt64?
        var memory: Int?
        var rest = arguments[...]
        while let option = rest.first, option.hasPrefix("--") {
            rest.removeFirst()
            if option == "--" { break }
            if option == "--show-use" {
                tellsUse = true
                continue
            }
            guard let value = rest.popFirst() else { throw Fault(.usage, "\(option) needs a value\n\(Self.usage)") }
            switch option {
            case "--fuel": fuel = try Self.number(value, option, 1...UInt64(Int64.max))
            case "--memory":
                let range = ModuleRun.memoryRange
                memory = Int(try Self.number(value, option, UInt64(range.lowerBound)...UInt64(range.upperBound)))
            case "--dir": folders.append(try Self.folder(value, isReadOnly: false))
            case "--dir-ro": folders.append(try Self.folder(value, isReadOnly: true))
            case "--env":
                guard value.contains("="), !value.hasPrefix("=") else {
                    throw Fault(.usage, "--env \(value): expected NAME=VALUE")
                }
                environment.append(value)
            case "--seed": seed = value
            default: throw Fault(.usage, "there is no option \(option)\n\(Self.usage)")
            }
        }
        guard let module = rest.first else { throw Fault(.usage, "no module is named\n\(Self.usage)") }
        guard let fuel else { throw Fault(.usage, "--fuel is missing\n\(Self.usage)") }
        guard let memory else { throw Fault(.usage, "--memory is missing\n\(Self.usage)") }
        self.module = module
        // Where the module lies is no part of what it is told.
        rest[rest.startIndex] = String(module.split(separator: "/").last ?? "")
        invocation = ModuleInvocation(
            arguments: Array(rest), environment: environment, folders: folders + Self.own(folders), seed: seed,
            fuel: fuel, memoryBytes: memory)
    }

    /// Decimal digits, or digits and a power of ten.
    private static func number(_ text: String, _ option: String, _ range: ClosedRange<UInt64>) throws(Fault) -> UInt64 {
        var value = UInt64(text)
        if value == nil, text.allSatisfy({ $0.isNumber || ".e+E".contains($0) }), let real = Double(text) {
            value = UInt64(exactly: real)
        }
        guard let value, range.contains(value) else {
            throw Fault(
                .usage, "\(option) \(text): expected a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    private static func folder(_ text: String, isReadOnly: Bool) throws(Fault) -> ModuleInvocation.Folder {
        var (path, name) = (text, text)
        if let colons = text.firstRange(of: "::") {
            (path, name) = (String(text[..<colons.lowerBound]), String(text[colons.upperBound...]))
        }
        guard name.hasPrefix("/"), !path.isEmpty else {
            throw Fault(
                .usage, "--dir \(text): the module needs an absolute name for it", advice: "Say --dir FOLDER::/NAME.")
        }
        return .init(path: path, name: name, place: name, isReadOnly: isReadOnly)
    }

    /// The folder in which this was started, if it is one of these: paths that are not absolute begin there.
    private static func own(_ folders: [ModuleInvocation.Folder]) -> [ModuleInvocation.Folder] {
        var (here, there) = (stat(), stat())
        guard stat(".", &here) == 0 else { return [] }
        for var folder in folders
        where stat(folder.path, &there) == 0 && there.st_ino == here.st_ino && there.st_dev == here.st_dev {
            folder.name = "."
            return [folder]
        }
        return []
    }
}
