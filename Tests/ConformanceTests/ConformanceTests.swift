import Apps
import Bytes
import Domain
import Foundation
import Plugins
import Testing

@Suite struct ConformanceTests {
    @Test func namesAreUniqueAndFound() {
        let names = AppCatalog.all.map(\.schema.name)
        #expect(Set(names).count == names.count)
        #expect(!names.isEmpty)
        for name in names { #expect(AppCatalog.find(name)?.schema.name == name) }
        #expect(AppCatalog.find("no such app") == nil)
    }

    @Test(arguments: ConformanceCase.all)
    func defaultsLieInTheirRanges(_ item: ConformanceCase) {
        for parameter in item.app.schema.parameters {
            let values: [Double]
            switch parameter.defaultValue {
            case .integer(let value)?: values = [Double(value)]
            case .real(let value)?: values = [value]
            case .reals(let list)?: values = list
            case .text(let text)?:
                values = []
                #expect(parameter.choices.isEmpty || parameter.choices.contains(text))
            case nil: values = []
            }
            for value in values {
                #expect(value >= parameter.minimum ?? -.infinity && value <= parameter.maximum ?? .infinity)
            }
            #expect(!parameter.description.isEmpty)
        }
    }

    /// What `millrace apps NAME` lists for `validation.compare`.
    @Test(arguments: ConformanceCase.all)
    func resultsHaveTheSectionsThatTheAppNames(_ item: ConformanceCase) throws {
        let result = try item.result(try item.firstUnit())
        let schema = item.app.schema.results
        #expect(result.sections.map { "\($0.name) \($0.kind)" } == schema.map { "\($0.name) \($0.kind)" })
        #expect(schema.allSatisfy { !$0.description.isEmpty })
    }

    /// A rule of the manifest that compares in place of the app relies on it.
    @Test(arguments: ConformanceCase.all)
    func whatIsNoResultOfTheUnitIsTold(_ item: ConformanceCase) throws {
        let unit = try item.firstUnit()
        let good = try item.result(unit)
        #expect(item.app.validator.malformation(of: good, unit: unit, context: item.context) == nil)
        for at in good.sections.indices {
            var (shorter, missing) = (good, good)
            missing.sections.remove(at: at)
            #expect(
                item.app.validator.malformation(of: missing, unit: unit, context: item.context) != nil,
                "\(good.sections[at].name)")
            // A list of no candidates cannot be shorter.
            guard shorter.sections[at].bytes.count >= 8 else { continue }
            shorter.sections[at].bytes.removeLast(8)
            #expect(
                item.app.validator.malformation(of: shorter, unit: unit, context: item.context) != nil,
                "\(good.sections[at].name)")
        }
    }

    /// The cursor may be replayed and the steps be of any size: the drafts are the same, and no label comes twice.
    @Test(arguments: ConformanceCase.all)
    func splittingIsTheSameInStepsOfAnySize(_ item: ConformanceCase) throws {
        let whole = try item.drafts(limit: 1000)
        for limit in [1, 2, 3, 7] { #expect(try item.drafts(limit: limit) == whole) }
        #expect(Set(whole.map(\.label)).count == whole.count)
        #expect(Set(whole.map(\.payload)).count == whole.count)
        #expect(whole.allSatisfy { $0.flops > 0 && $0.flops <= Limits.flopsMax })
    }

    @Test(arguments: ConformanceCase.all)
    func pausingAndRestoringAtEveryStepChangesNothing(_ item: ConformanceCase) throws {
        let unit = try item.firstUnit()
        let expected = try item.result(unit)
        var kernel = try item.kernel(unit)
        var steps = 0
        while case .more(let fraction) = try kernel.advance(budgetSeconds: 0) {
            #expect(fraction >= 0 && fraction < 1)
            let saved = kernel.checkpoint()
            #expect(saved.count <= Limits.checkpointBytesMax)
            kernel = try item.kernel(unit)
            try kernel.restore(from: saved)
            #expect(kernel.checkpoint() == saved)
            steps += 1
        }
        #expect(steps > 0)
        #expect(try kernel.result() == expected)
        #expect(!kernel.fingerprint.isEmpty)
    }

    @Test(arguments: ConformanceCase.all)
    func theResultIsTheGoldenOne(_ item: ConformanceCase) throws {
        let unit = try item.firstUnit()
        let result = try item.result(unit)
        let url = GoldenFile.url(item.project)
        if ProcessInfo.processInfo.environment["MILLRACE_RECORD"] != nil {
            try GoldenFile.text(result).write(to: url, atomically: true, encoding: .utf8)
        }
        let golden = try GoldenFile.payload(String(contentsOf: url, encoding: .utf8))
        if case .exact = item.app.schema.numericClass { #expect(result == golden) }
        #expect(item.app.validator.compare(result, golden, unit: unit, context: item.context) == .same)
    }

    @Test(arguments: ConformanceCase.all)
    func honestResultsPassAndAgreeWithThemselves(_ item: ConformanceCase) throws {
        for draft in try item.drafts(limit: 10) {
            let result = try item.result(draft.payload)
            let verdict = item.app.validator.check(result, unit: draft.payload, context: item.context, challenge: 99)
            #expect(verdict == (item.app.schema.proves ? .proven : .plausible), "\(verdict)")
            #expect(
                item.app.validator.compare(result, result, unit: draft.payload, context: item.context) == .same)
        }
    }

    @Test(arguments: ConformanceCase.all)
    func anotherUnitsResultIsRefused(_ item: ConformanceCase) throws {
        let drafts = try item.drafts(limit: 10)
        let last = try #require(drafts.last).payload
        let other = try item.result(last)
        let first = drafts[0].payload
        switch item.app.validator.check(other, unit: first, context: item.context, challenge: 1) {
        case .malformed, .refuted: break
        case .plausible, .proven:
            // What the check lets through, the comparison must not.
            let own = try item.result(first)
            #expect(item.app.validator.compare(own, other, unit: first, context: item.context) != .same)
        }
    }

    /// One result of such an app is believed, so no number of it may be free.
    @Test(arguments: ConformanceCase.all.filter(\.app.schema.proves))
    func whatAnAppProvesLeavesNoNumberFree(_ item: ConformanceCase) throws {
        let unit = try item.firstUnit()
        let good = try item.result(unit)
        var altered = 0
        for (index, section) in good.sections.enumerated() {
            guard section.kind == .float64, let values = LittleEndian.doubles(from: section.bytes) else {
                Issue.record("no way to alter section \(section.name)")
                continue
            }
            for place in values.indices {
                var (bad, changed) = (good, values)
                changed[place] += 1e-6 * max(1, abs(values[place]))
                bad.sections[index].bytes = LittleEndian.bytes(of: changed)
                let verdict = item.app.validator.check(
                    bad, unit: unit, context: item.context, challenge: UInt64(place) &* 0x9E37_79B9_7F4A_7C15)
                guard case .refuted(let difference, _) = verdict else {
                    Issue.record("element \(place) of \(section.name) is \(verdict)")
                    continue
                }
                #expect(!difference.element.isEmpty && difference.distance > difference.tolerance)
                altered += 1
            }
        }
        #expect(altered > 0)
    }

    @Test(arguments: ConformanceCase.all)
    func theAnswerHasFilesWithPlainNames(_ item: ConformanceCase) throws {
        var assembler = try item.app.assembler.init(context: item.context)
        for draft in try item.drafts(limit: 10) {
            try assembler.add(result: try item.result(draft.payload), unit: draft.payload)
        }
        let answer = try assembler.finish()
        #expect(!answer.files.isEmpty && !answer.summary.isEmpty)
        #expect(Set(answer.files.map(\.name)).count == answer.files.count)
        for file in answer.files {
            #expect(!file.name.contains("/") && !file.name.hasPrefix(".") && !file.bytes.isEmpty)
        }
        #expect(try assembler.finish() == answer, "finishing twice gives the same")
    }
}

