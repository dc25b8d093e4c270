import NIOConcurrencyHelpers

/// A queue between threads that wait. Bounded by those who fill it: some must get in, others may be turned away.
final class BlockingQueue<Element: Sendable>: @unchecked Sendable {
    // Every access to `elements` and `isClosed` is under `lock`.
    private enum Filling: Equatable { case empty, ready }
    private let lock = ConditionLock<Filling>(value: .empty)
    private var elements: [Element] = []
    private var isClosed = false

    enum Refusal: Error { case closed, full }

    /// - Parameter limit: no element is taken when so many wait.
    /// - Returns: why the element was not taken; nil when it was.
    @discardableResult
    func put(_ element: Element, limit: Int = .max) -> Refusal? {
        lock.lock()
        guard !isClosed, elements.count < limit else {
            let refusal: Refusal = isClosed ? .closed : .full
            lock.unlock()
            return refusal
        }
        elements.append(element)
        lock.unlock(withValue: .ready)
        return nil
    }

    /// Waits for at least one element. - Returns: up to `limit`, in order; empty once the queue is closed and empty.
    func take(limit: Int) -> [Element] {
        lock.lock(whenValue: .ready)
        return takeLocked(limit)
    }

    /// Up to `limit` of those that wait, in order, without waiting for any.
    func takeWaiting(limit: Int) -> [Element] {
        lock.lock()
        return takeLocked(limit)
    }

    private func takeLocked(_ limit: Int) -> [Element] {
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
