import Bytes
import ClientCore
import Domain
import FoundationEssentials
import Glibc
import SwiftProtobuf
import Wire
import WorkerHost

/// Everything that a server holds of a volunteer, and what this computer's folder holds, as one JSON file.
///
/// `docs/volunteer.md` describes it. Pages of the server are written as they come.
public enum VolunteerExport {
    /// Of the file's content.
    public static let version: Int64 = 1
    package static let bytesMax = 8 << 30
    /// A page that has to wait its turn is asked for again; so often at most, one after the other.
    private static let waitsMax = 100

    /// - Parameter file: written whole or not at all; what was there is replaced.
    /// - Parameter folder: the project's.
    /// - Parameter data: the client's folder, for the preferences.
    /// - Parameter say: told of each section that is complete.
    /// - Throws: `.configuration` when the host is attached nowhere; `.negative` when another host manages the account;
    ///   `.cannotWrite`; what the transport throws.
    public static func write(
        _ file: String, folder: String, data: String, say: (String) -> Void = { _ in }
    ) throws(Fault) {
        let (identity, key) = try ProjectDirectory.credentials(in: folder)
        let link = ServerLink(
            transport: HTTPTransport(userAgent: "millrace-client/\(HostInventory.clientVersion)"),
            serverURL: identity.serverURL)
        let json = try JSONFile(path: file, bytesMax: bytesMax)
        try json.begin("{")
        try json.add("millrace-export", name: "schema")
        try json.add(version, name: "version")
        try json.add(Int64(time(nil)) * 1000, name: "made_ms")
        try json.begin("{", name: "server")
        try json.add(identity.serverURL, name: "address")
        try json.add(identity.site, name: "site")
        var pages = Pages(link: link, identity: identity, key: key)
        say("account: \(try pages.account(json))")
        say("hosts: \(try pages.rows("hosts", .exportHosts, json) { $0.hosts.map { $0 } })")
        say("tasks: \(try pages.rows("tasks", .exportTasks, json) { $0.tasks.map { $0 } })")
        say("credit entries: \(try pages.rows("credit", .exportCredit, json) { $0.credit.map { $0 } })")
        try json.end("}")
        try json.begin("{", name: "local")
        try addLocal(folder, data, json)
        try json.end("}")
        try json.end("}")
        try json.finish()
    }

    /// Asks for pages, each once.
    private struct Pages {
        let link: ServerLink
        let identity: ClientState.Attachment
        let key: SigningKey
        var sequence: Int64 = 0

        mutating func account(_ json: JSONFile) throws(Fault) -> Int {
            let page = try page(.exportAccount, after: 0)
            guard page.account.volunteerID > 0 else {
                throw CurlFailure.notMillrace(identity.serverURL, "the export names no volunteer")
            }
            try json.add(Int64(page.schemaVersion), name: "schema_version")
            try json.add(json: try VolunteerExport.json(page.account), name: "account")
            return 1
        }

        mutating func rows(
            _ name: String, _ section: WireExportSection, _ json: JSONFile,
            _ rows: (WireExportReply) -> [any SwiftProtobuf.Message]
        ) throws(Fault) -> Int {
            try json.begin("[", name: name)
            var count = 0
            var after: UInt64 = 0
            repeat {
                let page = try page(section, after: after)
                for row in rows(page) { try json.add(json: try VolunteerExport.json(row)) }
                count += rows(page).count
                guard page.next == 0 || page.next > after else {
                    throw CurlFailure.notMillrace(identity.serverURL, "the export goes in a circle")
                }
                after = page.next
            } while after > 0
            try json.end("]")
            return count
        }

        private mutating func page(_ section: WireExportSection, after: UInt64) throws(Fault) -> WireExportReply {
            for _ in 0..<VolunteerExport.waitsMax {
                do throws(Fault) {
                    let page = try link.export(section, after: after, host: identity.host, key: key, &sequence)
                    guard page.schemaVersion == 1 else {
                        throw Fault(
                            .protocolError, "the export has schema version \(page.schemaVersion), this client knows 1",
                            advice: "Install a newer client.")
                    }
                    return page
                } catch {
                    // The server bounds how fast pages are given out.
                    guard error.kind == .interrupted, let seconds = error.retryAfterSeconds else { throw error }
                    usleep(UInt32(min(max(seconds, 0.2), 60) * 1_000_000))
                }
            }
            throw Fault(.interrupted, "the server has too much to do", advice: "Run the command again later.")
        }
    }

    private static func json(_ message: any SwiftProtobuf.Message) throws(Fault) -> [UInt8] {
        var options = JSONEncodingOptions()
        options.preserveProtoFieldNames = true
        options.alwaysPrintInt64sAsNumbers = true
        options.useDeterministicOrdering = true
        guard let bytes: [UInt8] = try? message.jsonUTF8Bytes(options: options) else {
            throw Fault(.software, "a row of the export cannot be encoded")
        }
        return bytes
    }

    // MARK: This computer

    /// All but the private key and upload tickets, which let others act as this host.
    private static func addLocal(_ folder: String, _ data: String, _ json: JSONFile) throws(Fault) {
        let identity = try ProjectDirectory.credentials(in: folder).identity
        try json.add(folder, name: "folder")
        try json.begin("{", name: "identity")
        try json.add(identity.serverURL, name: "server")
        try json.add(identity.site, name: "site")
        try json.add(Hex.encode(identity.projectKey), name: "project_key")
        try json.add(identity.host.rawValue, name: "host_id")
        try json.add(identity.volunteerName, name: "volunteer_name")
        try json.end("}")
        try json.begin("[", name: "tasks")
        let state = try? StateFile.decode(try Files.read("\(folder)/state", limit: StateFile.bytesMax))
        for task in state?.tasks ?? [] {
            try json.begin("{")
            try json.add(task.id.rawValue, name: "task_id")
            try json.add(task.offer.project, name: "project")
            try json.add(task.unit?.label ?? "", name: "label")
            try json.add(task.stage.isOver ? "over" : "open", name: "stage")
            try json.add(task.offer.deadline.milliseconds, name: "deadline_ms")
            try json.add(Int64(task.used.cpuSeconds), name: "cpu_seconds")
            try json.end("}")
        }
        try json.end("]")
        let preferences = try? Files.read("\(data)/preferences.yaml", limit: 1 << 20)
        try json.add(String(decoding: preferences ?? [], as: UTF8.self), name: "preferences")
        if let book = (try? HistoryFile(folder: folder).read()) ?? nil {
            try json.add(json: try HistoryCode.json(book), name: "history")
        }
        try json.begin("[", name: "receipts")
        for receipts in try ReceiptFile(folder: folder).read() { try json.add(receipts.line) }
        try json.end("]")
    }
}
