import Simulation
import Testing

@Suite("The queue of events")
struct QueueTests {
    @Test("By time, and at the same time in the order of planning")
    func order() {
        var queue = EventQueue<Int>()
        var expected: [(Int64, Int)] = []
        var state: UInt64 = 1
        for number in 0..<2000 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let at = Int64(state >> 33) % 50
            queue.plan(number, at: at)
            expected.append((at, number))
        }
        expected.sort { ($0.0, $0.1) < ($1.0, $1.1) }
        for (at, number) in expected {
            let next = queue.next()
            #expect(next?.at == at && next?.event == number)
        }
        #expect(queue.isEmpty && queue.next() == nil)
    }

    @Test("What is planned while others are taken finds its place")
    func interleaved() {
        var queue = EventQueue<Int>()
        queue.plan(1, at: 10)
        queue.plan(2, at: 30)
        #expect(queue.next()?.event == 1)
        queue.plan(3, at: 20)
        queue.plan(4, at: 30)
        #expect([queue.next()?.event, queue.next()?.event, queue.next()?.event] == [3, 2, 4])
    }
}
