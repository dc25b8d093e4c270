import Domain

/// How many tasks a host may get a day: full speed for a good record, a trickle for a broken host.
///
/// A function of the counts in the host's record alone, so that it needs no state of its own. The counts hold no
/// order, so a long good record hides new trouble for a while; the limit on tasks in progress bounds that.
public enum HostQuota {
    /// For each core of a host without blame: one task every nine seconds.
    public static let tasksPerDayPerCore = 10_000
    /// Never less, so that a repaired host can show it.
    public static let tasksPerDayMin = 4
    /// An invalid result costs more than an error: an error wastes time, a wrong result may get into the answer.
    public static let invalidWeight: Int64 = 2
    /// Blame beyond the merit is forgotten above this, so that the way back has an end.
    public static let blameMax: Int64 = 32

    public static func tasksPerDay(_ host: HostRecord) -> Int {
        tasksPerDay(
            valid: host.validCount, invalid: host.invalidCount, errors: host.errorCount, cores: host.profile.cores)
    }

    /// `full * (merit / (merit + blame))^4`, where merit is valid results + 2: one error leaves a new host a fifth,
    /// ten leave it 8 tasks a day and core, and each valid result raises it again.
    public static func tasksPerDay(valid: Int64, invalid: Int64, errors: Int64, cores: Int) -> Int {
        let countMax: Int64 = 1 << 40
        let merit = min(max(valid, 0), countMax)
        let blame = min(
            min(max(invalid, 0), countMax) * invalidWeight + min(max(errors, 0), countMax), merit + blameMax)
        let share = Double(merit + 2) / Double(merit + 2 + blame)
        let full = Double(tasksPerDayPerCore) * Double(min(max(cores, 1), 4096))
        return max(Int(full * share * share * share * share), tasksPerDayMin)
    }
}
