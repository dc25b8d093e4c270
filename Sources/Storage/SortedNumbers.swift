/// A set of numbers kept in order: binary search, insertion by moving the tail.
struct SortedNumbers {
    private(set) var values: [Int64] = []

    /// The first place whose value is not below `value`.
    func place(of value: Int64) -> Int {
        var low = 0
        var high = values.count
        while low < high {
            let middle = (low + high) / 2
            if values[middle] < value { low = middle + 1 } else { high = middle }
        }
        return low
    }

    func contains(_ value: Int64) -> Bool {
        let at = place(of: value)
        return at < values.count && values[at] == value
    }

    mutating func insert(_ value: Int64) {
        let at = place(of: value)
        if at == values.count || values[at] != value { values.insert(value, at: at) }
    }

    mutating func remove(_ value: Int64) {
        let at = place(of: value)
        if at < values.count, values[at] == value { values.remove(at: at) }
    }

    /// The values from `value` on.
    func from(_ value: Int64) -> ArraySlice<Int64> { values[place(of: value)...] }
}
