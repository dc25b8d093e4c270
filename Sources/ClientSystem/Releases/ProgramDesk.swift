import ClientCore
import Domain
import Glibc
import Releases
import WorkerHost

/// Which scientists' programs this computer can start at all.
public struct ProgramHost: Sendable {
    public var sandbox: SandboxAnswer
    /// Whether there is a program that runs WebAssembly modules.
    public var hasRuntime: Bool
    /// The client runs with its sandbox on.
    public var isSandboxed: Bool

    public init(sandbox: SandboxAnswer, hasRuntime: Bool, isSandboxed: Bool = true) {
        self.sandbox = sandbox
        self.hasRuntime = hasRuntime
        self.isSandboxed = isSandboxed
    }

    /// Why none can be started, in words; nil: they can.
    public var lacking: String? {
        guard isSandboxed else { return "this client runs without a sandbox" }
        return sandbox.program.shortfall(of: .program).map { "the sandbox lacks \($0)" }
    }

    /// As release metadata name them, in order of preference; empty: none.
    public var platforms: [String] {
        guard lacking == nil else { return [] }
        return [HostInventory.platform, "any"] + (hasRuntime ? [ProgramApp.wasmPlatform] : [])
    }
}

/// Answers which file a unit's program is, by signed releases and by what this computer has. Any thread may ask.
public struct ProgramDesk: Sendable {
    private let store: ReleaseStore
    private let host: ProgramHost
    /// Brings the releases up to date; why that did not work, or nil.
    private let refresh: @Sendable () -> String?
    /// Where interpreters are looked for; see `ProgramEnclosure` of millrace-worker.
    private static let searched = ["/usr/local/bin", "/usr/bin", "/bin"]

    public init(store: ReleaseStore, host: ProgramHost, refresh: @escaping @Sendable () -> String?) {
        self.store = store
        self.host = host
        self.refresh = refresh
    }

    /// By what is believed now.
    ///
    /// - Returns: nil: it is not, or no more, among what is believed, which may be too old.
    public func believed(_ program: UnitProgram, now: Timestamp) -> ProgramAnswer? {
        guard case .success(.success(let found)) = look(program, now) else { return nil }
        return judge(found)
    }

    /// By what is believed now; when that is not enough, the server is asked for news first, which takes a while.
    public func find(_ program: UnitProgram, now: () -> Timestamp) -> ProgramAnswer {
        if let answer = believed(program, now: now()) { return answer }
        let trouble = refresh()
        switch look(program, now()) {
        case .success(.success(let found)): return judge(found)
        // Nothing is given back for what the server could not be asked.
        case .success(.failure(let denial)):
            return trouble.map { .unknown("\(denial.reason), and there is no news: \($0)") } ?? .refused(denial.reason)
        case .failure(let fault): return .unknown(fault.message)
        }
    }

    /// Why a program that runs was withdrawn: releases name another file for it, or none. Releases that are only too
    /// old withdraw nothing.
    public func withdrawal(of program: UnitProgram, now: Timestamp) -> String? {
        switch look(program, now) {
        case .success(.success(let found)):
            guard found.file.digest != program.file?.digest else { return nil }
            return "\(program.title) is another file now in the project's releases"
        case .success(.failure(let denial)):
            return [.unknownApp, .unknownVersion, .notForPlatform].contains(denial.kind) ? denial.reason : nil
        case .failure: return nil
        }
    }

    private func look(_ program: UnitProgram, _ now: Timestamp) -> Result<Result<ReleasedProgram, ReleaseDenial>, Fault>
    {
        let platforms = program.isModule ? [ProgramApp.wasmPlatform] : [HostInventory.platform, "any"]
        do throws(Fault) {
            return .success(
                try store.program(app: program.name, version: program.version, platforms: platforms, now: now))
        } catch { return .failure(error) }
    }

    private func judge(_ found: ReleasedProgram) -> ProgramAnswer {
        let title = "\(found.app) \(found.version)"
        if let lacking = host.lacking { return .refused("\(title): \(lacking)") }
        do throws(Fault) {
            let demand = try SandboxDemand(words: found.layers)
            if let why = SandboxRule.objection(to: demand, isProgram: true, in: host.sandbox) {
                return .refused("\(title): \(why)")
            }
        } catch { return .refused("\(title): \(error.message)") }
        if found.file.platform == ProgramApp.wasmPlatform, !host.hasRuntime {
            return .refused("\(title): this computer has nothing that runs WebAssembly modules")
        }
        if let interpreter = found.file.interpreter,
            !Self.searched.contains(where: { access("\($0)/\(interpreter)", X_OK) == 0 })
        {
            return .refused("\(title): this computer has no \(PrintableText.clean(interpreter)), which reads it")
        }
        return .file(
            UnitProgram.File(
                digest: found.file.digest, size: found.file.size, platform: found.file.platform,
                interpreter: found.file.interpreter, needs: found.layers))
    }
}
