import CWasmtime
import Glibc

/// The functions of WASI preview 1, and the kinds of their arguments: `i` 32 bits, `I` 64 bits. All but `proc_exit`
/// answer with the number of a `WASIError`, or 0.
enum WASICall: String, CaseIterable {
    case args_get, args_sizes_get, environ_get, environ_sizes_get
    case clock_res_get, clock_time_get, poll_oneoff, sched_yield, random_get
    case fd_advise, fd_allocate, fd_close, fd_datasync, fd_fdstat_get, fd_fdstat_set_flags, fd_fdstat_set_rights
    case fd_filestat_get, fd_filestat_set_size, fd_filestat_set_times, fd_pread, fd_prestat_get, fd_prestat_dir_name
    case fd_pwrite, fd_read, fd_readdir, fd_renumber, fd_seek, fd_sync, fd_tell, fd_write
    case path_create_directory, path_filestat_get, path_filestat_set_times, path_link, path_open, path_readlink
    case path_remove_directory, path_rename, path_symlink, path_unlink_file
    case proc_exit, proc_raise, sock_accept, sock_recv, sock_send, sock_shutdown

    static let module = "wasi_snapshot_preview1"

    var parameters: String {
        switch self {
        case .sched_yield: ""
        case .fd_close, .fd_datasync, .fd_sync, .proc_exit, .proc_raise: "i"
        case .fd_filestat_set_size: "iI"
        case .fd_allocate, .fd_fdstat_set_rights: "iII"
        case .fd_advise: "iIIi"
        case .fd_filestat_set_times: "iIIi"
        case .clock_time_get: "iIi"
        case .fd_seek: "iIii"
        case .args_get, .args_sizes_get, .environ_get, .environ_sizes_get, .clock_res_get, .random_get, .fd_fdstat_get,
            .fd_fdstat_set_flags, .fd_filestat_get, .fd_prestat_get, .fd_renumber, .fd_tell, .sock_shutdown:
            "ii"
        case .fd_prestat_dir_name, .path_create_directory, .path_remove_directory, .path_unlink_file, .sock_accept:
            "iii"
        case .poll_oneoff, .fd_read, .fd_write: "iiii"
        case .fd_pread, .fd_pwrite, .fd_readdir: "iiiIi"
        case .path_filestat_get, .path_symlink, .sock_send: "iiiii"
        case .path_readlink, .path_rename, .sock_recv: "iiiiii"
        case .path_link: "iiiiiii"
        case .path_filestat_set_times: "iiiiIIi"
        case .path_open: "iiiiiIIii"
        }
    }

    var hasResult: Bool { self != .proc_exit }
}

/// The arguments of a call.
struct CallArguments {
    let values: UnsafeMutablePointer<wasmtime_val_raw_t>

    /// The argument at a place, from 0, when it has 32 bits.
    subscript(place: Int) -> UInt32 { UInt32(bitPattern: Int32(littleEndian: values[place].i32)) }

    /// When it has 64 bits.
    func long(_ place: Int) -> UInt64 { UInt64(bitPattern: Int64(littleEndian: values[place].i64)) }
}

extension WASISystem {
    /// Does what the module asks for, but for `proc_exit`.
    func perform(_ call: WASICall, _ at: CallArguments, _ memory: GuestMemory) throws(WASIError) {
        switch call {
        case .args_get: try put(arguments, memory, list: at[0], bytes: at[1])
        case .args_sizes_get: try putSizes(arguments, memory, count: at[0], bytes: at[1])
        case .environ_get: try put(environment, memory, list: at[0], bytes: at[1])
        case .environ_sizes_get: try putSizes(environment, memory, count: at[0], bytes: at[1])
        case .clock_res_get: try memory.store(UInt64(1), at: at[1])
        case .clock_time_get: try memory.store(try clock.now(at[0], fuelUsed: fuelUsed()), at: at[2])
        case .poll_oneoff: try wait(memory, subscriptions: at[0], events: at[1], count: at[2], happened: at[3])
        case .random_get: random.fill(try memory.region(at[0], at[1]))
        case .sched_yield: break
        case .proc_exit: exitCode = at[0]
        case .proc_raise, .path_link, .path_symlink: throw .notSupported
        case .sock_accept, .sock_recv, .sock_send, .sock_shutdown: throw .notSocket
        case .path_create_directory, .path_filestat_get, .path_filestat_set_times, .path_open, .path_readlink,
            .path_remove_directory, .path_rename, .path_unlink_file:
            try performOnPath(call, at, memory)
        default: try performOnFile(call, at, memory)
        }
    }

    /// Texts that end with zero, and where each begins.
    private func put(_ texts: [[UInt8]], _ memory: GuestMemory, list: UInt32, bytes: UInt32) throws(WASIError) {
        var (entry, place) = (list, bytes)
        for text in texts {
            try memory.store(place, at: entry)
            try memory.region(place, UInt32(text.count)).copyBytes(from: text)
            entry &+= 4
            place &+= UInt32(text.count)
        }
    }

    private func putSizes(_ texts: [[UInt8]], _ memory: GuestMemory, count: UInt32, bytes: UInt32) throws(WASIError) {
        try memory.store(UInt32(texts.count), at: count)
        try memory.store(UInt32(texts.reduce(0) { $0 + $1.count }), at: bytes)
    }

    /// Files are always ready; a wait for a time only moves the module's clock there.
    private func wait(
        _ memory: GuestMemory, subscriptions: UInt32, events: UInt32, count: UInt32, happened: UInt32
    ) throws(WASIError) {
        guard count > 0, count <= 1024 else { throw .invalid }
        var ready: [(user: UInt64, tag: UInt8)] = []
        var soonest: UInt64?
        var clocks: [(user: UInt64, after: UInt64)] = []
        for n in 0..<count {
            let at = subscriptions &+ n * 48
            let (user, tag): (UInt64, UInt8) = (try memory.load(at), try memory.load(at &+ 8))
            guard tag == 0 else {
                ready.append((user, tag))
                continue
            }
            var after: UInt64 = try memory.load(at &+ 24)
            if try memory.load(at &+ 40, as: UInt16.self) & 1 == 1 {
                let now = try clock.now(try memory.load(at &+ 16), fuelUsed: fuelUsed())
                after = after > now ? after - now : 0
            }
            clocks.append((user, after))
            soonest = min(soonest ?? after, after)
        }
        if let soonest, ready.isEmpty {
            clock.sleep(nanoseconds: soonest)
            ready = clocks.filter { $0.after <= soonest }.map { ($0.user, 0) }
        }
        for (n, event) in ready.enumerated() {
            let place = try memory.region(events &+ UInt32(n) * 32, 32)
            place.initializeMemory(as: UInt8.self, repeating: 0)
            place.storeBytes(of: event.user.littleEndian, toByteOffset: 0, as: UInt64.self)
            place.storeBytes(of: event.tag, toByteOffset: 10, as: UInt8.self)
        }
        try memory.store(UInt32(ready.count), at: happened)
    }
}
