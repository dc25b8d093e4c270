/// A table of what was used lately, in two generations: the older one goes when the younger is full.
package struct Recent<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private var young: [Key: Value] = [:]
    private var old: [Key: Value] = [:]
    private var weight = 0
    private let weightMax: Int

    /// - Parameter max: the weight of a generation; entries weigh 1 unless it is said otherwise.
    package init(max: Int) {
        weightMax = max
    }

    package mutating func value(_ key: Key) -> Value? {
        if let found = young[key] { return found }
        guard let found = old.removeValue(forKey: key) else { return nil }
        keep(key, found)
        return found
    }

    package mutating func keep(_ key: Key, _ value: Value, weight added: Int = 1) {
        if young[key] == nil {
            if weight >= weightMax { (old, young, weight) = (young, [:], 0) }
            weight += added
        }
        young[key] = value
        old[key] = nil
    }

    package mutating func drop(_ key: Key) {
        young[key] = nil
        old[key] = nil
    }

    package mutating func removeAll() { (young, old, weight) = ([:], [:], 0) }
}
