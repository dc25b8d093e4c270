import Bytes
import Comparators
import Domain
import Plugins
import Testing

@Suite struct NumericTests {
    private static let tight = ComparisonRule.numeric(NumericRule(.elements(Closeness(absolute: 0.5))))

    @Test func firstElementBeyondTheToleranceIsNamed() throws {
        let found = try differs(Self.tight, reals("x", [1, 2, 3, 9]), reals("x", [1.5, 2, 4, 0]))
        #expect(found == Difference(element: "x[2]", distance: 1, tolerance: 0.5))
        #expect(try differs(Self.tight, reals("x", [1, 2]), reals("x", [1.5, 1.5])) == nil)
    }

    @Test func relativeToleranceIsThatOfTheLargerNumber() throws {
        let rule = ComparisonRule.numeric(NumericRule(.elements(Closeness(absolute: 0.25, relative: 0.125))))
        #expect(try differs(rule, floats("x", [8]), floats("x", [9.375])) == nil)
        let found = try differs(rule, floats("x", [8]), floats("x", [9.5]))
        #expect(found == Difference(element: "x[0]", distance: 1.5, tolerance: 1.4375))
    }

    @Test func integersAreExactBeyondWhatADoubleHolds() throws {
        let (a, b) = (Int64.max, Int64.max - 1)
        let exact = ComparisonRule.numeric(NumericRule(.elements(.exact)))
        #expect(try differs(exact, integers("x", [a]), integers("x", [b]))?.distance == 1)
        let one = ComparisonRule.numeric(NumericRule(.ulps(1)))
        #expect(try differs(one, integers("x", [a]), integers("x", [b])) == nil)
        let far = try differs(one, integers("x", [.max]), integers("x", [.min]))
        #expect(far?.distance == 0x1p64)
        #expect(try differs(one, smallIntegers("x", [.max]), smallIntegers("x", [.min]))?.distance == 4_294_967_295)
        let all = ComparisonRule.numeric(NumericRule(.elements(Closeness(absolute: 1e300))))
        #expect(try differs(all, integers("x", [.max]), integers("x", [.min])) == nil)
    }

    @Test func ulpsCountRepresentableNumbers() throws {
        func steps(_ a: Double, _ b: Double) -> UInt64? { ULP.steps(.real(a), .real(b), single: false) }
        #expect(steps(1, 1.0.nextUp) == 1)
        #expect(steps(0, -0.0) == 0)
        #expect(steps(-.leastNonzeroMagnitude, .leastNonzeroMagnitude) == 2)
        #expect(steps(1, 2) == 1 << 52)
        #expect(steps(.greatestFiniteMagnitude, .infinity) == nil)
        #expect(steps(.infinity, .infinity) == 0)
        #expect(steps(.nan, .nan) == nil)
        #expect(ULP.steps(.real(1), .real(Double(Float(1).nextUp)), single: true) == 1)
        let rule = ComparisonRule.numeric(NumericRule(.ulps(3)))
        let next = Float(1).nextUp.nextUp.nextUp
        #expect(try differs(rule, floats("x", [1]), floats("x", [next])) == nil)
        let found = try differs(rule, floats("x", [1]), floats("x", [next.nextUp]))
        #expect(found == Difference(element: "x[0]", distance: 4, tolerance: 3))
        // The same two numbers are far more doubles apart.
        #expect(try differs(rule, reals("x", [1]), reals("x", [Double(next)])) != nil)
    }

    @Test func nanInfinityAndZeros() throws {
        let infinite = try differs(Self.tight, reals("x", [.infinity]), reals("x", [1e308]))
        #expect(infinite == Difference(element: "x[0]", distance: .infinity, tolerance: 0))
        #expect(try differs(Self.tight, reals("x", [.infinity]), reals("x", [.infinity])) == nil)
        #expect(try differs(Self.tight, reals("x", [.infinity]), reals("x", [-.infinity])) != nil)
        #expect(try differs(.numeric(NumericRule(.ulps(0))), reals("x", [0]), reals("x", [-0.0])) == nil)
        let denormal = Double.leastNonzeroMagnitude
        #expect(try differs(.numeric(NumericRule(.elements(.exact))), reals("x", [0]), reals("x", [denormal])) != nil)
        let widest = Closeness(absolute: 0, relative: 1)
        let large = Double.greatestFiniteMagnitude
        let rule = ComparisonRule.numeric(NumericRule(.elements(widest)))
        #expect(try differs(rule, reals("x", [large]), reals("x", [-large])) != nil)
        for measure in [NumericRule.Measure.elements(widest), .ulps(.max), .norm(.l2, widest), .norm(.max, widest)] {
            let strict = ComparisonRule.numeric(NumericRule(measure))
            let lenient = ComparisonRule.numeric(NumericRule(measure, nan: .equalsNaN))
            #expect(try differs(strict, reals("x", [1, .nan]), reals("x", [1, .nan]))?.element == "x[1]")
            #expect(try differs(lenient, reals("x", [1, .nan]), reals("x", [1, -.nan])) == nil)
            #expect(try differs(lenient, reals("x", [1, .nan]), reals("x", [1, 1])) != nil)
            #expect(try differs(lenient, reals("x", [1, .infinity]), reals("x", [1, large])) != nil)
        }
    }

