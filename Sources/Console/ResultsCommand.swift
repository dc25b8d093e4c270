import Domain
import Glibc
import Wire
import WorkerHost

/// `millrace results BATCH [--out DIR]`.
public struct ResultsCommand: Sendable {
    private let client: ServerClient
    private let batch: UInt64
    private let folder: String

    /// - Parameter out: nil: `results-BATCH`.
    public init(client: ServerClient, batch: UInt64, out: String?) {
        self.client = client
        self.batch = batch
        folder = out.map(ProjectFolder.trimmed) ?? "results-\(batch)"
    }

    public func run(_ context: CommandContext) throws(Fault) -> Int32 {
        let status = try client.batch(batch)
        guard status.state == "finished" else {
            let view = BatchView(status)
            throw Fault(
                .negative, "batch \(batch) has no answer: it is \(view.stateText)",
                advice: view.isOver ? nil : "Wait for it: millrace status \(batch) --watch")
        }
        for name in status.resultFiles where !Self.isPlain(name) {
            throw Fault(.protocolError, "the server names a file \(Printable.clean(name)), which is no plain file name")
        }
        try OutputFolder.make(folder)
        var files: [(path: String, bytes: Int)] = []
        var summary = ""
        for name in status.resultFiles {
            let bytes = try client.resultFile(name, of: batch)
            let path = "\(folder)/\(name)"
            try write(bytes, to: path)
            if name == "summary.txt" { summary = Self.summary(bytes) }
            files.append((path, bytes.count))
        }
        context.answer(Self.json(batch, files, summary), text: Self.text(files, summary))
        return 0
    }

    /// Leaves a file of the same content alone. - Throws: `.cannotWrite` for one with other content: it may be edited.
    private func write(_ bytes: [UInt8], to path: String) throws(Fault) {
        var status = stat()
        if lstat(path, &status) == 0 {
            let isSame =
                status.st_mode & S_IFMT == S_IFREG && Int(status.st_size) == bytes.count
                && (try? Files.read(path, limit: bytes.count)) == bytes
            guard !isSame else { return }
            throw Fault(
                .cannotWrite, "\(Printable.clean(path)) exists with other content, and is not overwritten",
                advice: "Name another folder with --out, or move the file away.")
        }
        try Files.replace(path, with: bytes)
    }

    /// A file name that cannot leave the folder, and that no shell or terminal stumbles over.
    static func isPlain(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.count <= 255 && !name.hasPrefix(".") && !name.contains("/")
            && name.utf8.allSatisfy { $0 >= 32 && $0 != 127 }
    }

    private static func summary(_ bytes: [UInt8]) -> String {
        let lines = String(decoding: bytes.prefix(64 * 1024), as: UTF8.self).split(separator: "\n")
        return lines.map { Printable.clean(String($0)) }.joined(separator: "\n")
    }

    private static func text(_ files: [(path: String, bytes: Int)], _ summary: String) -> String {
        var text = files.map { "\(Printable.clean($0.path))  \(Amounts.bytes(Int64($0.bytes)))\n" }.joined()
        if files.isEmpty { text = "The answer has no files.\n" }
        return summary.isEmpty ? text : text + "\n" + summary + "\n"
    }

    private static func json(_ batch: UInt64, _ files: [(path: String, bytes: Int)], _ summary: String) -> JSONValue {
        .members([
            ("batch", .unsigned(batch)),
            (
                "files",
                .list(files.map { .members([("path", .text($0.path)), ("bytes", .integer(Int64($0.bytes)))]) })
            ),
            ("summary", .list(summary.split(separator: "\n").map { .text(String($0)) })),
        ])
    }
}

/// `millrace cancel BATCH`.
public struct CancelCommand: Sendable {
    private let client: ServerClient
    private let batch: UInt64

    public init(client: ServerClient, batch: UInt64) {
        self.client = client
        self.batch = batch
    }

    /// - Throws: `.negative` for a batch that has ended. It is asked before: for the server a second cancel is the
    ///   first one repeated, after an answer that was lost.
    public func run(_ context: CommandContext) throws(Fault) -> Int32 {
        let before = BatchView(try client.batch(batch))
        guard !before.isOver else {
            throw Fault(.negative, "batch \(batch) has ended already: it is \(before.stateText)")
        }
        let view = BatchView(try client.cancel(batch))
        context.answer(
            view.json,
            text: "Batch \(batch) is \(view.stateText): \(view.status.unitsValidated) of \(view.status.unitsTotal) "
                + "units were validated and keep their credit.\n")
        return 0
    }
}
