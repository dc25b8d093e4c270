import CPosix
import Glibc

/// Events for the client's one deciding thread, from any other.
package final class Mailbox<Item: Sendable>: @unchecked Sendable {
    // A condition variable, because Swift's Mutex cannot wait with a time limit.
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let arrival = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var items: [Item] = []

    package init() {
        pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(arrival, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(arrival)
        pthread_mutex_destroy(mutex)
        arrival.deallocate()
        mutex.deallocate()
    }

    package func post(_ item: Item) {
        pthread_mutex_lock(mutex)
        items.append(item)
        pthread_cond_signal(arrival)
        pthread_mutex_unlock(mutex)
    }

    /// Everything that has come, after waiting at most so long for something to come.
    package func take(waitSeconds: Double) -> [Item] {
        let until = millrace_monotonic_seconds() + max(0, waitSeconds)
        var deadline = timespec(tv_sec: Int(until), tv_nsec: Int((until - until.rounded(.down)) * 1e9))
        pthread_mutex_lock(mutex)
        while items.isEmpty {
            if pthread_cond_timedwait(arrival, mutex, &deadline) != 0 { break }
        }
        let taken = items
        items = []
        pthread_mutex_unlock(mutex)
        return taken
    }
}

/// Where events of one kind can be posted, whoever takes them.
package struct Postbox<Item: Sendable>: Sendable {
    private let deliver: @Sendable (Item) -> Void

    package init(_ deliver: @escaping @Sendable (Item) -> Void) { self.deliver = deliver }

    func post(_ item: Item) { deliver(item) }
}

extension Mailbox {
    /// A way in for events of another kind.
    package func postbox<Other>(_ wrap: @escaping @Sendable (Other) -> Item) -> Postbox<Other> {
        Postbox { [self] in post(wrap($0)) }
    }

    package var postbox: Postbox<Item> { postbox { $0 } }
}
