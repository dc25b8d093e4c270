import ArgumentParser
import ClientSystem
import Domain
import WorkerHost

struct ReceiptsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "receipts",
        abstract: "Lists the project's signed receipts for results that this host delivered.",
        discussion: """
            With them anybody can show that the project's public ledger lacks a result, or tells of another one:
              millrace-client receipts --export mine
              millrace ledger prove --receipt mine http://millrace.example.org/log --key ledger.vkey
            """
    )

    @Option(help: "Write them into this file instead.")
    var export: String?

    @OptionGroup var project: ProjectOption
    @OptionGroup var data: DataOption

    func run() throws {
        try reporting { () throws(Fault) in
            let folder = try data.pathToRead
            try DataDirectory.mustExist(folder, "no client has run in \(folder) yet")
            let kept = try ReceiptFile.kept(of: project.name, in: folder)
            guard let export else {
                for line in try ReceiptText.lines(kept) { show(line) }
                return
            }
            try Files.replace(export, with: ReceiptText.file(kept))
            SudoCaller.own(export)
            show("\(kept.count) signed replies in \(export)")
        }
    }
}
