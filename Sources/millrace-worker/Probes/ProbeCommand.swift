import CPosix
import Confinement
import Domain
import FoundationEssentials
import Glibc
import WorkerHost

/// `millrace-worker probe-escape NAME SANDBOX SCENE`: tries one way out and tells what came of it, as JSON. Started by
/// the self-test: in the sandbox of kernels (`kernel`), which it enters itself as `run` does; as a scientist's program
/// (`program`), which is enclosed already; or without any (`plain`), to see that the way exists.
struct ProbeCommand {
    private let name: String
    private let sandbox: String
    private let scene: EscapeScene

    /// - Throws: `.usage`.
    init(_ name: String, _ sandbox: String, _ scene: String) throws(Fault) {
        guard let scene = try? JSONDecoder().decode(EscapeScene.self, from: Data(scene.utf8)),
            ["kernel", "program", "plain"].contains(sandbox)
        else { throw Fault(.usage, "probe-escape is started by the self-test only") }
        self.name = name
        self.sandbox = sandbox
        self.scene = scene
    }

    /// As those of a small work unit.
    static let bounds = Bounds(
        addressSpaceBytes: 256 << 20 + Int(Surroundings.addressHeadroom), fileBytes: 16 << 20, cpuSeconds: 60)

    func perform() throws(Fault) {
        guard let probe = Self.probes[name] else { throw Fault(.usage, "there is no probe \(name)") }
        signal(SIGPIPE, SIG_IGN)
        signal(SIGXFSZ, SIG_IGN)
        if sandbox == "kernel" {
            Confinement.forgetInheritance()
            let layers = Confinement(
                folders: [scene.own], files: ["\(scene.own)/unit", scene.input]
            ).enter()
            if let lacking = layers.shortfall(of: .kernel) {
                throw Fault(.configuration, "the sandbox lacks \(lacking)")
            }
            try Self.bounds.apply()
        } else {
            Confinement.forgetCrashes()
        }
        EncloseCommand.tell(probe(scene), STDOUT_FILENO)
    }

    static let probes: [String: @Sendable (EscapeScene) -> EscapeFinding] =
        fileProbes.merging(networkProbes) { a, _ in a }.merging(processProbes) { a, _ in a }
        .merging(amountProbes) { a, _ in a }.merging(privilegeProbes) { a, _ in a }
        .merging(interfaceProbes) { a, _ in a }.merging(meterProbes) { a, _ in a }
}

extension EscapeFinding {
    /// Judges a call that gives -1 and `errno` when it is refused.
    static func of(_ what: String, _ result: Int) -> EscapeFinding {
        guard result < 0 else { return EscapeFinding(.open, "\(what) succeeded") }
        return EscapeFinding(.denied, "\(what): \(errorName(errno))")
    }

    static func of(_ what: String, _ result: Int32) -> EscapeFinding { of(what, Int(result)) }

    static func call(_ name: String, _ a: Int = 0, _ b: Int = 0, _ c: Int = 0, _ d: Int = 0, _ e: Int = 0)
        -> EscapeFinding
    {
        let number = millrace_call_number(name)
        guard number >= 0 else { return EscapeFinding(.absent, "no \(name) on this architecture") }
        let finding = of(name, millrace_call(Int(number), a, b, c, d, e, 0))
        // The kernel was built without it. In a sandbox that is not seen: the filter comes first.
        return finding.outcome == .denied && errno == ENOSYS ? EscapeFinding(.absent, finding.how) : finding
    }

    private static func errorName(_ code: Int32) -> String {
        let names: [Int32: String] = [
            EPERM: "EPERM", EACCES: "EACCES", ENOENT: "ENOENT", EROFS: "EROFS", ESRCH: "ESRCH", ENOSYS: "ENOSYS",
            EAGAIN: "EAGAIN", ENOMEM: "ENOMEM", EFBIG: "EFBIG", ENOSPC: "ENOSPC", EXDEV: "EXDEV", EINVAL: "EINVAL",
            EBADF: "EBADF", ENOTTY: "ENOTTY", EIO: "EIO", EIDRM: "EIDRM", ECONNREFUSED: "ECONNREFUSED",
            EAFNOSUPPORT: "EAFNOSUPPORT", ENXIO: "ENXIO", ENOTSUP: "ENOTSUP", EISDIR: "EISDIR", EEXIST: "EEXIST",
        ]
        return names[code] ?? String(cString: strerror(code))
    }
}
