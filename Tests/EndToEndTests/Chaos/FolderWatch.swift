import Dispatch
import Glibc

/// Kills a process in the middle of what it does to a file or a folder: inotify(7) tells within microseconds.
struct FolderWatch {
    /// Waits until so many things have happened at `path`, which need not be there yet, then sends SIGKILL.
    /// - Returns: false when they did not happen in time; the signal is sent all the same.
    static func kill(_ pid: pid_t, after times: Int, at path: String, limitMilliseconds: Int) async -> Bool {
        // A thread of its own: it must not be late because other tests keep the pool busy.
        await withCheckedContinuation { done in
            DispatchQueue.global(qos: .userInteractive).async {
                let happened = wait(for: times, at: path, limitMilliseconds: limitMilliseconds)
                Glibc.kill(pid, SIGKILL)
                done.resume(returning: happened)
            }
        }
    }

    private static func wait(for times: Int, at path: String, limitMilliseconds: Int) -> Bool {
        let descriptor = inotify_init1(Int32(IN_NONBLOCK | IN_CLOEXEC))
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        let events = UInt32(IN_CREATE | IN_MODIFY | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE)
        var isWatched = false
        var seen = 0
        for _ in 0..<max(1, limitMilliseconds / 5) {
            if !isWatched { isWatched = inotify_add_watch(descriptor, path, events) >= 0 }
            var ready = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&ready, 1, 5) > 0 else { continue }
            seen += count(descriptor)
            if seen >= times { return true }
        }
        return false
    }

    /// How many events there are to read.
    private static func count(_ descriptor: Int32) -> Int {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let bytes = read(descriptor, &buffer, buffer.count)
        let head = MemoryLayout<inotify_event>.size
        var (at, events) = (0, 0)
        while at + head <= bytes {
            // The last field of the head: how long the name after it is.
            let name = buffer.withUnsafeBytes {
                $0.loadUnaligned(fromByteOffset: at + head - 4, as: UInt32.self)
            }
            at += head + Int(name)
            events += 1
        }
        return events
    }
}
