import Bytes
import Compute
import Testing

/// The projection of transforms; the transforms themselves are computed from their definitions.
@Suite struct TransformCheckTests {
    static let kinds: [TransformCheck.Kind] = [.forward, .backward, .realForward, .cosine]

    /// By definition, in quadratic time.
    static func transform(_ kind: TransformCheck.Kind, _ x: [Double], _ size: Int) -> [Double] {
        func turn(_ numerator: Int, _ denominator: Int) -> SIMD2<Double> { Twiddle.unit(numerator, denominator) }
        switch kind {
        case .forward, .backward, .realForward:
            let isReal = kind == .realForward
            return (0..<(isReal ? size / 2 + 1 : size)).flatMap { k -> [Double] in
                var sum = SIMD2<Double>()
                for n in 0..<size {
                    let w = turn((kind == .backward ? n : size - n % size) * k, size)
                    let value = isReal ? SIMD2(x[n], 0) : SIMD2(x[2 * n], x[2 * n + 1])
                    sum += SIMD2(value.x * w.x - value.y * w.y, value.x * w.y + value.y * w.x)
                }
                return [sum.x, sum.y]
            }
        case .cosine:
            return (0..<size).map { k in
                (0..<size).reduce(0.0) { $0 + 2 * x[$1] * turn((2 * $1 + 1) * k, 4 * size).x }
            }
        }
    }

    static func subject<S: CheckedReal & Claimable>(
        _ kind: TransformCheck.Kind, _ source: inout SeededGenerator, _ index: Int
    ) -> Subject<S> {
        let size = 2 + index % 15
        let shape = TransformCheck(kind, size: size, challenge: 0)
        let scale = S.self == Float.self ? 1 : source.scale()
        let x = source.vector(shape.inputCount, scale).map { S($0) }
        let y = transform(kind, x.map { Double($0) }, size).map { S($0) }
        let stale = transform(kind, source.vector(shape.inputCount, scale), size).map { S($0) }
        let floor = evidence(shape.verify(input: x, output: y)).floor
        // Preparation is most of the work at these sizes, so challenges come from a small stock.
        let checks = (0..<20).map { _ in TransformCheck(kind, size: size, challenge: source.next()) }
        return Subject(
            claim: y, stale: stale, row: shape.outputCount,
            mustFind: { rowError($0, y, row: y.count) >= floor },
            refuses: { checks[Int($1 % 20)].verify(input: x, output: $0).isRefused })
    }

    @Test(arguments: kinds) func noFalseDoubleTransformPasses(_ kind: TransformCheck.Kind) {
        let hunts = hunt(31) { source, index in Self.subject(kind, &source, index) as Subject<Double> }
        expectNoneMissed(hunts, "double \(kind)")
    }

    @Test(arguments: kinds) func noFalseSingleTransformPasses(_ kind: TransformCheck.Kind) {
        let hunts = hunt(32) { source, index in Self.subject(kind, &source, index) as Subject<Float> }
        expectNoneMissed(hunts, "single \(kind)")
    }

    @Test(arguments: kinds) func honestTransformsAlwaysPass(_ kind: TransformCheck.Kind) {
        var source = SeededGenerator(seed: 33)
        for index in 0..<2500 {
            let size = 1 + index % 20
            let models: [RoundingModel] = [.probable, .worstCase]
            let check = TransformCheck(
                kind, size: size, trials: 1 + index % 3, rounding: models[index % 2], challenge: source.next())
            let scale = source.scale()
            let inputs = [
                source.vector(check.inputCount, scale), [Double](repeating: scale, count: check.inputCount),
                (0..<check.inputCount).map { $0 == index % check.inputCount ? scale : 0 },
                (0..<check.inputCount).map { $0 & 1 == 0 ? scale : -scale },
            ]
            for input in inputs {
                let output = Self.transform(kind, input, size)
                let proof = check.verify(input: input, output: output)
                #expect(proof.isHeld, "\(size) \(proof)")
                let narrow = input.map { Float($0) }
                let rounded = Self.transform(kind, narrow.map { Double($0) }, size).map { Float($0) }
                #expect(check.verify(input: narrow, output: rounded).isHeld)
            }
        }
    }

