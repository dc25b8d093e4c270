import Domain
import Glibc

/// Two-sample Kolmogorov-Smirnov test of each column, corrected for the number of columns (Bonferroni).
///
/// The threshold is that of Wei and Dudley (Statistics and Probability Letters 82 (2012) 636):
/// P(D > t) <= e * exp(-2 t^2 mn / (m + n)) for samples of sizes m and n of one distribution. With ties D is smaller
/// still. So honest results are told apart with a probability of at most the significance.
public struct SampleComparison {
    let rule: SampleRule

    package init(_ rule: SampleRule) { self.rule = rule }

    /// The largest distance of two empirical distributions that is accepted; 1 and more: samples so small that nothing
    /// can be told apart.
    /// - Parameters: sizes of the two samples and the number of columns tested together, each 1 or more.
    public static func threshold(significance: Double, sizes: (Int, Int), columns: Int) -> Double {
        let (m, n) = (Double(max(sizes.0, 1)), Double(max(sizes.1, 1)))
        return ((1 + log(Double(max(columns, 1)) / significance)) * (1 / m + 1 / n) / 2).squareRoot()
    }

    package func difference(_ columns: ColumnPairs) -> Difference? {
        for (name, (a, b)) in zip(columns.names, zip(columns.a, columns.b)) {
            if let at = a.firstNaN ?? b.firstNaN { return .of("\(name)[\(at)] (NaN)") }
            if a.count == 0 && b.count == 0 { continue }
            guard a.count > 0, b.count > 0 else { return .of("\(name) (empty)") }
            let distance = Self.distance(a.doubles.sorted(), b.doubles.sorted())
            let allowed = Self.threshold(
                significance: rule.significance, sizes: (a.count, b.count), columns: columns.names.count)
            if distance > allowed {
                return Difference(element: "\(name) (distribution)", distance: distance, tolerance: allowed)
            }
        }
        return nil
    }

    /// The largest distance of the two empirical distribution functions.
    /// - Parameters: sorted samples without NaN, not empty.
    package static func distance(_ a: [Double], _ b: [Double]) -> Double {
        var (i, j, most) = (0, 0, 0.0)
        while i < a.count && j < b.count {
            let value = min(a[i], b[j])
            while i < a.count && a[i] == value { i += 1 }
            while j < b.count && b[j] == value { j += 1 }
            most = max(most, abs(Double(i) / Double(a.count) - Double(j) / Double(b.count)))
        }
        return most
    }
}

/// Estimates with standard errors: |x - y| in units of the error of their difference, corrected for the number of rows.
public struct MomentComparison {
    let rule: MomentRule

    package init(_ rule: MomentRule) { self.rule = rule }

    /// The z whose two-sided tail of a normal distribution is the significance of one of `rows` tests.
    /// - Parameter rows: 1 or more.
    public static func threshold(significance: Double, rows: Int) -> Double {
        let tail = significance / Double(max(rows, 1))
        var (low, high) = (0.0, 40.0)
        // The tail falls with z; after 80 halvings of 40 the ends are neighbours.
        for _ in 0..<80 {
            let middle = (low + high) / 2
            if erfc(middle / 2.squareRoot()) > tail { low = middle } else { high = middle }
        }
        return high
    }

    package func difference(_ columns: ColumnPairs) -> Difference? {
        let (values, errors) = ((columns.a[0], columns.b[0]), (columns.a[1], columns.b[1]))
        let rows = values.0.count
        guard values.1.count == rows, errors.0.count == rows, errors.1.count == rows else {
            return .of("\(columns.element) (count)")
        }
        let allowed = Self.threshold(significance: rule.significance, rows: rows)
        for row in 0..<rows {
            let (x, y) = (values.0[row].value, values.1[row].value)
            let (e, f) = (errors.0[row].value, errors.1[row].value)
            guard x.isFinite, y.isFinite else { return .of("\(columns.names[0])[\(row)]") }
            for error in [e, f] where !(0...rule.standardErrorMax).contains(error) {
                return Difference(
                    element: "\(columns.names[1])[\(row)]", distance: error, tolerance: rule.standardErrorMax)
            }
            if x == y { continue }
            let z = abs(x - y) / hypot(e, f)
            if z > allowed {
                return Difference(element: "\(columns.names[0])[\(row)]", distance: z, tolerance: allowed)
            }
        }
        return nil
    }
}
