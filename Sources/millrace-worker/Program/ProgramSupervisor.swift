import Bytes
import CPosix
import Confinement
import Domain
import FoundationEssentials
import Glibc
import Wire
import WorkerHost

/// One unit whose program a scientist wrote, from its first or last start to its result, or to the next stop.
///
/// This process cannot be shut in, since it starts the program's enclosure; so it reads nothing of a project but a plan
/// of few values, bytes that it only hashes, and one number. The rest is done by children that are shut in:
/// unpacking, the program, packing.
struct ProgramSupervisor {
    let folder: String
    let job: WireRunJob
    let shelter: Shelter
    let surroundings: Surroundings

    private var input: String { "\(folder)/\(RunFolder.programInput)" }
    private var output: ProgramOutput { ProgramOutput(folder: "\(folder)/\(RunFolder.programOutput)") }
    /// There once the program has ended with success: after a crash it is not started again.
    private var doneMark: String { "\(folder)/\(RunFolder.programDone)" }

    init(folder: String, job: WireRunJob, shelter: Shelter, surroundings: Surroundings) {
        self.folder = Shelter.absolute(folder)
        self.job = job
        self.shelter = shelter
        self.surroundings = surroundings
    }

    /// - Throws: a fault whose kind is the exit code; `.interrupted` when it was asked to stop.
    mutating func perform() throws(Fault) {
        try checkDemand()
        try forgetOthers()
        let isDone = Files.exists(doneMark)
        let plan = try unpack(layingOut: !isDone)
        try makeFolder(output.folder, keeping: true)
        var account = ProgramAccount(folder: folder, continues: output.hasCheckpoint || isDone)
        account.fingerprint = fingerprint(plan)
        if !isDone {
            let enclosure = try ProgramEnclosure(plan: plan, job: job, input: input, output: output.folder, shelter)
            let program = try verifiedProgram(enclosure.place)
            try open(inputsOf: plan)
            var run = ProgramRun(surroundings: surroundings, output: output, account: account)
            let end = try run.perform(enclosure.enclosure, program)
            account = run.account
            try judge(end, run.stopReason, outputMax: enclosure.enclosure.output?.bytesMax ?? 0)
        }
        let files = try results(of: plan)
        defer { for file in files { close(file.descriptor) } }
        if !isDone {
            // The mark vouches for them, so they must survive a power failure before it does.
            try output.makeDurable(files)
            try WorkerFiles.replace(doneMark, with: [], durable: true)
        }
        try pack(plan, files, &account)
        try? Files.remove(input)
    }

    /// What another file of the program left, one that the releases named before, is nothing to go on from.
    private func forgetOthers() throws(Fault) {
        let mark = "\(folder)/\(RunFolder.programBegun)"
        let own = Array(Hex.encode(job.program.sha256.map { $0 }).utf8)
        if Files.exists(mark) {
            if let begun = try? WorkerFiles.read(mark, limit: own.count), begun == own { return }
            try Files.remove(doneMark)
            try Files.remove(output.folder)
        }
        try WorkerFiles.replace(mark, with: own, durable: true)
    }

    /// The enclosure has all layers or is none; what its release or this computer's owner asks for can be more only in
    /// the version of one of them.
    private func checkDemand() throws(Fault) {
        let needs: SandboxDemand
        do throws(Fault) { needs = try SandboxDemand(words: job.program.needs) } catch {
            throw Fault(.configuration, "the release of the program: \(error.message)", advice: error.advice)
        }
        let demand = needs.joined(with: shelter.demand)
        let version = shelter.leftOut.contains(.landlock) ? 0 : Landlock.version
        guard version >= demand.landlockVersion else {
            throw Fault(
                .configuration,
                "the sandbox lacks version \(demand.landlockVersion) of landlock (there is \(version))")
        }
    }

    private func fingerprint(_ plan: ProgramPlan) -> String {
        let hash = Hex.encode(job.program.sha256.prefix(8).map { $0 })
        return PrintableText.clean("\(plan.name)/\(plan.version) \(job.program.platform) sha256:\(hash)")
    }

    // MARK: Stages

    private func unpack(layingOut: Bool) throws(Fault) -> ProgramPlan {
        try makeFolder(input, keeping: false)
        let unpacking = ProgramUnpacking(job: job, folder: input)
        let files = [job.unitPath] + job.inputs.map(\.path)
        var stop: String?
        let isWanted = {
            if stop == nil, case .stop(let why) = surroundings.stopRequest() { stop = why }
            return stop == nil
        }
        let end = try StageChild.perform(bytesMax: ProgramPlan.bytesMax, isWanted: isWanted) { answer throws(Fault) in
            // What is laid out may be read by another user, as which the program runs.
            umask(0o022)
            try shelter.enter(folders: [input], files: files)
            let plan = try unpacking.perform(layingOut: layingOut)
            guard let json = try? JSONEncoder().encode(plan) else {
                throw Fault(.software, "the plan of the work unit cannot be encoded")
            }
            try WorkerFiles.writeAll([UInt8](json), to: answer, "the plan")
        }
        if let stop { throw Fault(.interrupted, "stopped (\(stop)) before the program was started") }
        try Self.pass(end, "unpacking the work unit")
        guard let plan = try? JSONDecoder().decode(ProgramPlan.self, from: Data(end.bytes)) else {
            throw Fault(.software, "the plan of the work unit cannot be read")
        }
        if let flaw = plan.flaw(inputs: job.inputs.count) { throw Fault(.badData, "work unit: \(flaw)") }
        return plan
    }

