/// Chances, computed without a mathematics library: the same bits on every machine.
public enum Chance {
    /// How probable it is that something that happens `mean` times on average happens `count` times or more.
    ///
    /// The tail of the Poisson distribution. From one above the mean on it is also a bound for a sum of independent
    /// events with different chances, of which the binomial distribution is one (Hoeffding 1956; Anderson and Samuels
    /// 1967). Below that the answer is 1, which is a bound, too.
    /// - Parameter mean: 0 or more.
    /// - Returns: 0 ... 1; 0 where it is below 1e-323.
    public static func poissonTail(atLeast count: Int, mean: Double) -> Double {
        guard count > 0, Double(count) >= mean + 1 else { return 1 }
        guard mean > 0 else { return 0 }
        let first = exp(Double(count) * ln(mean) - mean - lnFactorial(count))
        var term = 1.0
        var sum = 1.0
        var n = Double(count)
        while term > 1e-17 * sum {
            n += 1
            term *= mean / n
            sum += term
        }
        return min(1, first * sum)
    }

    /// The lower end of Wilson's interval (1927) for a share: with 95 % confidence the true share is not smaller.
    /// - Parameter successes: 0 ... count; a part of one counts in part.
    /// - Returns: 0 ... 1; 0 for a count of 0.
    public static func lowerBound(_ successes: Double, of count: Double) -> Double {
        guard count > 0, successes > 0 else { return 0 }
        let share = min(1, successes / count)
        let z = 1.644_853_626_951_472_7
        let spread = (share * (1 - share) / count + z * z / (4 * count * count)).squareRoot()
        return max(0, (share + z * z / (2 * count) - z * spread) / (1 + z * z / count))
    }

    /// The natural logarithm of a positive number.
    static func ln(_ x: Double) -> Double {
        var significand = x.significand
        var exponent = Double(x.exponent)
        if significand > 1.414_213_562_373_095 {
            significand /= 2
            exponent += 1
        }
        // ln s = 2·artanh((s-1)/(s+1)); the argument is below 0.172.
        let t = (significand - 1) / (significand + 1)
        var power = t
        var sum = 0.0
        for odd in stride(from: 1.0, through: 23, by: 2) {
            sum += power / odd
            power *= t * t
        }
        return exponent * ln2 + 2 * sum
    }

    /// e^x; 0 and infinity where a Double ends.
    static func exp(_ x: Double) -> Double {
        if x < -746 { return 0 }
        if x > 710 { return .infinity }
        let halvings = (x / ln2).rounded()
        let y = x - halvings * ln2
        var term = 1.0
        var sum = 1.0
        for n in 1...20 {
            term *= y / Double(n)
            sum += term
        }
        return Double(sign: .plus, exponent: Int(halvings), significand: sum)
    }

    /// The logarithm of 1·2·...·n: by adding up, and by Stirling's series from 256 on (relative error below 1e-15).
    static func lnFactorial(_ n: Int) -> Double {
        if n < 256 { return n < 2 ? 0 : (2...n).reduce(0) { $0 + ln(Double($1)) } }
        let x = Double(n)
        let halfLnTwoPi = 0.918_938_533_204_672_7
        return (x + 0.5) * ln(x) - x + halfLnTwoPi + 1 / (12 * x) - 1 / (360 * x * x * x)
    }

    private static let ln2 = 0.693_147_180_559_945_3
}
