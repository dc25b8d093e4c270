import Domain

/// What a task of a unit earns.
///
/// From the unit's own FLOP count and the manifest's factor, the same for every valid task of the unit; nothing that
/// a host says comes into it.
public enum CreditRuleBook {
    /// - Parameter flops: of the unit, from the splitter; below 0 or not a number earns nothing, above
    ///   `Limits.flopsMax` earns as much as that.
    /// - Parameter rule: factor 0 ... 10.
    public static func credit(flops: Double, rule: CreditRule) -> Credit {
        let amount = flops * rule.factor
        guard amount > 0 else { return .zero }
        return Credit(flops: min(amount, Limits.flopsMax))
    }
}
