import Domain
import Engine
import Storage
import Wire

extension ProjectServer {
    /// The name of a validation job, cheap to make.
    func key(of work: ValidationWork, unit: WorkUnitID) -> JobKey {
        switch work {
        case .check(let task): .check(task)
        case .compare: .compare(unit)
        }
    }

    /// What the validator must do next for a unit, as a job.
    func validationJob(
        _ work: ValidationWork, _ aggregate: WorkUnitAggregate, batch: BatchRecord
    ) throws -> ServerJob? {
        let unit = aggregate.unit
        var message = WireWorkerJob()
        var tasks: [TaskID]
        var seconds = settings.jobTimeoutSeconds
        switch work {
        case .check(let task):
            guard let report = report(of: task, in: aggregate) else { return nil }
            var check = WireCheckJob()
            check.context = try context(of: batch)
            check.unitPath = name(of: unit.container)
            check.result = local(task, report, unit)
            check.challenge = keys.challenge(task: task, result: report.result)
            message.check = check
            tasks = [task]
        case .compare(let several):
            var compare = WireCompareJob()
            compare.context = try context(of: batch)
            compare.unitPath = name(of: unit.container)
            tasks = []
            for task in several {
                guard let report = report(of: task, in: aggregate) else { continue }
                tasks.append(task)
                compare.results.append(local(task, report, unit))
            }
            message.compare = compare
            if case .program(let rule) = try spec(batch.manifest).validation.comparison {
                // Each pair, and each result alone for a program that fails.
                let questions = tasks.count * (tasks.count + 3) / 2
                seconds = max(seconds, 60 + Double(questions) * rule.timeoutSeconds)
            }
        }
        return ServerJob(
            key: key(of: work, unit: unit.id), message: message, timeoutSeconds: seconds, batch: batch, tasks: tasks)
    }

    private func report(of task: TaskID, in aggregate: WorkUnitAggregate) -> TaskReport? {
        aggregate.tasks.first { $0.id == task }?.state.report
    }

    func local(_ task: TaskID, _ report: TaskReport, _ unit: WorkUnitRecord) -> WireLocalResult {
        var local = WireLocalResult()
        local.taskID = UInt64(task.rawValue)
        local.path = name(of: report.result)
        local.bytesMax = UInt64(unit.outputBytesMax)
        return local
    }

    /// - Parameter givesUp: the worker was brought down, or ran out of time, too often.
    ///
    /// A reply that is a failure is of the server's own making, whatever its kind: a unit, context, input or result
    /// file that cannot be read. What is wrong with the result itself comes as an outcome.
    func checkEvent(_ task: TaskID, _ result: JobResult, givesUp: Bool) -> JobEvent {
        switch result {
        case .reply(let reply):
            switch reply.reply {
            case .check(let check):
                guard let outcome = outcome(check) else {
                    return .retry(.check(task), Fault(.protocolError, "the worker gave no outcome of a check"))
                }
                return .checked(task, outcome)
            case .failure(let failure): return .retry(.check(task), ownFault(failure))
            default: return .retry(.check(task), wrongReply)
            }
        case .fault(let fault):
            // Bytes that bring the worker down again and again are no result. A worker that is not there, or a machine
            // without memory, says nothing about the result.
            if givesUp { return .checked(task, .malformed(text("the check did not survive it: \(fault.message)"))) }
            return .retry(.check(task), fault)
        }
    }

    private func outcome(_ check: WireCheckReply) -> CheckOutcome? {
        switch check.outcome {
        case .checkMalformed: .malformed(text(check.reason))
        case .checkRefuted: .refuted(difference(check.difference), text(check.reason))
        case .checkPlausible: .plausible
        case .checkProven: .proven
        case .checkUnspecified, .UNRECOGNIZED: nil
        }
    }

    /// Both results have passed their check, so a comparison that crashes is a difference that cannot be told: the
    /// two do not agree, and a further replica decides.
    func compareEvent(_ job: ServerJob, unit: WorkUnitID, _ result: JobResult, givesUp: Bool) -> JobEvent {
        let key = JobKey.compare(unit)
        switch result {
        case .reply(let reply):
            switch reply.reply {
            case .compare(let compare):
                guard let pairs = pairs(compare, job.tasks) else {
                    return .retry(key, Fault(.protocolError, "the worker compared other results than it was given"))
                }
                return .compared(unit, pairs)
            case .failure(let failure): return .retry(key, ownFault(failure))
            default: return .retry(key, wrongReply)
            }
        case .fault(let fault):
            if givesUp {
                return .compared(unit, allDifferent(job.tasks, text("comparison failed: \(fault.message)")))
            }
            return .retry(key, fault)
        }
    }

    /// The pairs by task; nil unless every pair is there.
    private func pairs(_ reply: WireCompareReply, _ tasks: [TaskID]) -> [PairComparison]? {
        var pairs: [PairComparison] = []
        for pair in reply.pairs {
            let first = Int(pair.first)
            let second = Int(pair.second)
            guard first < second, second < tasks.count else { return nil }
            pairs.append(
                PairComparison(
                    first: tasks[first], second: tasks[second],
                    difference: pair.agree ? nil : difference(pair.difference)))
        }
        return Set(pairs.map { [$0.first, $0.second] }).count == tasks.count * (tasks.count - 1) / 2 ? pairs : nil
    }

    private func allDifferent(_ tasks: [TaskID], _ reason: String) -> [PairComparison] {
        let difference = Difference(element: reason, distance: .infinity, tolerance: 0)
        return tasks.indices.flatMap { first in
            tasks.indices.dropFirst(first + 1).map {
                PairComparison(first: tasks[first], second: tasks[$0], difference: difference)
            }
        }
    }

    private func difference(_ message: WireDifferenceMessage) -> Difference {
        // A distance that is not a number (a NaN in a result) is beyond every tolerance.
        Difference(
            element: text(message.element), distance: message.distance.isNaN ? .infinity : message.distance,
            tolerance: message.tolerance.isNaN ? 0 : message.tolerance)
    }

    var wrongReply: Fault { Fault(.protocolError, "the worker answered another question than it was asked") }

    func fault(_ failure: WireWorkerFailure) -> Fault {
        Fault(
            FaultKind(rawValue: failure.kind) ?? .software, text(failure.message),
            advice: failure.advice.isEmpty ? nil : text(failure.advice))
    }

    /// A failure that says nothing about the results at hand: never of a kind that counts against them.
    func ownFault(_ failure: WireWorkerFailure) -> Fault {
        var own = fault(failure)
        if own.kind == .software || own.kind == .interrupted { own.kind = .protocolError }
        return own
    }

    func text(_ text: String) -> String { FieldCheck.cleaned(text, bytesMax: 1024) }
}
