/// How long of each period workers may run so that they use their share of the processor: an account into which the
/// share is paid, and from which the CPU time is taken that they have really used.
///
/// A worker that others kept from running in one period makes up for it in the next ones, but never by more than the
/// whole of one period.
package struct DutyRule: Hashable, Sendable {
    /// Short enough not to be noticed, long enough that stopping and waking cost nothing to speak of.
    package static let periodSeconds = 0.1
    /// Shorter pieces are not worth two signals.
    private static let pieceSeconds = 0.003
    /// What is owed at most, for a program that uses more cores than its task has.
    private static let debtSecondsMax = 10.0

    /// CPU seconds that all tasks together may still use.
    private var account: Double?

    package init() {}

    /// A period begins.
    ///
    /// - Parameters:
    ///   - share: 0 ... 1, of a core for each task.
    ///   - tasks: that want to run; more than 0.
    ///   - elapsedSeconds: since the last call.
    ///   - usedSeconds: CPU time of all of them since the last call.
    /// - Returns: seconds for which they may run, 0 ... `periodSeconds`; for the rest they stand.
    package mutating func runSeconds(
        share: Double, tasks: Int, elapsedSeconds: Double, usedSeconds: Double
    ) -> Double {
        let cores = Double(tasks)
        // The first period is given on credit.
        var account = self.account.map { $0 - usedSeconds } ?? 0
        account += share * cores * (self.account == nil ? Self.periodSeconds : elapsedSeconds)
        account = min(max(account, -Self.debtSecondsMax * cores), Self.periodSeconds * cores)
        self.account = account
        let run = account / cores
        if run < Self.pieceSeconds { return 0 }
        return run > Self.periodSeconds - Self.pieceSeconds ? Self.periodSeconds : run
    }
}