    /// FFTW's own results, sizes with large prime factors included.
    @Test(arguments: [257, 1000, 1021, 4096, 65_536, 65_537]) func libraryTransformsPass(_ size: Int) {
        var source = SeededGenerator(seed: UInt64(size))
        guard let forward = ComplexPlan(size: size, direction: .forward, effort: .estimate),
            let single = FFTPlan(size: size, effort: .estimate)
        else {
            Issue.record("no plan")
            return
        }
        let scales: [Double] = [1e-12, 1, 1e12]
        for index in 0..<6 {
            let scale = scales[index % 3]
            let input = index < 3 ? [Double](repeating: scale, count: 2 * size) : source.vector(2 * size, scale)
            var output = forward.transform(input) ?? []
            let check = TransformCheck(.forward, size: size, challenge: source.next())
            let proof = check.verify(input: input, output: output)
            #expect(proof.isHeld, "\(proof)")
            let error: Double = 1e-3 * scale * Double(size).squareRoot()
            output[2 * size - 1] += error
            #expect(check.verify(input: input, output: output).isRefused)
            let backward = TransformCheck(.backward, size: size, challenge: source.next())
            let narrow = input.map { Float($0) }
            let other = backward.verify(input: narrow, output: Self.runSingle(single, narrow, size) ?? [])
            #expect(other.isHeld, "\(other)")
        }
    }

    static func runSingle(_ plan: borrowing FFTPlan, _ input: [Float], _ size: Int) -> [Float]? {
        guard let from = AlignedBuffer<Float>(count: 2 * size), let to = AlignedBuffer<Float>(count: 2 * size) else {
            return nil
        }
        for (at, value) in input.enumerated() { from.base[at] = value }
        plan.execute(from: from.base, to: to.base)
        return Array(UnsafeBufferPointer(start: to.base, count: 2 * size))
    }

    @Test func strangeSizesAndInputsConvictNobody() {
        for size in [0, -1, .max, .min, TransformCheck.largestSize + 1] {
            guard
                case .undecided = TransformCheck(.forward, size: size, challenge: 1).verify(
                    input: [1.0], output: [1.0])
            else {
                #expect(Bool(false), "size \(size) was judged")
                continue
            }
        }
        let check = TransformCheck(.forward, size: 1, challenge: 1)
        guard case .undecided = check.verify(input: [Double.nan, 0], output: [1, 0]) else {
            #expect(Bool(false), "a project's input convicted")
            return
        }
        guard case .malformed = check.verify(input: [1.0, 0], output: [1]) else {
            #expect(Bool(false), "half a number passed")
            return
        }
    }
}

/// exp(2πi n/N) with the argument reduced exactly.
enum Twiddle {
    static func unit(_ numerator: Int, _ denominator: Int) -> SIMD2<Double> {
        let turns = Double(numerator % denominator) / Double(denominator)
        return SIMD2(cosine(turns), cosine(turns - 0.25))
    }

    private static func cosine(_ turns: Double) -> Double {
        // Taylor's series on an eighth of a turn at most, by symmetry.
        var t = abs(turns).truncatingRemainder(dividingBy: 1)
        if t > 0.5 { t = 1 - t }
        if t > 0.25 { return -cosine(0.5 - t) }
        if t > 0.125 { return sine(0.25 - t) }
        let x = 2 * Double.pi * t
        return series(1, x * x, 1)
    }

    private static func sine(_ turns: Double) -> Double {
        let x = 2 * Double.pi * turns
        return series(x, x * x, 2)
    }

    private static func series(_ first: Double, _ square: Double, _ start: Int) -> Double {
        var (term, sum, at) = (first, first, start)
        while abs(term) > 1e-20 {
            term *= -square / Double(at * (at + 1))
            sum += term
            at += 2
        }
        return sum
    }
}