    private func results(of plan: ProgramPlan) throws(Fault) -> [ProgramOutput.File] {
        do throws(Fault) {
            return try output.files(plan.results, bytesMax: min(plan.outputBytesMax, Limits.resultBytesMax))
        } catch {
            // It would be the same every time; a task that is begun anew begins with an empty folder.
            unlink(doneMark)
            throw error
        }
    }

    private func pack(
        _ plan: ProgramPlan, _ files: [ProgramOutput.File], _ account: inout ProgramAccount
    ) throws(Fault) {
        // The result is the sign that all is done, so what is told about it must be there before it.
        account.tell(fraction: 1, done: true, durable: true)
        let packing = ProgramPacking(plan: plan, unitSha256: job.unitSha256, files: files)
        let end = try StageChild.perform(bytesMax: 0, isWanted: { true }) { _ throws(Fault) in
            try shelter.enter(folders: [folder], files: [])
            try packing.perform(into: "\(folder)/\(RunFolder.result)")
        }
        try Self.pass(end, "packing the result")
    }

    /// A stage that failed has said why; this process ends in the same way.
    private static func pass(_ end: StageChild.End, _ what: String) throws(Fault) {
        guard let code = end.code else {
            throw Fault(.software, "\(what) was ended by signal \(end.signal)")
        }
        if code != 0 { exit(code) }
    }

    /// How the program ended, as how this process ends.
    ///
    /// - Parameter outputMax: bytes that it may write.
    private func judge(_ end: EnclosedRun.End, _ stopReason: String?, outputMax: Int) throws(Fault) {
        let words = PrintableText.clean(String(end.lastWords.suffix(1000)))
        let said = words.isEmpty ? "" : ": \(words)"
        let hasFailed = end.cause != .code(0)
        if let stopReason, hasFailed {
            let saved = output.hasCheckpoint ? "with a checkpoint" : "without a checkpoint"
            throw Fault(.interrupted, "stopped (\(stopReason)) \(saved)")
        }
        if mayComeOfDisk(end.cause), let lack = output.diskLack(bytesMax: outputMax, hasFailed: hasFailed) {
            throw Fault(.cannotWrite, "the program ended with \(end.reason)\(said); \(lack)")
        }
        switch end.cause {
        case .code(0): return
        case .code(FaultKind.badData.rawValue):
            throw Fault(.badData, "the program says that this work unit cannot be computed\(said)")
        case .code(ProgramRuntime.overLimitCode) where job.program.platform == ProgramApp.wasmPlatform:
            throw Fault(.osError, "the module passed a bound\(said)")
        case .code(let code): throw Fault(.software, "the program ended with exit code \(code)\(said)")
        case .signal(SIGXCPU): throw Fault(.osError, "the program used more CPU time than it may\(said)")
        case .signal(SIGXFSZ): throw Fault(.osError, "the program wrote a file larger than it may\(said)")
        case .signal: throw Fault(.software, "the program was ended by \(end.reason)\(said)")
        case .memory, .output: throw Fault(.osError, "the program passed a bound: \(end.reason)\(said)")
        case .notExecutable: throw Fault(.configuration, end.reason)
        case .noSandbox(let why):
            throw Fault(
                .configuration, "there is no sandbox for the program: \(why)",
                advice: "docs/sandbox.md says what each layer needs.")
        }
    }

    /// Whether so ends a program that could not write.
    private func mayComeOfDisk(_ cause: EnclosedRun.End.Cause) -> Bool {
        switch cause {
        case .code(ProgramRuntime.overLimitCode): job.program.platform != ProgramApp.wasmPlatform
        case .code(let code): code != FaultKind.badData.rawValue
        case .signal(let signal): ![SIGXCPU, SIGXFSZ, SIGKILL].contains(signal)
        case .memory, .output, .notExecutable, .noSandbox: false
        }
    }

    // MARK: Files

    private func makeFolder(_ path: String, keeping: Bool) throws(Fault) {
        if !keeping { try Files.remove(path) }
        try Files.makeFolder(path, mode: 0o755, isPublic: true)
    }

    /// The program's bytes, which are those that the release names; what is hashed here is what runs.
    private func verifiedProgram(_ place: String) throws(Fault) -> MemoryFile {
        let bytes = try WorkerFiles.read(job.program.path, limit: 1 << 30)
        guard SHA256Hash.digest(of: bytes).bytes == Array(job.program.sha256) else {
            throw Fault(.noInput, "program: the SHA-256 of \(job.program.path) is not the one that its release names")
        }
        return try MemoryFile(place, bytes)
    }

    /// Root's programs are nobody's, who must be able to read what the cache has. Its folder keeps everybody else out.
    private func open(inputsOf plan: ProgramPlan) throws(Fault) {
        guard geteuid() == 0 else { return }
        for raw in plan.rawInputs { chmod(job.inputs[raw.place].path, 0o644) }
    }
}
