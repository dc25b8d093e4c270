import ClientSystem
import Domain
import Glibc
import Transparency
import WorkerHost

/// The public files of a ledger: a folder, or an address under which such a folder is served.
public struct LedgerFiles: TileReader, Sendable {
    /// As it was given, without slashes at the end.
    let place: String
    private let transport: HTTPTransport?
    private let pause: any Pause
    private let notice: @Sendable (String) -> Void

    /// Seconds to wait before each new attempt after a broken connection.
    private static let retrySeconds = [0.3, 1.0, 3.0]

    /// - Parameter place: a folder, or what begins with `http://` or `https://`.
    /// - Parameter notice: where to say that a file is asked for again.
    /// - Throws: `.noInput` for a folder that is not there.
    public init(
        _ place: String, pause: any Pause = SystemPause(), notice: @escaping @Sendable (String) -> Void = { _ in }
    ) throws(Fault) {
        self.place = ProjectFolder.trimmed(place)
        self.pause = pause
        self.notice = notice
        let lowered = place.lowercased()
        if lowered.hasPrefix("http://") || lowered.hasPrefix("https://") {
            transport = HTTPTransport(userAgent: "millrace")
            return
        }
        transport = nil
        var status = stat()
        guard stat(self.place, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            throw Fault(
                .noInput, "\(Printable.clean(place)) is no folder",
                advice: "Name the folder in which the ledger's `checkpoint` lies, or an http address of it.")
        }
    }

    public func read(_ path: String) throws(Fault) -> [UInt8]? {
        guard let transport else {
            let file = "\(place)/\(path)"
            guard Files.exists(file) else { return nil }
            return try Files.read(file, limit: LogLimits.fileBytesMax)
        }
        for seconds in Self.retrySeconds {
            do throws(Fault) { return try fetch(path, transport) } catch {
                guard error.kind == .interrupted else { throw error }
                notice("\(Printable.clean(error.message)); trying again in \(Amounts.seconds(seconds))")
            }
            pause.wait(seconds: seconds)
        }
        return try fetch(path, transport)
    }

    private func fetch(_ path: String, _ transport: HTTPTransport) throws(Fault) -> [UInt8]? {
        let url = "\(place)/\(path)"
        let answer = try transport.perform(
            HTTPRequest(method: "GET", url: url, responseBytesMax: LogLimits.fileBytesMax))
        switch answer.status {
        case 200 where answer.mediaType != "text/html": return answer.body
        case 404, 410: return nil
        case 429, 500...599: throw Fault(.interrupted, "\(url) answers with status \(answer.status)")
        default:
            throw Fault(
                .protocolError, "\(url) answers with status \(answer.status) and \(Printable.clean(answer.mediaType))",
                advice: "Is this the address of a ledger's files?")
        }
    }

    /// The checkpoint, signed by the log's key.
    func checkpoint(_ key: NoteKey) throws(Fault) -> SignedCheckpoint {
        guard let bytes = try read(TilePath.checkpoint) else {
            throw Fault(
                .noInput, "\(Printable.clean(place)) has no file named checkpoint",
                advice: "Name the folder, or the address, in which the ledger's `checkpoint` lies.")
        }
        do throws(NoteRefusal) { return try SignedCheckpoint(bytes, key: key) } catch {
            throw Fault(.negative, "the checkpoint is refused: \(Printable.clean("\(error)"))")
        }
    }
}

/// The files with one checkpoint: a ledger that grows meanwhile does not give two.
struct FrozenLedger: TileReader {
    let files: LedgerFiles
    let checkpoint: SignedCheckpoint

    func read(_ path: String) throws(Fault) -> [UInt8]? {
        path == TilePath.checkpoint ? checkpoint.note.bytes : try files.read(path)
    }
}

/// Keys as they are given on the command line.
enum LedgerKeys {
    /// - Parameter text: a verifier key, or a file that holds one.
    static func verifier(_ text: String) throws(Fault) -> NoteKey {
        do throws(NoteRefusal) { return try NoteKey(text: text) } catch {
            guard Files.exists(text) else { throw Fault(.usage, "--key: \(error)", advice: advice) }
        }
        let bytes = try Files.read(text, limit: 4096)
        do throws(NoteRefusal) { return try NoteKey(text: line(bytes)) } catch {
            throw Fault(.badData, "\(Printable.clean(text)): \(error)", advice: advice)
        }
    }

    private static let advice = "A key looks like NAME+KEYID+BASE64; the ledger's admin publishes it."

    /// - Parameter path: a file that `millrace ledger keygen` wrote.
    static func signer(_ path: String) throws(Fault) -> NoteSigner {
        let bytes = try Files.read(path, limit: 4096)
        do throws(NoteRefusal) { return try NoteSigner(text: line(bytes)) } catch {
            throw Fault(
                .badData, "\(Printable.clean(path)): \(error)", advice: "`millrace ledger keygen` makes such a file.")
        }
    }

    private static func line(_ bytes: [UInt8]) -> String {
        String(decoding: bytes.last == 0x0A ? bytes.dropLast() : bytes[...], as: UTF8.self)
    }

    /// A checkpoint in a file, for `--since`.
    static func checkpoint(_ path: String, _ key: NoteKey) throws(Fault) -> SignedCheckpoint {
        let bytes = try Files.read(path, limit: LogLimits.noteBytesMax)
        do throws(NoteRefusal) { return try SignedCheckpoint(bytes, key: key) } catch {
            throw Fault(.badData, "\(Printable.clean(path)): \(Printable.clean("\(error)"))")
        }
    }

    /// Writes a file that is not there yet. - Throws: `.cannotWrite` when one with other content is.
    static func writeNew(_ path: String, _ bytes: [UInt8], mode: mode_t = 0o644) throws(Fault) {
        if Files.exists(path) {
            if (try? Files.read(path, limit: bytes.count)) == bytes { return }
            throw Fault(
                .cannotWrite, "\(Printable.clean(path)) exists with other content, and is not overwritten",
                advice: "Name another file, or move that one away.")
        }
        try Files.replace(path, with: bytes, mode: mode)
    }
}