@Suite struct HostileBytesTests {
    /// Bytes of a stranger, derived from good ones.
    static func mutated(_ payload: Payload, seed: UInt64) -> Payload {
        var draw = SeededGenerator(seed: seed)
        var out = payload
        for _ in 0..<Int.random(in: 1...3, using: &draw) where !out.sections.isEmpty {
            let index = Int.random(in: 0..<out.sections.count, using: &draw)
            switch Int.random(in: 0..<7, using: &draw) {
            case 0: out.sections.remove(at: index)
            case 1: out.sections.append(out.sections[index])
            case 2: out.sections[index].bytes.removeLast(min(out.sections[index].bytes.count, 3))
            case 3: out.sections[index].kind = PayloadSection.Kind.allCases.randomElement(using: &draw)!
            case 4:
                let count = Int.random(in: 0...64, using: &draw)
                out.sections[index].bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &draw) }
            default:
                guard let at = out.sections[index].bytes.indices.randomElement(using: &draw) else { continue }
                out.sections[index].bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &draw)
            }
        }
        return out
    }

    /// A trap ends the test process: that it ends well is the test.
    @Test(arguments: ConformanceCase.all)
    func garbageUnitsAreRefusedOrRunButNeverTrap(_ item: ConformanceCase) throws {
        let unit = try item.firstUnit()
        var refused = 0
        for seed in 0..<300 as Range<UInt64> {
            do {
                var kernel = try item.kernel(Self.mutated(unit, seed: seed))
                _ = try kernel.advance(budgetSeconds: 0)
            } catch {
                #expect(error is AppError)
                refused += 1
            }
        }
        #expect(refused > 150)
        #expect(throws: AppError.self) { try item.kernel(Payload(sections: [])) }
    }

    @Test(arguments: ConformanceCase.all)
    func garbageResultsAreJudgedAndComparisonIsSymmetric(_ item: ConformanceCase) throws {
        let unit = try item.firstUnit()
        let good = try item.result(unit)
        let validator = item.app.validator
        for seed in 0..<200 as Range<UInt64> {
            let bad = Self.mutated(good, seed: seed)
            _ = validator.check(bad, unit: unit, context: item.context, challenge: seed)
            _ = validator.check(good, unit: Self.mutated(unit, seed: seed), context: item.context, challenge: seed)
            let there = validator.compare(good, bad, unit: unit, context: item.context)
            let back = validator.compare(bad, good, unit: unit, context: item.context)
            #expect((there == .same) == (back == .same), "seed \(seed)")
            #expect(validator.compare(bad, bad, unit: unit, context: item.context) == .same, "seed \(seed)")
        }
    }

    @Test(arguments: ConformanceCase.all)
    func garbageCheckpointsAreRefusedOrTakenButNeverTrap(_ item: ConformanceCase) throws {
        let unit = try item.firstUnit()
        var kernel = try item.kernel(unit)
        _ = try kernel.advance(budgetSeconds: 0)
        let saved = kernel.checkpoint()
        var draw = SeededGenerator(seed: 1)
        for _ in 0..<200 {
            var bad = saved
            if Bool.random(using: &draw), !bad.isEmpty {
                bad[Int.random(in: 0..<bad.count, using: &draw)] ^= UInt8.random(in: 1...255, using: &draw)
            } else {
                bad.removeLast(min(bad.count, Int.random(in: 1...40, using: &draw)))
            }
            var fresh = try item.kernel(unit)
            do {
                try fresh.restore(from: bad)
                _ = try fresh.advance(budgetSeconds: 0)
            } catch {
                guard case AppError.badCheckpoint = error else {
                    Issue.record("\(error)")
                    continue
                }
            }
        }
    }

    @Test(arguments: ConformanceCase.all)
    func garbageInputsAndCursorsAreRefused(_ item: ConformanceCase) throws {
        let unit = try item.firstUnit()
        let names = item.app.schema.inputs.map(\.name)
        let bytes = InputSet(Dictionary(uniqueKeysWithValues: names.map { ($0, .bytes([1, 2, 3])) }))
        let kernel = try #require(item.app.kernel)
        for inputs in [InputSet([:]), bytes] {
            #expect(throws: AppError.self) {
                try kernel.init(unit: unit, inputs: inputs, environment: KernelEnvironment(cachePath: nil))
            }
        }
        var draw = SeededGenerator(seed: 2)
        for count in 1...24 {
            let cursor = (0..<count).map { _ in UInt8.random(in: 0...255, using: &draw) }
            _ = try? item.app.splitter.next(item.context, cursor: cursor, limit: 3)
        }
    }

    @Test(arguments: ConformanceCase.all)
    func anAssemblerRefusesGarbage(_ item: ConformanceCase) throws {
        let unit = try item.firstUnit()
        let good = try item.result(unit)
        for seed in 0..<60 as Range<UInt64> {
            var assembler = try item.app.assembler.init(context: item.context)
            do throws(AppError) {
                try assembler.add(result: Self.mutated(good, seed: seed), unit: unit)
                _ = try assembler.finish()
            } catch {
                #expect(!error.description.isEmpty)
            }
        }
    }
}
