import Bytes
import ClientSystem
import Domain
import FoundationEssentials
import Glibc
import Wire
import WorkerHost

/// Runs one unit on this machine as a volunteer's client would: signed container, private folder, worker child with
/// its limits and its low priority; then the check that the server would make.
struct DryRun {
    let packed: PackedProject
    let executable: String
    let servant: WorkerServant
    let pause: any Pause
    let context: CommandContext

    func perform(index: Int, in scratch: ScratchFolder) throws(Fault) -> DryRunReport {
        let maker = UnitMaker(packed: packed, servant: servant)
        let plan = try maker.plan(index: index, secondsMax: 10, pause: pause)
        let (bytes, body) = try maker.container(plan, index: index)
        let folder = "\(scratch.path)/task"
        let cache = "\(scratch.path)/cache"
        try Files.makeFolder(folder)
        try Files.makeFolder(cache)
        let unitPath = "\(folder)/\(RunFolder.unit)"
        try Files.replace(unitPath, with: bytes, durable: false)

        var job = WireRunJob()
        job.unitPath = unitPath
        job.unitSha256 = Data(SHA256Hash.digest(of: bytes).bytes)
        job.inputs = packed.localInputs
        if let program = try localProgram() { job.program = program }
        job.checkpointSeconds = 60
        job.cachePath = cache
        context.remark("running unit \(index): \(Printable.clean(body.label))")
        let began = pause.now
        let progress = try run(job, in: folder)
        let wall = pause.now - began
        let check = try check(unitPath, folder, body)
        return DryRunReport(
            spec: packed.project.spec, index: index, label: body.label, containerBytes: bytes.count,
            inputBytes: packed.inputs.filter { packed.project.spec.goesToVolunteers($0.reference.name) }.reduce(0) {
                $0 + $1.reference.size
            }, plan: plan, flops: body.flops,
            flopsBound: body.flopsBound,
            benchmark: packed.project.spec.program == nil ? nil : Benchmark.flopsPerSecond(), wallSeconds: wall,
            cpuSeconds: progress.cpuSeconds,
            kernelSeconds: progress.kernelSeconds > 0 ? progress.kernelSeconds : progress.cpuSeconds,
            peakMemoryBytes: Int64(clamping: progress.peakMemoryBytes),
            resultBytes: Int64(Files.size("\(folder)/\(RunFolder.result)") ?? 0), fingerprint: progress.fingerprint,
            check: check, sections: try sections(folder, body),
            selfDifference: try selfDifference(unitPath, folder, body))
    }

    /// The program from the release folder, signed or not: a dry run is where one is tried. nil: the app has a kernel.
    private func localProgram() throws(Fault) -> WireLocalProgram? {
        let project = packed.project
        guard let program = project.spec.program, let app = project.app.program else { return nil }
        let release = ProgramRelease(folder: project.folder, program: program, app: app)
        let listing: ProgramRelease.Listing
        do throws(ProgramRelease.Flaw) {
            listing = try release.listing(now: WallClock.now)
        } catch {
            throw Fault(.noInput, error.message, advice: error.expected)
        }
        return try release.local(listing.release)
    }

    /// - Throws: what the worker died of, in its own words.
    private func run(_ job: WireRunJob, in folder: String) throws(Fault) -> WireRunProgress {
        let run = try WorkerRun.start(executable: executable, directory: folder, job: job)
        var block = LiveBlock()
        let isLive = context.screen.isErrorLive && !context.asJSON
        let began = pause.now
        var exit = run.poll()
        while exit == nil {
            if Interruption.hasCome {
                run.kill()
                run.wait()
                throw Fault(.interrupted, "stopped")
            }
            if isLive {
                let fraction = run.progress()?.fraction ?? 0
                context.screen.warn(block.redraw([line(fraction, pause.now - began)], width: context.screen.width))
            }
            pause.wait(seconds: 0.1)
            exit = run.poll()
        }
        if isLive { context.screen.warn(block.erase(width: context.screen.width)) }
        guard let exit else { throw Fault(.software, "the worker vanished") }
        guard exit.exit.code == 0 else {
            let words = exit.lastWords.split(separator: "\n").map { Printable.clean(String($0)) }.joined(
                separator: "; ")
            let kind = exit.exit.code.flatMap { FaultKind(rawValue: $0) } ?? .software
            // The worker's words for a bound that it passed; see RunLoop in Sources/millrace-worker.
            if kind == .osError, words.contains("the work unit allows") {
                throw Fault(
                    .negative, "the unit is over its bound: \(words)",
                    advice: "Raise resources.output or resources.memory, or lower split.steps_per_unit.")
            }
            throw Fault(
                kind == .interrupted || kind == .negative ? .software : kind,
                "the worker ended with \(exit.exit.reason)\(words.isEmpty ? "" : ": \(words)")",
                advice: "A volunteer's client would report this task as failed.")
        }
        guard let progress = run.progress(), progress.done else {
            throw Fault(.software, "the worker ended without saying that it is done")
        }
        return progress
    }

