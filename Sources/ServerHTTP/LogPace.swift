/// When the public log is published next: as soon as the public may expect it, and sooner where so many leaves come
/// that one publication would not hold them. Each costs some files and syncs of the disk, so it never follows the one
/// before at once.
package enum LogPace {
    /// How far the public may be behind, in seconds.
    package static let secondsMax = 2.0
    package static let secondsMin = 0.05
    /// Less than one publication holds, so that the log keeps up.
    package static let leavesAimedAt = 6000.0
    /// Reading more in one go would keep the writer's thread for milliseconds.
    package static let leavesInATurn = 1000

    /// - Parameters:
    ///   - leaves: of the last publication.
    ///   - seconds: between the beginnings of the last two.
    /// - Returns: how long to wait, in seconds.
    package static func pause(after leaves: Int64, in seconds: Double) -> Double {
        guard leaves > 0 else { return secondsMax }
        return min(max(seconds * leavesAimedAt / Double(leaves), secondsMin), secondsMax)
    }
}
