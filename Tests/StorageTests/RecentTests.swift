import Storage
import Testing

@Suite("what was used lately")
struct RecentTests {
    @Test("is bounded by weight, keeps what is asked for, and never gives another value than the last")
    func bounded() {
        var recent = Recent<Int, Int>(max: 100)
        var generator = TestGenerator(seed: 8)
        var last: [Int: Int] = [:]
        for step in 0..<20_000 {
            let key = generator.below(500)
            switch generator.below(10) {
            case 0:
                recent.drop(key)
                last[key] = nil
            case 1...5:
                recent.keep(key, step, weight: 1 + generator.below(5))
                last[key] = step
            default:
                if let found = recent.value(key) { #expect(found == last[key]) }
            }
            // Asked for each time, so it stays, however much else comes.
            recent.keep(-1, 7)
            #expect(recent.value(-1) == 7)
        }
        // Two generations of at most 104 each.
        #expect((0..<500).count { recent.value($0) != nil } <= 208)
    }
}
