import Glibc
import Synchronization

/// Does blocking things at the same time, on a few threads of its own.
enum Parallel {
    private final class Work: Sendable {
        private struct State {
            var next = 0
            var failure: (any Error)?
        }

        private let state = Mutex(State())
        private let count: Int
        private let body: @Sendable (Int) throws -> Void

        init(count: Int, _ body: @escaping @Sendable (Int) throws -> Void) {
            self.count = count
            self.body = body
        }

        /// Takes one after another until none is left or one has failed.
        func run() {
            while true {
                let index = state.withLock { state -> Int? in
                    guard state.failure == nil, state.next < count else { return nil }
                    defer { state.next += 1 }
                    return state.next
                }
                guard let index else { return }
                do { try body(index) } catch { state.withLock { $0.failure = $0.failure ?? error } }
            }
        }

        func end() throws { if let failure = state.withLock({ $0.failure }) { throw failure } }
    }

    /// - Throws: what the first one throws; those that had begun go on to their end.
    static func forEach<Element: Sendable>(
        _ elements: [Element], threads: Int, _ body: @escaping @Sendable (Element) throws -> Void
    ) throws {
        let work = Work(count: elements.count) { try body(elements[$0]) }
        var started: [pthread_t] = []
        for _ in 1..<max(1, min(threads, elements.count)) {
            var thread = pthread_t()
            let box = Unmanaged.passRetained(work)
            let code = pthread_create(
                &thread, nil,
                { pointer in
                    guard let pointer else { return nil }
                    Unmanaged<Work>.fromOpaque(pointer).takeRetainedValue().run()
                    return nil
                }, box.toOpaque())
            // Fewer threads do the same, only later.
            if code == 0 { started.append(thread) } else { box.release() }
        }
        work.run()
        for thread in started { pthread_join(thread, nil) }
        try work.end()
    }
}
