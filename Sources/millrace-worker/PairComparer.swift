import Comparators
import Domain
import Plugins
import Wire
import WorkerHost

/// Says whether two results of a unit agree: by the manifest's rule or program, else as the app compares.
struct PairComparer {
    private enum Way {
        case app
        case rule(ResultComparator)
        case program(ProgramComparator)
    }

    private let way: Way
    private let app: AppDescriptor
    private let context: AppContext
    private let isTrial: Bool

    init(_ app: AppDescriptor, _ context: AppContext, _ job: WireCompareJob) throws(Fault) {
        self.app = app
        self.context = context
        isTrial = job.isTrial
        let rule: ComparisonRule?
        do throws(WireError) { rule = try job.context.comparisonRule() } catch {
            throw Fault(.protocolError, "\(error)")
        }
        switch rule {
        case nil: way = .app
        case .program(let rule):
            let runner = try SandboxRunner(job.context.inputs)
            way = .program(try ProgramComparator(rule, runner: runner))
        case let rule?: way = .rule(try ResultComparator(rule))
        }
    }

    /// - Throws: what says nothing of these two results: `.negative` when the program fails on both alone or only on
    ///   their meeting, other kinds when there is no sandbox or no memory. Of a trial, all that the program does wrong.
    func compare(
        _ a: Result<Payload, MalformedResult>, _ b: Result<Payload, MalformedResult>, of unit: Payload
    ) throws(Fault) -> Agreement {
        let (first, second): (Payload, Payload)
        do throws(MalformedResult) { (first, second) = (try a.get(), try b.get()) } catch {
            return Self.different(error.reason)
        }
        switch way {
        case .app: return app.validator.compare(first, second, unit: unit, context: context)
        case .rule(let rule): return malformed([first, second], unit) ?? rule.compare(first, second)
        case .program(let program):
            if let malformed = malformed([first, second], unit) { return malformed }
            return try ask(program, first, second)
        }
    }

    /// Neither a rule of the manifest nor a program knows the shapes of the app's results.
    private func malformed(_ results: [Payload], _ unit: Payload) -> Agreement? {
        results.lazy.compactMap { app.validator.malformation(of: $0, unit: unit, context: context) }.first
            .map { Self.different($0) }
    }

    /// A program that fails on two results may have been brought down by one of them. It is asked about each alone; the
    /// one that it cannot read differs from all that it can. If that does not tell them apart, nobody is to blame yet.
    private func ask(_ program: ProgramComparator, _ a: Payload, _ b: Payload) throws(Fault) -> Agreement {
        do throws(Fault) { return try program.compare(a, b, asksAlways: isTrial) } catch {
            guard error.isOfProgram else { throw error }
            if isTrial { throw Fault(.badData, error.message, advice: error.advice) }
            guard try reads(program, a) != reads(program, b) else { throw Fault(.negative, error.message) }
            return Self.different("one of the two cannot be read; \(error.message)")
        }
    }

    private func reads(_ program: ProgramComparator, _ result: Payload) throws(Fault) -> Bool {
        do throws(Fault) { _ = try program.compare(result, result, asksAlways: true) } catch {
            guard error.isOfProgram else { throw error }
            return false
        }
        return true
    }

    private static func different(_ why: String) -> Agreement {
        .different(Difference(element: JobRunner.cut(why), distance: .infinity, tolerance: 0))
    }
}

/// Runs the comparing program of a batch in a sandbox.
private struct SandboxRunner: ComparisonProgramRunner {
    let program: [UInt8]

    /// - Throws: `.noInput` when the program is not among the batch's files.
    init(_ inputs: [WireLocalInput]) throws(Fault) {
        guard let input = inputs.first(where: { $0.ref.name == InputFile.comparingProgram }) else {
            throw Fault(.noInput, "the comparing program is not among the files of the batch")
        }
        let reference: InputReference
        do throws(WireError) {
            reference = try input.ref.domain()
            let packed: [UInt8]
            do throws(Fault) {
                packed = try LocalInputs.verified(reference.digest, path: input.path, name: reference.name)
            } catch {
                throw WireError.malformed(error.message)
            }
            program = try PlainContainer.decode(packed, limit: Limits.plainInputBytesMax)
        } catch {
            throw Fault(.noInput, "the comparing program: \(error)")
        }
    }

    func run(
        _ rule: ProgramRule, first: [ProgramFolder.File], second: [ProgramFolder.File]
    ) throws(Fault) -> [UInt8] {
        func files(_ files: [ProgramFolder.File]) -> [SandboxedProgram.File] {
            files.map { SandboxedProgram.File(name: $0.name, bytes: $0.bytes) }
        }
        let sandboxed = SandboxedProgram(
            name: rule.program, program: program, arguments: rule.arguments + ["/first", "/second"],
            folders: ["first": files(first), "second": files(second)], timeoutSeconds: rule.timeoutSeconds,
            outputBytesMax: ProgramAnswer.bytesMax + 1, whoAsks: 0)
        do throws(Fault) { return try sandboxed.run() } catch {
            throw Fault(error.kind, "the comparing program \(rule.program): \(error.message)", advice: error.advice)
        }
    }
}

extension Fault {
    /// Whether a comparing program did something wrong, or took too long; else it could not be run.
    fileprivate var isOfProgram: Bool { kind == .badData || kind == .interrupted }
}
