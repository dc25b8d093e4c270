import Domain

/// What a host's record allows, and what adaptive replication promises.
///
/// The rule: of a proven host's results a secret share q is computed again by somebody else, drawn after the result was
/// committed. A result is final when W later ones of the same host and app have passed; a failed check voids all that
/// are not final. A host is proven once W of its results have passed a check without one failing. How good the record
/// is beyond that changes neither q nor W, so there is nothing to be gained by being honest first: that is what BOINC's
/// rule (`sched_send.cpp`, trust by consecutive valid results) can be farmed by.
public enum Trust {
    /// Checked results, weighted by age, below which a host has been away for too long.
    public static let evidenceMin = 10.0
    /// Evidence that is this old counts half: machines age, and owners change.
    public static let halfLife = TimeSpan(seconds: 90 * 86_400)

    // MARK: The record

    /// Results that passed since the last failure, each weighted by its age.
    public static func evidence(_ record: TrustRecord, now: Timestamp) -> Double {
        // A clock that was set back makes nothing fresher.
        let age = max(0, (now - record.evidenceAt).seconds)
        return record.evidence * Decay.halves(age / halfLife.seconds)
    }

    /// The longest window in which single results of this host may stand: its checked results since the last failure,
    /// or 0 when too few of them are recent.
    public static func windowMax(_ record: TrustRecord?, now: Timestamp) -> Int64 {
        guard let record else { return 0 }
        return evidence(record, now: now) >= evidenceNeeded(record) ? record.streak : 0
    }

    /// The evidence that a record must still have for its single results to stand: that of its streak, or
    /// `evidenceMin` for a longer one. Half a result is allowed for: the first checks have aged a little when the last
    /// one comes.
    public static func evidenceNeeded(_ record: TrustRecord) -> Double {
        max(0, min(evidenceMin, Double(record.streak)) - 0.5)
    }

    /// With 95 % confidence, at least this share of the host's checked results fails.
    public static func failureRateMin(_ record: TrustRecord) -> Double {
        Chance.lowerBound(Double(record.failed), of: Double(record.passed + record.failed))
    }

    /// Whether single results of this host may stand under a rule.
    public static func isProven(_ record: TrustRecord?, _ rule: AdaptiveRule, now: Timestamp) -> Bool {
        windowMax(record, now: now) >= Int64(rule.window)
    }

    /// The record after a result passed.
    public static func passed(_ record: TrustRecord, now: Timestamp) -> TrustRecord {
        var record = record
        record.streak += 1
        record.evidence = evidence(record, now: now) + 1
        record.evidenceAt = max(record.evidenceAt, now)
        record.passed += 1
        return record
    }

    /// The record after a result failed: all evidence is gone.
    public static func failed(_ record: TrustRecord, now: Timestamp) -> TrustRecord {
        var record = record
        record.streak = 0
        record.evidence = 0
        record.evidenceAt = max(record.evidenceAt, now)
        record.failed += 1
        record.lastFailedAt = max(record.lastFailedAt ?? now, now)
        return record
    }

    /// The app's name as trust knows it: without its version.
    public static func app(_ nameAndVersion: String) -> String {
        nameAndVersion.firstIndex(of: "/").map { String(nameAndVersion[..<$0]) } ?? nameAndVersion
    }

    // MARK: Draws

    /// Whether a draw falls on a result.
    /// - Parameter draw: uniform over all 64-bit numbers, fixed by a secret and the committed result.
    /// - Parameter rate: 0 ... 1.
    public static func isDrawn(_ draw: UInt64, rate: Double) -> Bool {
        // 53 bits: exact in a Double, and finer than any rate that can be written.
        Double(draw >> 11) < rate * 9_007_199_254_740_992
    }

    /// The share of a host's standing results that is drawn when its batch is closed.
    ///
    /// At the end of a batch no later results follow, so nothing would find out a cheat who has forged just those. If
    /// he forged k of them and a share c is checked, k(1-c)^k survive on average: one that is drawn voids them all. The
    /// share is the smallest for which that is within the promise, whatever k is.
    /// - Parameter count: standing results of one host and app in the batch; 1 or more.
    public static func closingRate(_ count: Int, _ rule: AdaptiveRule) -> Double {
        let allowed = survivalBound(rule) * Double(max(count, 1))
        guard mostSurviving(rule.checkRate, of: count) > allowed * (1 + 1e-12) else { return rule.checkRate }
        var low = rule.checkRate
        var high = 1.0
        for _ in 0..<50 {
            let middle = (low + high) / 2
            if mostSurviving(middle, of: count) > allowed { low = middle } else { high = middle }
        }
        return high
    }

    /// The chance that the second draw must have so that both together have the closing rate.
    ///
    /// The results that stand at the close have been passed by once, with chance 1 - q.
    public static func closingDraw(_ count: Int, _ rule: AdaptiveRule) -> Double {
        guard rule.checkRate < 1 else { return 1 }
        let rate = closingRate(count, rule)
        return min(max((rate - rule.checkRate) / (1 - rule.checkRate), 0), 1)
    }

    // MARK: The promise

    /// The largest share of a cheat's results that can become final although they are forged, whatever he does.
    ///
    /// Forged results that are not final live and die together: the first that is drawn voids the others. To bring k of
    /// them past the draws takes (1-q)^-k attempts on average, and each that fails costs him W checked results until he
    /// is proven again, or until another name of his is; the one that succeeds takes W results until it is final. That
    /// leaves him at most k(1-q)^k / W, which is largest at k = 1/-ln(1-q), where it is 1/(-e·ln(1-q)·W), about
    /// (1-q)/(e·q·W) for small q.
    public static func survivalBound(_ rule: AdaptiveRule) -> Double {
        mostSurviving(rule.checkRate, of: rule.window) / Double(rule.window)
    }

    /// max over k = 1 ... count of k(1-c)^k.
    private static func mostSurviving(_ rate: Double, of count: Int) -> Double {
        var best = 0.0
        var passes = 1.0
        for k in 1...max(count, 1) {
            passes *= 1 - rate
            let survives = Double(k) * passes
            // It rises to one maximum and falls.
            if survives < best { break }
            best = survives
        }
        return best
    }

    /// Tasks that a unit of honest hosts needs on average, once they are proven and while the batch is long. Before
    /// that it is 2.
    public static func expectedReplication(_ rule: AdaptiveRule) -> Double { 1 + rule.checkRate }
}
