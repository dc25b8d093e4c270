import Glibc
import Storage
import Synchronization

/// Waits until the disk has a database's write-ahead log.
///
/// The log is one file as long as a connection to the database is open, however often SQLite begins it anew. It is
/// opened beside SQLite: no locks are held on it, so that a second descriptor takes none of them away.
final class LogSync: StoreDurability {
    private enum State {
        case closed
        case open(Int32)
        case failed(StoreError)
    }

    /// nil: of a database in memory, where nothing is durable anyhow.
    private let path: String?
    private let state = Mutex(State.closed)

    init(path: String?) { self.path = path }

    deinit { state.withLock { if case .open(let descriptor) = $0 { close(descriptor) } } }

    func wait() throws {
        guard let path else { return }
        try state.withLock { state in
            do throws(StoreError) {
                let descriptor = try Self.descriptor(&state, path)
                while fdatasync(descriptor) != 0 {
                    if errno == EINTR { continue }
                    throw Self.lost(path)
                }
            } catch {
                state = .failed(error)
                throw error
            }
        }
    }

    private static func descriptor(_ state: inout State, _ path: String) throws(StoreError) -> Int32 {
        switch state {
        case .open(let descriptor): return descriptor
        case .failed(let error): throw error
        case .closed:
            let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
            guard descriptor >= 0 else { throw lost(path) }
            state = .open(descriptor)
            return descriptor
        }
    }

    private static func lost(_ path: String) -> StoreError {
        .uncertain("\(path): the disk does not confirm what was written: \(String(cString: strerror(errno)))")
    }
}
