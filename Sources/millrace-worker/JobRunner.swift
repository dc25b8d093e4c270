import Domain
import FoundationEssentials
import Plugins
import Wire

/// What the server asks of an app: split, check, compare, assemble. Holds unpacked inputs from job to job.
struct JobRunner {
    private var inputs = LocalInputs()

    mutating func split(_ job: WireSplitJob) throws(Fault) -> WireSplitReply {
        let (app, context) = try open(job.context)
        guard (1...Limits.splitDraftsPerStepMax).contains(Int(job.limit)) else {
            throw Fault(.software, "a split of \(job.limit) drafts at once")
        }
        let step: SplitStep
        do throws(AppError) {
            step = try app.splitter.next(context, cursor: Array(job.cursor), limit: Int(job.limit))
        } catch {
            throw Self.fault(error)
        }
        guard step.drafts.count <= Int(job.limit), step.finished || !step.drafts.isEmpty else {
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
        let unit = try LoadedUnit.load(path: job.unitPath, inputs: job.context.inputs)
        var reply = WireCheckReply()
        let verdict: CheckVerdict
        switch ResultReader.read(job.result, for: unit) {
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

    /// Every pair; a result that cannot be read agrees with none, not even with itself under another number.
    mutating func compare(_ job: WireCompareJob) throws(Fault) -> WireCompareReply {
        let (app, context) = try open(job.context)
        let unit = try LoadedUnit.load(path: job.unitPath, inputs: job.context.inputs)
        guard job.results.count <= Limits.replicasMax else {
            throw Fault(.software, "a comparison of \(job.results.count) results")
        }
        let results = job.results.map { ResultReader.read($0, for: unit) }
        var reply = WireCompareReply()
        for first in results.indices {
            for second in results.indices.dropFirst(first + 1) {
                var pair = WirePairReply()
                pair.first = UInt32(first)
                pair.second = UInt32(second)
                switch Self.compare(results[first], results[second], app, unit, context) {
                case .same: pair.agree = true
                case .different(let difference): pair.difference = WireDifferenceMessage(difference)
                }
                reply.pairs.append(pair)
            }
        }
        return reply
    }

    private static func compare(
        _ a: Result<Payload, MalformedResult>, _ b: Result<Payload, MalformedResult>, _ app: AppDescriptor,
        _ unit: LoadedUnit, _ context: AppContext
    ) -> Agreement {
        do throws(MalformedResult) {
            return app.validator.compare(try a.get(), try b.get(), unit: unit.payload, context: context)
        } catch {
            return .different(Difference(element: cut(error.reason), distance: .infinity, tolerance: 0))
        }
    }

    mutating func assemble(_ job: WireAssembleJob) throws(Fault) -> WireAssembleReply {
        let (app, context) = try open(job.context)
        do throws(AppError) {
            var assembler: any Assembler = try app.assembler.init(context: context)
            for part in job.units {
                let unit: LoadedUnit
                let result: Payload
                do throws(Fault) {
                    unit = try LoadedUnit.load(path: part.unitPath, inputs: job.context.inputs)
                } catch {
                    throw AppError.badUnit(error.message)
                }
                do throws(MalformedResult) { result = try ResultReader.read(part.result, for: unit).get() } catch {
                    throw AppError.badResult("unit \(unit.body.unitID): \(error.reason)")
                }
                try assembler.add(result: result, unit: unit.payload)
            }
            let answer = try assembler.finish()
            return try AnswerWriter.write(answer, into: job.outputPath)
        } catch {
            throw Self.fault(error)
        }
    }

    private mutating func open(_ message: WireAppContextMessage) throws(Fault) -> (AppDescriptor, AppContext) {
        let app = try Catalogue.app(message.app)
        var parameters: [String: ParameterValue] = [:]
        for schema in app.schema.parameters { parameters[schema.name] = schema.defaultValue }
        guard message.parameters.count <= Limits.parametersMax else { throw Fault(.badData, "too many parameters") }
        for parameter in message.parameters {
            do throws(WireError) {
                let value = try parameter.domain()
                parameters[value.name] = value.value
            } catch {
                throw Fault(.badData, "\(error)")
            }
        }
        let context = AppContext(
            project: message.project, title: message.title, parameters: parameters,
            inputs: try inputs.load(LoadedUnit.withoutDictionary(message.inputs)),
            stepsPerUnit: Int(clamping: max(1, message.stepsPerUnit)),
            flopsPerStep: message.hasFlopsPerStep ? message.flopsPerStep : nil,
            relativeTolerance: message.hasRelativeTolerance ? message.relativeTolerance : nil,
            absoluteTolerance: message.hasAbsoluteTolerance ? message.absoluteTolerance : nil)
        return (app, context)
    }

    private static func fault(_ error: AppError) -> Fault {
        if case .resources = error { return Fault(.osError, error.description) }
        return Fault(.badData, error.description)
    }

    private static func cut(_ reason: String) -> String {
        String(decoding: reason.utf8.prefix(Limits.messageBytesMax), as: UTF8.self)
    }
}
