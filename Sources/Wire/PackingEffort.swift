/// How hard a container is compressed, as zstd's level.
///
/// Measured on the first project's photon table: 73.1 kB at 9, 71.1 kB at 19, which takes twenty times as long; on
/// payloads of 177 bytes with a dictionary: 55 bytes at 3, 52 at 9, 53 at 19.
public enum PackingEffort: Int32, Comparable, Sendable {
    /// For what does not leave this computer.
    case local = 1
    /// Units and results are made by the thousand.
    case unit = 9
    /// Inputs are packed once and travel to every host.
    case input = 19

    public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
}
