import Glibc

/// Calls about what is open.
extension WASISystem {
    func performOnFile(_ call: WASICall, _ at: CallArguments, _ memory: GuestMemory) throws(WASIError) {
        switch call {
        case .fd_advise, .fd_fdstat_set_rights: _ = try file(at[0])
        case .fd_close: try shut(at[0])
        case .fd_datasync, .fd_sync:
            let file = try file(at[0])
            guard file.descriptor <= 2 || fsync(file.descriptor) == 0 else { throw .ofSystem }
        case .fd_fdstat_get: try put(descriptionOf: try file(at[0]), memory, at[1])
        case .fd_fdstat_set_flags: try setFlags(try file(at[0]), UInt16(truncatingIfNeeded: at[1]))
        case .fd_filestat_get: try put(statusOf: try file(at[0]), memory, at[1])
        case .fd_filestat_set_size: try resize(try file(at[0]), to: at.long(1), mayShrink: true)
        case .fd_allocate:
            let (end, tooMuch) = at.long(1).addingReportingOverflow(at.long(2))
            guard !tooMuch else { throw .invalid }
            try resize(try file(at[0]), to: end, mayShrink: false)
        // Files have no times for a module.
        case .fd_filestat_set_times: _ = try file(at[0])
        case .fd_prestat_get:
            try memory.store(UInt32(0), at: at[1])
            try memory.store(UInt32(try givenName(at[0]).utf8.count), at: at[1] &+ 4)
        case .fd_prestat_dir_name:
            let name = Array(try givenName(at[0]).utf8)
            guard name.count <= Int(at[2]) else { throw WASIError(37) }
            try memory.region(at[1], UInt32(name.count)).copyBytes(from: name)
        case .fd_read: try memory.store(try read(at[0], try memory.regions(at[1], at[2]), from: nil), at: at[3])
        case .fd_pread:
            try memory.store(try read(at[0], try memory.regions(at[1], at[2]), from: at.long(3)), at: at[4])
        case .fd_write: try memory.store(try write(at[0], try memory.regions(at[1], at[2]), to: nil), at: at[3])
        case .fd_pwrite:
            try memory.store(try write(at[0], try memory.regions(at[1], at[2]), to: at.long(3)), at: at[4])
        case .fd_readdir:
            try memory.store(
                try list(try folder(at[0]), into: try memory.region(at[1], at[2]), from: at.long(3)), at: at[4])
        case .fd_renumber: try renumber(at[0], as: at[1])
        case .fd_seek: try memory.store(try seek(at[0], by: Int64(bitPattern: at.long(1)), from: at[2]), at: at[3])
        case .fd_tell: try memory.store(try seek(at[0], by: 0, from: 1), at: at[1])
        default: throw .notSupported
        }
    }

    private func shut(_ number: UInt32) throws(WASIError) {
        _ = try file(number)
        files[Int(number)] = nil
    }

    private func renumber(_ from: UInt32, as to: UInt32) throws(WASIError) {
        let file = try file(from)
        _ = try self.file(to)
        guard from != to else { return }
        files[Int(to)] = file
        files[Int(from)] = nil
    }

    /// What a folder that it was started with is called.
    private func givenName(_ number: UInt32) throws(WASIError) -> String {
        guard case .folder(let name?) = try file(number).kind else { throw .badDescriptor }
        return name
    }

    private func put(descriptionOf file: OpenFile, _ memory: GuestMemory, _ at: UInt32) throws(WASIError) {
        let all: UInt64 = (1 << 30) - 1
        let seeks: UInt64 = 1 << 2 | 1 << 5
        let (kind, rights): (UInt8, UInt64) =
            switch file.kind {
            case .nothing, .stream: (FileKind.unknown, all & ~seeks)
            case .file: (FileKind.regular, all)
            case .folder: (FileKind.folder, all)
            }
        let place = try memory.region(at, 24)
        place.initializeMemory(as: UInt8.self, repeating: 0)
        place.storeBytes(of: kind, as: UInt8.self)
        try memory.store(file.flags, at: at &+ 2)
        try memory.store(rights, at: at &+ 8)
        try memory.store(rights, at: at &+ 16)
    }

    /// Only whether writing appends can change.
    private func setFlags(_ file: OpenFile, _ flags: UInt16) throws(WASIError) {
        guard case .file = file.kind else { throw .notSupported }
        let now = fcntl(file.descriptor, F_GETFL)
        let wanted = flags & 1 == 1 ? now | O_APPEND : now & ~O_APPEND
        guard now >= 0, fcntl(file.descriptor, F_SETFL, wanted) == 0 else { throw .ofSystem }
        file.flags = flags
    }

    private func put(statusOf file: OpenFile, _ memory: GuestMemory, _ at: UInt32) throws(WASIError) {
        switch file.kind {
        case .nothing, .stream: try put(kind: FileKind.unknown, size: 0, path: file.path, memory, at)
        case .folder: try put(kind: FileKind.folder, size: 0, path: file.path, memory, at)
        case .file:
            var status = stat()
            guard fstat(file.descriptor, &status) == 0 else { throw .ofSystem }
            try put(kind: FileKind.regular, size: UInt64(status.st_size), path: file.path, memory, at)
        }
    }