    private func line(_ fraction: Double, _ seconds: Double) -> String {
        let left = fraction > 0.01 ? ", about \(Amounts.seconds(seconds * (1 - fraction) / fraction)) to go" : ""
        let words = " \(ProgressBar.percent(fraction)) after \(Amounts.seconds(seconds))\(left)"
        let room = context.screen.width - 1 - words.count
        return ProgressBar.text(fraction, width: min(40, room), unicode: context.screen.isUnicode) + words
    }

    /// The server's check of a single result, with a challenge drawn now, after the result was written.
    private func check(_ unitPath: String, _ folder: String, _ body: WireWorkUnitBody) throws(Fault)
        -> DryRunReport.Check
    {
        var check = WireCheckJob()
        check.context = packed.appContext
        check.unitPath = unitPath
        check.result.taskID = body.unitID << 6
        check.result.path = "\(folder)/\(RunFolder.result)"
        check.result.bytesMax = body.outputBytesMax
        check.challenge = UInt64.random(in: 0 ... .max)
        var job = WireWorkerJob()
        job.check = check
        let reply = try servant.perform(job, timeoutSeconds: 600)
        guard case .check(let verdict) = reply.reply else {
            if case .failure(let failure) = reply.reply { throw failure.fault }
            throw Fault(.software, "the worker answered another question than for a check")
        }
        var reason = Printable.clean(verdict.reason)
        if verdict.outcome == .checkRefuted {
            let difference = verdict.difference
            reason += " (\(Printable.clean(difference.element)): distance \(difference.distance),"
            reason += " tolerance \(difference.tolerance))"
        }
        let words: [WireCheckOutcome: String] = [
            .checkMalformed: "malformed", .checkRefuted: "refuted", .checkPlausible: "plausible",
            .checkProven: "proven",
        ]
        return DryRunReport.Check(
            outcome: words[verdict.outcome] ?? "unknown", reason: reason, seconds: reply.cpuSeconds)
    }

    /// Where the result differs from itself by the manifest's own rule of comparison: no two honest ones would agree.
    /// nil: nowhere, or there is no such rule.
    private func selfDifference(_ unitPath: String, _ folder: String, _ body: WireWorkUnitBody) throws(Fault)
        -> String?
    {
        guard packed.project.spec.validation.comparison != nil else { return nil }
        var compare = WireCompareJob()
        compare.context = packed.appContext
        compare.unitPath = unitPath
        compare.isTrial = true
        compare.results = [UInt64(0), 1].map { replica in
            var result = WireLocalResult()
            result.taskID = body.unitID << 6 | replica
            result.path = "\(folder)/\(RunFolder.result)"
            result.bytesMax = body.outputBytesMax
            return result
        }
        var job = WireWorkerJob()
        job.compare = compare
        switch try servant.perform(job, timeoutSeconds: 600).reply {
        case .compare(let reply):
            guard let pair = reply.pairs.first, !pair.agree else { return nil }
            return Printable.clean(pair.difference.element)
        case .failure(let failure): throw failure.fault
        default: throw Fault(.software, "the worker answered another question than for a comparison")
        }
    }

    /// What the result holds, section by section.
    private func sections(_ folder: String, _ body: WireWorkUnitBody) throws(Fault) -> [DryRunReport.Section] {
        let path = "\(folder)/\(RunFolder.result)"
        let limit = Int(clamping: body.outputBytesMax)
        let bytes = try Files.read(path, limit: Limits.resultBytesMax)
        do throws(WireError) {
            return try ResultContainer.decode(bytes, limit: limit).sections.map { section in
                DryRunReport.Section(
                    name: section.name, elements: Int(clamping: section.rawBytes) / (section.kind.width ?? 1),
                    bytes: Int64(clamping: section.rawBytes))
            }
        } catch {
            throw Fault(
                .badData, "the result of \(bytes.count) bytes cannot be taken: \(error)",
                advice: "Raise resources.output if it is the limit of \(limit) bytes.")
        }
    }
}
