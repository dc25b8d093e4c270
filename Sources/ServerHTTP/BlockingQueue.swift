import NIOConcurrencyHelpers

/// A queue between threads that wait. Bounded by those who fill it.
final class BlockingQueue<Element: Sendable>: @unchecked Sendable {
    // Every access to `elements` and `isClosed` is under `lock`.
    private enum Filling: Equatable { case empty, ready }
    private let lock = ConditionLock<Filling>(value: .empty)
    private var elements: [Element] = []
    private var isClosed = false

    /// - Returns: false when the queue is closed; the element was not taken.
    @discardableResult
    func put(_ element: Element) -> Bool {
        lock.lock()
        guard !isClosed else {
            lock.unlock()
            return false
        }
        elements.append(element)
        lock.unlock(withValue: .ready)
        return true
    }

    /// Waits for at least one element. - Returns: up to `limit`, in order; empty once the queue is closed and empty.
    func take(limit: Int) -> [Element] {
        lock.lock(whenValue: .ready)
        let taken = Array(elements.prefix(limit))
        elements.removeFirst(taken.count)
        lock.unlock(withValue: elements.isEmpty && !isClosed ? .empty : .ready)
        return taken
    }

    /// What is in the queue will still be taken; nothing more comes in.
    func close() {
        lock.lock()
        isClosed = true
        lock.unlock(withValue: .ready)
    }

    /// Closes and forgets what nobody has taken.
    func closeAndDrop() {
        lock.lock()
        isClosed = true
        elements = []
        lock.unlock(withValue: .ready)
    }

    var count: Int {
        lock.lock()
        defer { lock.unlock() }
        return elements.count
    }
}

/// Something that a thread waits for, with a time-out.
final class WakeUp: Sendable {
    private let lock = ConditionLock<Bool>(value: false)

    func signal() {
        lock.lock()
        lock.unlock(withValue: true)
    }

    /// Waits for a signal, at most `seconds`, and clears it.
    func wait(seconds: Double) {
        if lock.lock(whenValue: true, timeoutSeconds: seconds) { lock.unlock(withValue: false) }
    }
}
