import ClientCore
import Domain

/// The local page of the running client.
extension ClientLoop {
    /// Opens it where it is not open.
    ///
    /// - Returns: an address that is good once.
    func openPage() throws(Fault) -> ControlReply {
        let open: PageServer
        if let page, !page.isOver {
            open = page
        } else {
            let mailbox = self.mailbox
            open = try PageServer(folder: directory.path) { mailbox.post(.asked($0, $1)) }
            page = open
        }
        var reply = ControlReply(done: "the page is open; it closes an hour after the last look")
        reply.page = open.invite()
        return reply
    }

    func preferencesReply() -> ControlReply {
        var reply = ControlReply(done: nil)
        reply.preferences = preferences.rows.map {
            ControlReply.Preference(field: $0.path, value: $0.value, origin: $0.origin)
        }
        return reply
    }
}
