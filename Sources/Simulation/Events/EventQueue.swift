/// What will happen, in order of time; at the same time in the order in which it was planned.
///
/// A binary heap of small keys; the events themselves do not move. The order is total, so the same plans give the same
/// course on every machine.
package struct EventQueue<Event> {
    private struct Key {
        var at: Int64
        var order: UInt64
        var place: Int32

        @inline(__always)
        func isBefore(_ other: Key) -> Bool { at != other.at ? at < other.at : order < other.order }
    }

    private var heap: [Key] = []
    private var events: [Event?] = []
    private var free: [Int32] = []
    private var planned: UInt64 = 0

    package init() {}

    package var isEmpty: Bool { heap.isEmpty }
    package var count: Int { heap.count }

    /// - Parameter at: milliseconds of true time.
    package mutating func plan(_ event: Event, at: Int64) {
        let place: Int32
        if let reused = free.popLast() {
            place = reused
            events[Int(place)] = event
        } else {
            place = Int32(events.count)
            events.append(event)
        }
        planned += 1
        var hole = heap.count
        let key = Key(at: at, order: planned, place: place)
        heap.append(key)
        while hole > 0 {
            let parent = (hole - 1) / 2
            guard key.isBefore(heap[parent]) else { break }
            heap[hole] = heap[parent]
            hole = parent
        }
        heap[hole] = key
    }

    /// The earliest event, taken out; nil when nothing is planned.
    package mutating func next() -> (at: Int64, event: Event)? {
        guard let first = heap.first, let last = heap.popLast() else { return nil }
        if !heap.isEmpty { sink(last) }
        free.append(first.place)
        guard let event = events[Int(first.place)].take() else { return nil }
        return (first.at, event)
    }

    private mutating func sink(_ key: Key) {
        var hole = 0
        while true {
            var child = 2 * hole + 1
            guard child < heap.count else { break }
            if child + 1 < heap.count, heap[child + 1].isBefore(heap[child]) { child += 1 }
            guard heap[child].isBefore(key) else { break }
            heap[hole] = heap[child]
            hole = child
        }
        heap[hole] = key
    }
}
