import Comparators
import Domain
import FoundationEssentials
import Plugins
import Wire

/// What the server asks of an app: split, check, compare, assemble. Holds unpacked inputs from job to job.
struct JobRunner {
    private var inputs = LocalInputs()
    /// The answer in the making while its pages come; see `assemble`.
    private var unfinished: (any Assembler)?

    mutating func split(_ job: WireSplitJob) throws(Fault) -> WireSplitReply {
        let (app, context) = try open(job.context)
        guard (1...Limits.splitDraftsPerStepMax).contains(Int(job.limit)) else {
            throw Fault(.software, "a split of \(job.limit) drafts at once")
        }
        // Drafts with much data: fewer at once, so that the reply stays within its bound.
        var limit = Int(job.limit)
        while true {
            let reply = try split(app, context, Array(job.cursor), limit: limit)
            let bytes = reply.drafts.reduce(0) { $0 + $1.sections.reduce(0) { $0 + $1.data.count } }
            if bytes <= Limits.workerReplyBytesMax / 2 || limit == 1 { return reply }
            limit = max(1, limit / 4)
        }
    }

    private func split(
        _ app: AppDescriptor, _ context: AppContext, _ cursor: [UInt8], limit: Int
    ) throws(Fault) -> WireSplitReply {
        let step: SplitStep
        do throws(AppError) {
            step = try app.splitter.next(context, cursor: cursor, limit: limit)
        } catch {
            throw Self.fault(error)
        }
        guard step.drafts.count <= limit, step.finished || !step.drafts.isEmpty else {
            throw Fault(.software, "the splitter of \(app.schema.name) gave \(step.drafts.count) drafts")
        }
        var reply = WireSplitReply()
        reply.drafts = step.drafts.map { draft in
            var message = WireUnitDraftMessage()
            message.label = draft.label
            message.flops = draft.flops
            message.sections = PayloadConversion.stored(draft.payload)
            return message
        }
        reply.cursor = Data(step.cursor)
        reply.finished = step.finished
        reply.appVersion = UInt32(app.schema.version)
        return reply
    }

    mutating func check(_ job: WireCheckJob) throws(Fault) -> WireCheckReply {
        let (app, context) = try open(job.context)
        let unit = try Self.load(job.unitPath, job.unitInline, job.context)
        var reply = WireCheckReply()
        let verdict: CheckVerdict
        switch try ResultReader.read(job.result, for: unit) {
        case .failure(let malformed): verdict = .malformed(malformed.reason)
        case .success(let result):
            verdict = app.validator.check(result, unit: unit.payload, context: context, challenge: job.challenge)
        }
        switch verdict {
        case .malformed(let reason):
            reply.outcome = .checkMalformed
            reply.reason = Self.cut(reason)
        case .refuted(let difference, let reason):
            reply.outcome = .checkRefuted
            reply.reason = Self.cut(reason)
            reply.difference = WireDifferenceMessage(difference)
        case .plausible: reply.outcome = .checkPlausible
        case .proven: reply.outcome = .checkProven
        }
        return reply
    }

    /// Every pair; a result whose bytes are none agrees with none, not even with itself under another number.
    mutating func compare(_ job: WireCompareJob) throws(Fault) -> WireCompareReply {
        let (app, context) = try open(job.context)
        let comparer = try PairComparer(app, context, job)
        let unit = try Self.load(job.unitPath, job.unitInline, job.context)
        guard job.results.count <= Limits.replicasMax else {
            throw Fault(.software, "a comparison of \(job.results.count) results")
        }
        var results: [Result<Payload, MalformedResult>] = []
        for result in job.results { results.append(try ResultReader.read(result, for: unit)) }
        var reply = WireCompareReply()
        for first in results.indices {
            for second in results.indices.dropFirst(first + 1) {
                var pair = WirePairReply()
                pair.first = UInt32(first)
                pair.second = UInt32(second)
                switch try comparer.compare(results[first], results[second], of: unit.payload) {
                case .same: pair.agree = true
                case .different(let difference): pair.difference = WireDifferenceMessage(difference)
                }
                reply.pairs.append(pair)
            }
        }
        return reply
    }

