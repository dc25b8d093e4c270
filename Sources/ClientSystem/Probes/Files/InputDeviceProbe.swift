import CPosix
import ClientCore
import Domain
import Glibc

/// When keyboard or mouse were last used, from `/dev/input`: works without X, in every Wayland session, on consoles.
///
/// Two ways, and the later moment counts. An account that may read the devices (group `input`) gets every event itself;
/// only its type is looked at, never which key it was. Otherwise there are the access times of the files. Most kernels
/// never move them for these devices, and a file system mounted with `relatime` moves them once a day; so they can show
/// that somebody was there, never that nobody was, and count only once one has moved.
package final class InputDeviceProbe: ProbeSource {
    package let kind = ProbeKind.inputDevices

    private struct Device {
        var file: Int32
        var number: dev_t
        var inode: ino_t
    }

    private let folder: String
    private var devices: [String: Device] = [:]
    /// Since when every event that came was seen; nil: no device can be read.
    private var watchedSince: Timestamp?
    private var lastEvent: Timestamp?
    /// Whether nobody was there for so long that it is worth hearing at once, while nothing runs, that somebody is.
    private var isLongAgo = false
    private static let calmMilliseconds: Int64 = 30_000
    private static let devicesMax = 256
    /// Reads at one look: a device that floods us must not keep us.
    private static let readsMax = 64

    package init(roots: ProbeRoots) {
        folder = "\(roots.dev)/input"
    }

    deinit {
        for device in devices.values { close(device.file) }
    }

    package var isCalm: Bool { isLongAgo }

    package var watched: [Int32] { devices.values.map(\.file) }

    package func read(now: Timestamp) -> ProbeReading.Value? {
        guard let all = ProbeFile.names(in: folder, limit: Self.devicesMax) else {
            closeAll()
            return .unavailable("there is no \(folder)")
        }
        let names = all.filter { $0.hasPrefix("event") }
        for name in devices.keys where !names.contains(name) { forget(name) }
        for name in names { follow(name) }
        if devices.keys.filter(hasInput).count > 0 { lastEvent = now }
        if devices.isEmpty { (watchedSince, lastEvent) = (nil, nil) } else if watchedSince == nil { watchedSince = now }

        let byEvents = (lastEvent ?? watchedSince).map { max(0, now.milliseconds - $0.milliseconds) }
        isLongAgo = byEvents ?? 0 >= Self.calmMilliseconds
        let byTimes = (names + ["mice"]).compactMap { movedAccess("\(folder)/\($0)", now: now) }.min()
        if let idle = [byEvents, byTimes].compactMap({ $0 }).min() { return .idle(milliseconds: idle) }
        return .unavailable(
            names.isEmpty
                ? "there is no device in \(folder)"
                : "this account may not read \(folder), and this kernel keeps no access times there")
    }

    /// Milliseconds since the last access, of a device whose access time has moved since it was set up.
    private func movedAccess(_ path: String, now: Timestamp) -> Int64? {
        guard let status = ProbeFile.status(path) else { return nil }
        guard status.st_atim.milliseconds > status.st_ctim.milliseconds + 1000 else { return nil }
        return AccessTime.idleMilliseconds(status, now: now)
    }

    // MARK: Events

    /// Opens a device that is new, or another one than before.
    private func follow(_ name: String) {
        guard let status = ProbeFile.status("\(folder)/\(name)") else { return forget(name) }
        if let known = devices[name] {
            guard known.number != status.st_rdev || known.inode != status.st_ino else { return }
            forget(name)
        }
        // A pipe, with its end that is opened without waiting, stands for a device in tests.
        guard [S_IFCHR, S_IFIFO].contains(status.st_mode & S_IFMT) else { return }
        let file = open("\(folder)/\(name)", O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        guard file >= 0 else { return }
        devices[name] = Device(file: file, number: status.st_rdev, inode: status.st_ino)
    }

    private func forget(_ name: String) {
        if let device = devices.removeValue(forKey: name) { close(device.file) }
    }

    private func closeAll() {
        for name in devices.keys { forget(name) }
        (watchedSince, lastEvent) = (nil, nil)
    }

    /// Takes what has come. A device that is gone is closed.
    private func hasInput(_ name: String) -> Bool {
        guard let file = devices[name]?.file else { return false }
        var isUser = false
        var buffer = [UInt8](repeating: 0, count: InputEvents.bytes * 64)
        for _ in 0..<Self.readsMax {
            let count = Glibc.read(file, &buffer, buffer.count)
            if count < 0 && errno == EINTR { continue }
            if count < 0 && errno != EAGAIN { forget(name) }
            guard count > 0 else { break }
            isUser = isUser || InputEvents.areOfUser(buffer[..<count])
        }
        return isUser
    }
}

/// Events as the kernel's `struct input_event` has them: a time, then type, code and value.
package enum InputEvents {
    package static let bytes = MemoryLayout<timeval>.size + 8
    private static let typeAt = MemoryLayout<timeval>.size
    private static let key: UInt16 = 1
    private static let relative: UInt16 = 2

    /// Keys, buttons, touches and wheels. Absolute axes alone do not count: acceleration sensors never rest.
    package static func areOfUser(_ events: ArraySlice<UInt8>) -> Bool {
        stride(from: events.startIndex, through: events.endIndex - bytes, by: bytes).contains { start in
            let type = UInt16(events[start + typeAt]) | UInt16(events[start + typeAt + 1]) << 8
            return type == key || type == relative
        }
    }
}
