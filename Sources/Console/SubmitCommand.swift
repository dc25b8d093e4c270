import Domain
import Wire
import WorkerHost

/// `millrace submit [PATH]`: lint, pack, upload what the server does not have yet, submit.
public struct SubmitCommand: Sendable {
    private let path: String
    private let catalogue: AppCatalogue
    private let client: ServerClient

    public init(path: String, catalogue: AppCatalogue, client: ServerClient) {
        self.path = path
        self.catalogue = catalogue
        self.client = client
    }

    public func run(_ context: CommandContext) throws(Fault) -> Int32 {
        let project = try CheckedProject.open(path, catalogue, context)
        if client.isExposed {
            context.remark("warning: the token travels unencrypted to \(client.url); use https")
        }
        let reply = try ScratchFolder.with { (scratch) throws(Fault) -> WireSubmitReply in
            let packed = try PackedProject.pack(project, into: scratch.path, context)
            for input in packed.inputs { try upload(input, context) }
            var request = WireSubmitRequest()
            request.manifest = project.folder.manifest
            request.inputs = packed.inputs.map { WireInputRef($0.reference) }
            return try submit(request)
        }
        let json = JSONValue.members([
            ("batch", .unsigned(reply.batchID)), ("project", .text(reply.project)), ("server", .text(client.url)),
        ])
        context.answer(
            json,
            text: """
                Batch \(reply.batchID) of \(Printable.clean(reply.project)) is submitted.
                  millrace status \(reply.batchID) --watch    how it goes
                  millrace results \(reply.batchID)           the answer, when it is finished
                  millrace cancel \(reply.batchID)            end it

                """)
        return 0
    }

    private func upload(_ input: PackedProject.Input, _ context: CommandContext) throws(Fault) {
        var block = LiveBlock()
        let size = input.reference.size
        let screen = context.screen
        let isLive = screen.isErrorLive && !context.asJSON
        try client.upload(input.reference, from: input.path) { there in
            guard isLive, size > 0 else { return }
            let parts = ["\(Amounts.bytes(there)) of \(input.reference.name)"]
            let line = StatusLine.text(
                Double(there) / Double(size), parts: parts, width: screen.width - 1, unicode: screen.isUnicode)
            screen.warn(block.redraw([line], width: screen.width))
        }
        if isLive { screen.warn(block.erase(width: screen.width)) }
        context.remark("uploaded \(input.reference.name): \(Amounts.bytes(size))")
    }

    /// A broken connection leaves it open whether the batch was made: then a person must look.
    private func submit(_ request: WireSubmitRequest) throws(Fault) -> WireSubmitReply {
        do throws(Fault) {
            return try client.submit(request)
        } catch {
            guard error.kind == .interrupted, !error.message.contains("disk") else { throw error }
            throw Fault(
                .interrupted, error.message,
                advice: "The batch may have been made: look with `millrace status` before you submit again.")
        }
    }
}