    /// Takes one page of results; the last one, which says where the files go, brings the answer.
    ///
    /// Pages of one answer follow each other without another job between them. A page that fails ends the answer: the
    /// next page begins a new one. What the server accepted and can no longer read is its own fault, and is no reason
    /// to give up an answer that is complete but for a disk.
    mutating func assemble(_ job: WireAssembleJob) throws(Fault) -> WireAssembleReply {
        let begun = unfinished
        unfinished = nil
        let (app, context) = try open(job.context)
        var assembler: any Assembler
        if let begun {
            assembler = begun
        } else {
            do throws(AppError) { assembler = try app.assembler.init(context: context) } catch {
                throw Self.fault(error)
            }
        }
        for part in job.units {
            let unit = try Self.load(part.unitPath, part.unitInline, job.context)
            let result: Payload
            switch try ResultReader.read(part.result, for: unit) {
            case .success(let payload): result = payload
            case .failure(let malformed):
                throw Fault(.noInput, "the kept result of unit \(unit.body.unitID) is damaged: \(malformed.reason)")
            }
            do throws(AppError) { try assembler.add(result: result, unit: unit.payload) } catch {
                throw Self.fault(error)
            }
        }
        guard !job.outputPath.isEmpty else {
            unfinished = assembler
            return WireAssembleReply()
        }
        do throws(AppError) { return try AnswerWriter.write(try assembler.finish(), into: job.outputPath) } catch {
            throw Self.fault(error)
        }
    }

    /// A work unit of the server's own, of the version of its app that this program has.
    /// - Throws: `.noInput` whatever is wrong with it, for no volunteer is to blame; `.configuration` when it was made
    ///   for another version of the app, whose results this program cannot judge.
    private static func load(
        _ path: String, _ inline: Data, _ context: WireAppContextMessage
    ) throws(Fault) -> LoadedUnit {
        let unit: LoadedUnit
        do throws(Fault) {
            unit = try LoadedUnit.load(path: path, inline: Array(inline), inputs: context.inputs)
        } catch {
            throw Fault(.noInput, error.message, advice: error.advice)
        }
        _ = try Catalogue.app(unit.body.app, version: Int(unit.body.appVersion))
        return unit
    }

    /// The app and what it is told. The server wrote all of it: what is wrong here is no volunteer's fault, nor the
    /// manifest's, which was accepted.
    private mutating func open(_ message: WireAppContextMessage) throws(Fault) -> (AppDescriptor, AppContext) {
        let app = try Catalogue.app(message.app)
        var parameters: [String: ParameterValue] = [:]
        for schema in app.schema.parameters { parameters[schema.name] = schema.defaultValue }
        guard message.parameters.count <= Limits.parametersMax else {
            throw Fault(.protocolError, "too many parameters")
        }
        for parameter in message.parameters {
            do throws(WireError) {
                let value = try parameter.domain()
                parameters[value.name] = value.value
            } catch {
                throw Fault(.protocolError, "\(error)")
            }
        }
        let program: ProjectProgram?
        do throws(WireError) { program = try message.projectProgram() } catch {
            throw Fault(.protocolError, "\(error)")
        }
        let context = AppContext(
            project: message.project, title: message.title, parameters: parameters,
            inputs: try inputs.load(LoadedUnit.ofApp(message.inputs)),
            stepsPerUnit: Int(clamping: max(1, message.stepsPerUnit)),
            flopsPerStep: message.hasFlopsPerStep ? message.flopsPerStep : nil,
            relativeTolerance: message.hasRelativeTolerance ? message.relativeTolerance : nil,
            absoluteTolerance: message.hasAbsoluteTolerance ? message.absoluteTolerance : nil, program: program)
        return (app, context)
    }

    private static func fault(_ error: AppError) -> Fault {
        if case .resources = error { return Fault(.osError, error.description) }
        return Fault(.badData, error.description)
    }

    static func cut(_ reason: String) -> String {
        String(decoding: reason.utf8.prefix(Limits.messageBytesMax), as: UTF8.self)
    }
}
