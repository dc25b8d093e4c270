import Bytes
import Domain

/// What hosts must not be able to foresee or to read off: which replica of a unit a task is, where in a batch their
/// tasks come from, and whose results they are given to compute again.
extension ServerKeys {
    /// The number by which hosts know a task. The place among the replicas of its unit is moved round by a secret that
    /// differs from unit to unit: one task of a unit, and a volunteer never gets two, tells nothing of its place.
    public func number(of task: TaskID) -> UInt64 {
        UInt64(task.unit.rawValue << 6 | (Int64(task.ordinal) + shift(of: task.unit)) & 63)
    }

    /// The task that a host's number means; some number for any, also where there is no such task.
    public func task(numbered number: Int64) -> TaskID {
        let unit = WorkUnitID(rawValue: number >> 6)
        return TaskID(unit: unit, ordinal: Int((number & 63 - shift(of: unit)) & 63))
    }

    private func shift(of unit: WorkUnitID) -> Int64 {
        Int64(word(unit.rawValue, 0, key: numberSecret) & 63)
    }

    /// The lot of a volunteer for a unit, uniform over all 64-bit numbers; see `Pairing`.
    func lot(of volunteer: VolunteerID, for unit: WorkUnitID) -> UInt64 {
        word(volunteer.rawValue, unit.rawValue, key: lotSecret)
    }

    /// Numbers that say where in the queue a call of a host looks; the same call looks at the same places again.
    func places(host: HostID, call: Int64) -> Places {
        Places(seed: word(-1 - host.rawValue, call, key: lotSecret))
    }

    /// SHA-256 over a secret of 32 bytes and two numbers: one block of fixed length, so nothing can be appended, and
    /// half the price of HMAC in what every task of every call needs.
    private func word(_ first: Int64, _ second: Int64, key: [UInt8]) -> UInt64 {
        var message = ByteWriter()
        message.put(bytes: key)
        message.put(i64: first)
        message.put(i64: second)
        return SHA256Hash.digest(of: message.bytes).bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }
}

/// Uniform numbers from a secret seed: SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
struct Places: Hashable, Sendable {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// Uniform over 0 ..< count; 0 for a count of 0.
    mutating func next(below count: Int64) -> Int64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        z ^= z >> 31
        return Int64(z.multipliedFullWidth(by: UInt64(max(0, count))).high)
    }
}
