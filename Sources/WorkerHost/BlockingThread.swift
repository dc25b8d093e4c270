import CPosix
import Glibc

/// A thread of its own for work that blocks: waiting for a child, for the network, for a signal.
///
/// The cooperative pool of Swift's tasks must never be blocked, and the client has no other use for it.
public enum BlockingThread {
    /// Runs `body` on a new detached thread with a small stack.
    ///
    /// - Parameter name: at most 15 bytes, shown by `ps -T`.
    /// - Parameter body: must not throw; the thread ends with it.
    public static func start(_ name: String, _ body: @escaping @Sendable () -> Void) {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        pthread_attr_setstacksize(&attributes, 1 << 20)
        let box = Unmanaged.passRetained(Box(name: String(name.prefix(15)), body: body))
        var thread = pthread_t()
        let status = pthread_create(
            &thread, &attributes,
            { argument in
                guard let argument else { return nil }
                let box = Unmanaged<Box>.fromOpaque(argument).takeRetainedValue()
                pthread_setname_np(pthread_self(), box.name)
                box.body()
                return nil
            }, box.toOpaque())
        // Without threads this program cannot do anything it was started for.
        precondition(status == 0, "pthread_create failed: \(String(cString: strerror(status)))")
    }

    private final class Box {
        let name: String
        let body: @Sendable () -> Void
        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }
}
