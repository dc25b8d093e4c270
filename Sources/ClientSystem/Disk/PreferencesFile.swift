import CPosix
import Domain
import Glibc
import Preferences
import WorkerHost

/// The owner's file of preferences. A bad one is refused and the last good one stays in force, also after a restart: a
/// copy of it is kept. Without a file the preset `standard` holds.
public struct PreferencesFile {
    public let path: String
    /// Where the last good file is kept.
    private let copy: String
    private let keepsCopy: Bool
    /// Of the command line.
    public let options: [PreferenceOption]

    public private(set) var effective: EffectivePreferences
    /// What is wrong with the file, every fault with line and column; empty: nothing, or there is none.
    public private(set) var problems: [String] = []
    /// Whether the copy is in force, and not the file.
    public private(set) var usesCopy = false
    /// What is still to be done with the copy after a `look`; see `takeCopyWork`.
    private var copyWork: CopyWork?

    private enum CopyWork: Sendable {
        case keep([UInt8])
        case drop
    }

    /// Of the file that was read last; nil: there was none.
    private var read: Stamp?
    /// Of the file at the last look.
    private var seen: Stamp?

    /// What tells one state of a file from another.
    private struct Stamp: Hashable {
        var inode: UInt64
        var bytes: Int64
        var seconds: Int64
        var nanoseconds: Int64

        /// - Returns: nil: there is no file. One that cannot be looked at, on a disk that is gone or in a folder that
        ///   is closed, was not removed: its stamp is none of a file.
        init?(_ path: String) {
            var status = stat()
            guard stat(path, &status) == 0 else {
                guard errno != ENOENT, errno != ENOTDIR else { return nil }
                (inode, bytes, seconds, nanoseconds) = (0, -1, 0, Int64(errno))
                return
            }
            inode = UInt64(status.st_ino)
            bytes = Int64(status.st_size)
            seconds = Int64(status.st_mtim.tv_sec)
            nanoseconds = Int64(status.st_mtim.tv_nsec)
        }
    }

    /// The file's name in a client's folder.
    public static let name = "preferences.yaml"
    private static let copyName = "preferences.good.yaml"

    /// Reads the file.
    ///
    /// - Parameter folder: the client's; the copy is kept there.
    /// - Parameter path: the file; nil: the one in the folder.
    /// - Parameter options: of the command line.
    /// - Parameter keepsCopy: false for a look beside a running client.
    /// - Throws: `.usage` for an option that is no value; a bad file is no error here.
    public init(
        folder: String, path: String? = nil, options: [PreferenceOption] = [], keepsCopy: Bool = true
    ) throws(Fault) {
        self.path = path ?? "\(folder)/\(Self.name)"
        copy = "\(folder)/\(Self.copyName)"
        self.keepsCopy = keepsCopy
        self.options = options
        effective = try EffectivePreferences(written: nil, options: options)
        read = Stamp(self.path)
        seen = read
        takeIn(isStart: true)
    }

    /// Looks whether the file has changed; reads it when it is the same at two looks, so that one that is just being
    /// written is not believed half.
    ///
    /// - Returns: whether it was read anew: `effective` and `problems` may be others.
    public mutating func look() -> Bool {
        let stamp = Stamp(path)
        defer { seen = stamp }
        guard stamp != read, stamp == seen else { return false }
        read = stamp
        takeIn(isStart: false)
        return true
    }

    /// What a `look` has left to do with the copy: to be done on a thread that may wait for a disk, in order.
    ///
    /// - Returns: says what went wrong, or nil; nil: there is nothing to do.
    package mutating func takeCopyWork() -> (@Sendable () -> String?)? {
        guard keepsCopy, let work = copyWork else { return nil }
        copyWork = nil
        return { [copy] in Self.perform(work, copy) }
    }

    /// Every fault of a file's text.
    ///
    /// - Throws: `.noInput` when it is not there, `.osError` when it may not be read.
    public static func check(_ path: String) throws(Fault) -> [TextFault] {
        if case .failure(let faults) = try parse(path) { return faults.list }
        return []
    }

    private struct Faults: Error { var list: [TextFault] }

    private static func parse(_ path: String) throws(Fault) -> Result<(WrittenPreferences, [UInt8]), Faults> {
        func refused(_ message: String, _ expected: String) -> Result<(WrittenPreferences, [UInt8]), Faults> {
            .failure(Faults(list: [TextFault(file: path, line: 1, column: 1, message: message, expected: expected)]))
        }
        let bytes: [UInt8]
        do throws(Fault) { bytes = try Files.read(path, limit: PreferencesParser.bytesMax) } catch {
            guard error.kind == .badData else { throw error }
            return refused("the file is too large", "at most \(PreferencesParser.bytesMax) bytes")
        }
        var status = stat()
        if stat(path, &status) == 0, status.st_mode & 0o002 != 0 {
            // It may name a program, which then runs as this user.
            return refused("everybody may write into this file", "a file of your own: chmod o-w")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            return refused("the file is no text in UTF-8", "printable text in UTF-8")
        }
        return switch PreferencesParser.parse(text, file: path) {
        case .success(let written): .success((written, bytes))
        case .faults(let faults): .failure(Faults(list: faults))
        }
    }

    private mutating func takeIn(isStart: Bool) {
        problems = []
        guard read != nil else {
            // Removed on purpose: what it said must not come back with a later bad file.
            tend(.drop, isStart)
            usesCopy = false
            return use(nil)
        }
        let outcome: Result<(WrittenPreferences, [UInt8]), Faults>
        do throws(Fault) { outcome = try Self.parse(path) } catch {
            outcome = .failure(
                Faults(list: [TextFault(file: path, line: 1, column: 1, message: error.message)]))
        }
        switch outcome {
        case .success(let (written, bytes)):
            usesCopy = false
            use(written)
            tend(.keep(bytes), isStart)
        case .failure(let faults):
            problems = faults.list.map(\.text)
            if isStart { useCopy() }
        }
    }

    private mutating func useCopy() {
        guard Files.exists(copy) else { return }
        if case .success(let (written, _))? = try? Self.parse(copy) {
            usesCopy = true
            return use(written)
        }
        let aside = keepsCopy ? (try? ProjectNames.setAside(copy)).map { ", and was set aside as \($0)" } : nil
        problems.append("\(copy), the last good one, cannot be read either\(aside ?? ""): the preset's values hold")
    }

    private mutating func use(_ written: WrittenPreferences?) {
        // The options were right when the first of these was made.
        if let new = try? EffectivePreferences(written: written, options: options) { effective = new }
    }

    /// At the start at once: nobody waits for anything else yet.
    private mutating func tend(_ work: CopyWork, _ isStart: Bool) {
        guard keepsCopy else { return }
        guard isStart else {
            copyWork = work
            return
        }
        if let trouble = Self.perform(work, copy) { problems = [trouble] }
    }

    /// Without the copy a restart with a bad file would fall back to the preset: said, and no more.
    private static func perform(_ work: CopyWork, _ copy: String) -> String? {
        switch work {
        case .drop: unlink(copy)
        case .keep(let bytes):
            if let there = try? Files.read(copy, limit: PreferencesParser.bytesMax), there == bytes { return nil }
            do throws(Fault) { try Files.replace(copy, with: bytes, mode: 0o600) } catch {
                return "the file is in force, but no copy of it could be kept: \(error.message)"
            }
        }
        return nil
    }
}
