import Compute
import Foundation
import Testing

@Suite struct TrigonometryTests {
    @Test func cosineAndSineAreGoodToTwoInTenMillion() {
        var worst = 0.0
        for step in 0...400_000 {
            let x = Float(Double(step) / 400_000 - 0.5)
            let four = SIMD4(repeating: x)
            let angle = 2 * Double.pi * Double(x)
            worst = max(worst, abs(Double(Turns.cosine(four)[0]) - cos(angle)))
            worst = max(worst, abs(Double(Turns.sine(four)[3]) - sin(angle)))
        }
        #expect(worst < 2e-7)
    }

    @Test(arguments: [0.0, 0.25, -0.25, 0.5, -0.5, 1e-9, 0.49999999, 123_456_789.375, -98_765.4375, 2.5e14 + 0.25])
    func fractionKeepsWhatIsLeftOfWholeTurns(_ x: Double) {
        let fraction = Turns.fraction(SIMD4(repeating: x))[1]
        #expect(abs(fraction) <= 0.5)
        #expect((x - fraction).rounded() == x - fraction)
    }

    @Test func sineIsSmallNearZeroInProportion() {
        let tiny = Turns.sine(SIMD4(repeating: 1e-9))[0]
        #expect(abs(Double(tiny) / (2 * .pi * 1e-9) - 1) < 1e-6)
    }
}
