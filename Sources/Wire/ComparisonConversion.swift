import Domain
import FoundationEssentials

extension WireAppContextMessage {
    /// How results are compared, as the manifest says; nil: the app's own way.
    public mutating func setComparison(_ rule: ComparisonRule?) {
        guard let rule else { return comparison = Data() }
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        // A rule holds finite numbers and text, which can always be written; what could not be read refuses every job.
        comparison = (try? encoder.encode(rule)) ?? Data("?".utf8)
    }

    /// - Throws: `.malformed` for what is no rule.
    public func comparisonRule() throws(WireError) -> ComparisonRule? {
        if comparison.isEmpty { return nil }
        do { return try JSONDecoder().decode(ComparisonRule.self, from: comparison) } catch {
            throw .malformed("the rule of comparison cannot be read")
        }
    }
}
