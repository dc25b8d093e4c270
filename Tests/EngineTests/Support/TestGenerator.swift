/// A seeded generator for tests: SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
struct TestGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        return z ^ z >> 31
    }
}

/// Every order of the elements (Heap's algorithm).
func permutations<Element>(of elements: [Element]) -> [[Element]] {
    var all: [[Element]] = []
    var current = elements
    func generate(_ count: Int) {
        if count <= 1 {
            all.append(current)
            return
        }
        for at in 0..<count {
            generate(count - 1)
            if at < count - 1 { current.swapAt(count.isMultiple(of: 2) ? at : 0, count - 1) }
        }
    }
    generate(elements.count)
    return all
}
