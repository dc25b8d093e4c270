/// Events by the minute: a list for each, so that planning and taking cost the same for a million events as for ten.
///
/// Within a minute they come in the order of planning; the model does not care about seconds.
struct FleetQueue<Event> {
    private var buckets: [[Event]]
    private var minute = 0
    private var place = 0
    private(set) var count = 0

    /// - Parameter seconds: the end; what is planned for later never happens.
    init(seconds: Double) {
        buckets = [[Event]](repeating: [], count: Int(seconds / 60) + 2)
    }

    /// - Parameter at: seconds; the past counts as the present minute.
    mutating func plan(_ event: Event, at: Double) {
        // Otherwise hosts that call once a month would fill the last minute for ever.
        guard at < Double(buckets.count) * 60 else { return }
        buckets[max(Int(at / 60), minute)].append(event)
        count += 1
    }

    /// The next event and the second at which its minute begins; nil: nothing is planned.
    mutating func next() -> (at: Double, event: Event)? {
        while minute < buckets.count {
            if place < buckets[minute].count {
                let event = buckets[minute][place]
                place += 1
                count -= 1
                return (Double(minute) * 60, event)
            }
            buckets[minute] = []
            place = 0
            minute += 1
        }
        return nil
    }
}
