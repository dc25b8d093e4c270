import Domain
import Engine
import Preferences

/// Units whose program a scientist wrote: started only when releases name the program, and while the owner allows it.
extension ClientMachine {
    /// The look-up of one task's program.
    struct ProgramLook: Hashable, Sendable {
        var isInFlight = false
        var failures = 0
        var notBefore: Timestamp?
        /// Why the last one brought nothing.
        var why: String?
    }

    private static let lookBackOff = BackOff(minimumSeconds: 10, maximumSeconds: 3600)

    /// Platforms of programs that are started here; none when the owner does not want any.
    var programPlatforms: [String] { settings.idle.preferences.allowsPrograms ? settings.programPlatforms : [] }

    /// What the server is told that this host computes.
    var appsForServer: [String] {
        var apps = settings.apps.filter { ProgramApp(app: $0) == nil }
        let platforms = programPlatforms
        if platforms.contains(where: { $0 != ProgramApp.wasmPlatform }) {
            apps.append("\(ProgramApp.executable.rawValue)/\(UnitProgram.appVersion)")
        }
        if platforms.contains(ProgramApp.wasmPlatform) {
            apps.append("\(ProgramApp.wasm.rawValue)/\(UnitProgram.appVersion)")
        }
        return apps
    }

    /// Why no program of this kind is started here; nil: one may be.
    func programObjection(isModule: Bool) -> String? {
        guard settings.idle.preferences.allowsPrograms else {
            return "programs of scientists are not started here: the preferences say `programs: no`"
        }
        if programPlatforms.contains(where: { ($0 == ProgramApp.wasmPlatform) == isModule }) { return nil }
        if isModule, !programPlatforms.isEmpty { return "this computer has nothing that runs WebAssembly modules" }
        return "programs of scientists are not started here" + (settings.programsLacking.map { ": \($0)" } ?? "")
    }

    /// Looks programs up that are not known yet, and gives back what must not be started any more.
    mutating func pursuePrograms(_ now: Timestamp, _ out: inout Outbox) {
        for place in state.tasks.indices {
            guard state.tasks[place].isReady, let program = state.tasks[place].unit?.program else { continue }
            let id = state.tasks[place].id
            if let why = programObjection(isModule: program.isModule) {
                giveBack(id, why, &out)
                continue
            }
            guard program.file == nil, runs[id] == nil else { continue }
            var look = programLooks[id] ?? ProgramLook()
            if look.isInFlight || look.notBefore.map({ now < $0 }) == true { continue }
            look.isInFlight = true
            programLooks[id] = look
            out.add(.findProgram(id, program))
        }
    }

    mutating func take(
        _ answer: ProgramAnswer, of id: TaskID, _ now: Timestamp, _ random: Double, _ out: inout Outbox
    ) {
        let look = programLooks[id] ?? ProgramLook()
        programLooks[id] = nil
        guard let task = state[task: id], task.isReady, task.unit?.program != nil else { return }
        switch answer {
        case .file(let file):
            // What runs, runs as what it was started; the next start is by the new word.
            guard task.unit?.program?.file != file, runs[id] == nil else { return }
            update(id) { $0.unit?.program?.file = file }
        case .refused(let why): giveBack(id, why, &out)
        case .unknown(let why):
            guard runs[id] == nil else { return }
            let failures = look.failures + 1
            let delay = Self.lookBackOff.delaySeconds(failures: failures, random: random)
            programLooks[id] = ProgramLook(
                failures: failures, notBefore: now + TimeSpan(seconds: delay), why: PrintableText.clean(why))
            problem = why
        }
    }

    /// Releases did not confirm a program just before its start: they are asked anew.
    mutating func programDoubted(_ id: TaskID, _ out: inout Outbox) {
        startWithdrawn(id, &out)
        guard state[task: id]?.unit?.program != nil else { return }
        update(id) { $0.unit?.program?.file = nil }
    }

    /// Why a task's program is not here yet, for people; nil: it is known.
    func programWait(_ task: HeldTask) -> String? {
        guard let program = task.unit?.program, program.file == nil else { return nil }
        return programLooks[task.id]?.why ?? "the project's releases are asked for \(program.title)"
    }
}
