import Domain
import Engine
import Storage

/// What the releases that are published at this server say of a program.
public enum ProgramListing: Hashable, Sendable {
    /// The platforms of its files; not empty.
    case listed([String])
    /// Why no client would start it, in words.
    case denied(String)
}

extension ProjectServer {
    /// The program of a project, and where it runs; nil for apps that compute themselves.
    func programNeed(of spec: ProjectSpec, now: Timestamp) -> ProgramNeed? {
        guard let program = spec.program, let app = ProgramApp(rawValue: spec.app) else { return nil }
        switch programs(program.name, program.version, now) {
        case .denied: return ProgramNeed(title: program.title, platforms: [])
        case .listed(let platforms):
            return ProgramNeed(title: program.title, platforms: platforms.filter(app.takes(platform:)))
        }
    }

    /// Nobody could compute a batch whose program is not released: so it is not taken.
    func programRefusal(of spec: ProjectSpec, now: Timestamp) -> RequestRefusal? {
        guard let program = spec.program, let app = ProgramApp(rawValue: spec.app) else { return nil }
        switch programs(program.name, program.version, now) {
        case .denied(let why):
            return RequestRefusal(
                .badManifest, "no client would start the program \(program.title): \(why)",
                advice: "`millrace release add`, `sign` and `publish` it; `refresh` and `publish` when it is too old")
        case .listed(let platforms):
            if platforms.contains(where: app.takes(platform:)) { return nil }
            let isModule = app == .wasm
            return RequestRefusal(
                .badManifest,
                "the program \(program.title) is released for \(platforms.joined(separator: ", ")), and the app "
                    + "\(app.rawValue) runs \(isModule ? "only" : "no") modules for \(ProgramApp.wasmPlatform)",
                advice: "write `app: \(isModule ? ProgramApp.executable : .wasm)`, or release it for another platform")
        }
    }
}

/// Adds to tasks which program they need; each batch's manifest and release are looked up once for a call.
struct ProgramGate {
    let core: ProjectServer
    let tx: any StoreTransaction
    let now: Timestamp
    private var needs: [BatchID: ProgramNeed] = [:]

    init(core: ProjectServer, tx: any StoreTransaction, now: Timestamp) {
        self.core = core
        self.tx = tx
        self.now = now
    }

    mutating func candidate(_ task: SchedulableTask) throws -> Candidate {
        var candidate = Candidate(task)
        if ProgramApp(app: task.app) != nil { candidate.program = try need(of: task.id.unit.batch) }
        return candidate
    }

    private mutating func need(of batch: BatchID) throws -> ProgramNeed {
        if let known = needs[batch] { return known }
        let manifest = try tx.batch(batch)?.manifest
        // Without its manifest nobody knows the program; the other batches go on.
        let spec = manifest.flatMap { try? core.spec($0) }
        let need =
            spec.flatMap { core.programNeed(of: $0, now: now) }
            ?? ProgramNeed(title: "of batch \(batch), whose manifest cannot be read", platforms: [])
        needs[batch] = need
        return need
    }
}