    @Test func normsOverTheWholeArray() throws {
        let l2 = ComparisonRule.numeric(NumericRule(.norm(.l2, Closeness(relative: 0.1))))
        #expect(try differs(l2, reals("x", [30, 40, 0]), reals("x", [30, 40, 4])) == nil)
        let found = try #require(try differs(l2, reals("x", [30, 40, 0]), reals("x", [33, 40, 5])))
        #expect(found.element == "x[2]")
        #expect(abs(found.distance - 34.0.squareRoot()) < 1e-12)
        let largest = ComparisonRule.numeric(NumericRule(.norm(.max, Closeness(relative: 0.1))))
        #expect(try differs(largest, reals("x", [30, 40, 0]), reals("x", [33, 40, 4])) == nil)
        #expect(try differs(largest, reals("x", [30, 40, 0]), reals("x", [33, 40, 5]))?.distance == 5)
        // Squares of these would overflow.
        #expect(try differs(l2, reals("x", [1e200, 1e200]), reals("x", [1e200, 1.01e200])) == nil)
        let huge = Double.greatestFiniteMagnitude
        #expect(try differs(l2, reals("x", [huge, huge]), reals("x", [-huge, huge])) != nil)
    }

    @Test func shapesAndKinds() throws {
        #expect(try differs(Self.tight, reals("x", [1, 2, 3]), reals("x", [1]))?.distance == 2)
        #expect(try differs(Self.tight, reals("x", [1]), floats("x", [1]))?.element == "x (kind)")
        #expect(try differs(Self.tight, text("x", "1"), text("x", "1"))?.element == "x (no numbers)")
        let half = PayloadSection(name: "x", kind: .float64, bytes: [1, 2, 3])
        #expect(try differs(Self.tight, half, half)?.element == "x (no numbers)")
    }

    private static func measure(_ random: inout SeededGenerator) -> NumericRule.Measure {
        switch random.nextIndex(below: 4) {
        case 0: .ulps(random.oneOf([0, 1, 1 << 20, .max]))
        case 1: .norm(random.oneOf([.l2, .max]), random.closeness())
        default: .elements(random.closeness())
        }
    }

    private static func wider(_ measure: NumericRule.Measure, _ random: inout SeededGenerator) -> NumericRule.Measure {
        switch measure {
        case .elements(let closeness): .elements(closeness.wider(&random))
        case .ulps(let steps): .ulps(steps.addingReportingOverflow(1 << 40).overflow ? .max : steps + 1 << 40)
        case .norm(let norm, let closeness): .norm(norm, closeness.wider(&random))
        }
    }

    private static func section(_ kind: Int, _ values: [Double]) -> PayloadSection {
        switch kind {
        case 0: floats("x", values.map { Float($0) })
        case 1: integers("x", values.map { Int64(clamping: $0.bitPattern) })
        case 2: smallIntegers("x", values.map { Int32(truncatingIfNeeded: $0.bitPattern >> 40) })
        default: reals("x", values)
        }
    }

    @Test func lawsHoldForRandomPairs() throws {
        try trials { random in
            let count = random.nextIndex(below: 6)
            let kind = random.nextIndex(below: 5)
            let values = (0..<count).map { _ in random.wild() }
            var others = values
            for _ in 0..<random.nextIndex(below: 3) where count > 0 {
                let at = random.nextIndex(below: count)
                others[at] = random.oneOf([values[at].nextUp, values[at] + 0.25, random.wild(), values[at] * 1.03])
            }
            let (a, b) = (Self.section(kind, values), Self.section(kind, others))
            let measure = Self.measure(&random)
            let nan: NumericRule.NaNRule = random.oneOf([.differs, .equalsNaN])
            let rule = ComparisonRule.numeric(NumericRule(measure, nan: nan))
            let found = try differs(rule, a, b)
            if try differs(rule, b, a) != found { return "not symmetric" }
            let hasNaN = kind != 1 && kind != 2 && values.contains { $0.isNaN }
            if !hasNaN || nan == .equalsNaN, try differs(rule, a, a) != nil { return "not reflexive" }
            // Both are rounded to doubles for the report.
            if let found, !(found.distance >= found.tolerance) { return "\(found) is within its tolerance" }
            let wider = ComparisonRule.numeric(NumericRule(Self.wider(measure, &random), nan: nan))
            if found == nil, try differs(wider, a, b) != nil { return "a wider tolerance tells them apart" }
            return nil
        }
    }
}