    /// What is the same on every computer: kind, size of a file, a number from its path; no times.
    func put(kind: UInt8, size: UInt64, path: String, _ memory: GuestMemory, _ at: UInt32) throws(WASIError) {
        try memory.region(at, 64).initializeMemory(as: UInt8.self, repeating: 0)
        try memory.store(UInt64(1), at: at)
        try memory.store(ModuleRandom.sum(path) | 1, at: at &+ 8)
        try memory.store(kind, at: at &+ 16)
        try memory.store(UInt64(1), at: at &+ 24)
        try memory.store(size, at: at &+ 32)
    }

    private func resize(_ file: OpenFile, to size: UInt64, mayShrink: Bool) throws(WASIError) {
        guard case .file = file.kind, file.isWritable else { throw .notCapable }
        guard let size = off_t(exactly: size) else { throw WASIError(22) }
        var status = stat()
        guard fstat(file.descriptor, &status) == 0 else { throw .ofSystem }
        guard mayShrink || size > status.st_size else { return }
        guard ftruncate(file.descriptor, size) == 0 else { throw .ofSystem }
    }

    /// Reads until the regions are full or the file ends.
    ///
    /// - Parameter offset: nil: where the last reading or writing ended.
    /// - Returns: bytes.
    private func read(
        _ number: UInt32, _ regions: [UnsafeMutableRawBufferPointer], from offset: UInt64?
    ) throws(WASIError) -> UInt32 {
        let file = try file(number)
        switch file.kind {
        case .nothing: return 0
        case .stream: throw .badDescriptor
        case .folder: throw .isDirectory
        case .file: break
        }
        return try transfer(regions, offset) { bytes, place in
            place.map { pread(file.descriptor, bytes.baseAddress, bytes.count, $0) }
                ?? Glibc.read(file.descriptor, bytes.baseAddress, bytes.count)
        }
    }

    private func write(
        _ number: UInt32, _ regions: [UnsafeMutableRawBufferPointer], to offset: UInt64?
    ) throws(WASIError) -> UInt32 {
        let file = try file(number)
        switch file.kind {
        case .nothing: throw .badDescriptor
        case .folder: throw .isDirectory
        case .stream where offset != nil: throw .seekOfPipe
        case .stream: break
        case .file: guard file.isWritable else { throw .badDescriptor }
        }
        return try transfer(regions, offset) { bytes, place in
            place.map { pwrite(file.descriptor, bytes.baseAddress, bytes.count, $0) }
                ?? Glibc.write(file.descriptor, bytes.baseAddress, bytes.count)
        }
    }

    /// Repeats a call of the system until all is done, or there is no more.
    private func transfer(
        _ regions: [UnsafeMutableRawBufferPointer], _ offset: UInt64?,
        _ call: (UnsafeMutableRawBufferPointer, off_t?) -> Int
    ) throws(WASIError) -> UInt32 {
        let start = offset.map { off_t(exactly: $0) }
        if case .some(nil) = start { throw .invalid }
        var total = 0
        for region in regions {
            var rest = region[...]
            while !rest.isEmpty {
                let place = start.flatMap { $0 }.map { $0 &+ off_t(total) }
                let count = call(UnsafeMutableRawBufferPointer(rebasing: rest), place)
                if count < 0 && errno == EINTR { continue }
                guard count >= 0 else { throw .ofSystem }
                guard count > 0 else { return UInt32(total) }
                total += count
                rest = rest.dropFirst(count)
            }
        }
        return UInt32(total)
    }

    private func seek(_ number: UInt32, by offset: Int64, from whence: UInt32) throws(WASIError) -> UInt64 {
        let file = try file(number)
        guard case .file = file.kind else { throw .seekOfPipe }
        guard whence <= 2 else { throw .invalid }
        let place = lseek(file.descriptor, off_t(offset), [SEEK_SET, SEEK_CUR, SEEK_END][Int(whence)])
        guard place >= 0 else { throw .ofSystem }
        return UInt64(place)
    }

    /// Entries from a place on, as many as there is room for; the last may be cut, as the specification has it.
    private func list(
        _ folder: OpenFile, into room: UnsafeMutableRawBufferPointer, from cookie: UInt64
    ) throws(WASIError) -> UInt32 {
        var entries = [(name: ".", kind: FileKind.folder), (name: "..", kind: FileKind.folder)]
        // The same entries at the same places as long as it does not begin anew.
        entries += try folder.entries(fromStart: cookie == 0) { !isHidden(folder.path(of: $0)) }
        var used = 0
        for (at, entry) in entries.enumerated().dropFirst(Int(min(cookie, UInt64(entries.count)))) {
            let name = Array(entry.name.utf8)
            var record = [UInt8](repeating: 0, count: 24)
            let next = UInt64(at + 1)
            let number = ModuleRandom.sum(folder.path(of: entry.name)) | 1
            for n in 0..<8 {
                record[n] = UInt8(truncatingIfNeeded: next >> (8 * UInt64(n)))
                record[8 + n] = UInt8(truncatingIfNeeded: number >> (8 * UInt64(n)))
            }
            for n in 0..<4 { record[16 + n] = UInt8(truncatingIfNeeded: name.count >> (8 * n)) }
            record[20] = entry.kind
            let bytes = (record + name).prefix(room.count - used)
            UnsafeMutableRawBufferPointer(rebasing: room[used...]).copyBytes(from: bytes)
            used += bytes.count
            if used == room.count { break }
        }
        return UInt32(used)
    }
}
