import ArgumentParser
import Console
import Domain

struct Ledger: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check the public ledger: with its public files and its key, trusting nobody.",
        discussion: """
            Example:
              millrace ledger verify http://127.0.0.1:8080/ledger --key ledger.vkey
            """,
        subcommands: [
            LedgerVerify.self, LedgerProve.self, LedgerCheck.self, LedgerEvidence.self, LedgerKeygen.self,
        ])
}

/// What all need.
struct LedgerKeyOption: ParsableArguments {
    @Option(name: .long, help: "The ledger's public key, NAME+KEYID+BASE64, or a file that holds it.")
    var key: String
}

struct LedgerVerify: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Recompute the whole ledger, and name the first leaf that was changed.",
        discussion: """
            Exit code 1 when anything is wrong. With --since, a rollback and a rewritten past are found as well; keep
            the checkpoint with --save for the next time.

            Example:
              millrace ledger verify copy-of-ledger --key ledger.vkey --since seen --save seen
            """)

    @Argument(help: "The folder with the file `checkpoint`, or its http address.")
    var place: String
    @OptionGroup var ledger: LedgerKeyOption
    @Option(name: .long, help: "A checkpoint of an earlier day.")
    var since: String?
    @Option(name: .long, help: "Where to keep the checkpoint when all is well; may be the file of --since.")
    var save: String?
    @Option(name: .long, help: "Where to write what convicts the ledger, if anything does.")
    var evidence: String?
    @OptionGroup var output: OutputOptions

    func run() throws {
        try output.finish { (context) throws(Fault) in
            try LedgerVerifyCommand(
                place: place, key: ledger.key, since: since, save: save, evidence: evidence
            ).run(context)
        }
    }
}

struct LedgerProve: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prove",
        abstract: "Write proofs, one small file each, that the ledger has the entries of a task.",
        discussion: """
            The files stand for themselves: `millrace ledger check` verifies one years later, without the ledger.
            With --receipt, each receipt that `millrace-client receipts --export` wrote is looked for: it is included,
            not yet there, or missing; what convicts the ledger is written. Exit code 1 when one is missing.

            Example:
              millrace ledger prove 1.25#0 http://127.0.0.1:8080/log --key ledger.vkey --out proofs
              millrace ledger prove --receipt mine http://127.0.0.1:8080/log --key ledger.vkey
            """)

    @Argument(help: "BATCH.UNIT#TASK as in the reports, or BATCH.UNIT for all tasks of a unit; not with --receipt.")
    var task: String?
    @Argument(help: "The folder with the file `checkpoint`, or its http address.")
    var place: String?
    @OptionGroup var ledger: LedgerKeyOption
    @Option(name: .long, help: "A file of receipts.")
    var receipt: String?
    @Option(name: .long, help: "Days after a receipt until the ledger must tell of the result.")
    var within = LedgerReceiptCommand.standardDays
    @Option(name: .long, help: "The folder for the files; this one by default. With --receipt: also for proofs.")
    var out: String?
    @OptionGroup var output: OutputOptions

    func run() throws {
        try output.finish { (context) throws(Fault) in
            if let receipt {
                guard let place = task, self.place == nil else {
                    throw Fault(.usage, "--receipt FILE needs one place and no task")
                }
                return try LedgerReceiptCommand(
                    receipts: receipt, place: place, key: ledger.key, days: within, out: out
                ).run(context)
            }
            guard let task, let place else {
                throw Fault(.usage, "a task and a place are needed, or --receipt FILE and a place")
            }
            return try LedgerProveCommand(task: task, place: place, key: ledger.key, out: out).run(context)
        }
    }
}

struct LedgerCheck: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Verify a proof that `millrace ledger prove` wrote, and show the entry.",
        discussion: """
            Exit code 1 when it proves nothing.

            Example:
              millrace ledger check proofs/leaf-300.tlog-proof --key ledger.vkey
            """)

    @Argument(help: "The file.")
    var file: String
    @OptionGroup var ledger: LedgerKeyOption
    @Option(name: .long, help: "The key of a witness that must have cosigned; may be given several times.")
    var witness: [String] = []
    @OptionGroup var output: OutputOptions

    func run() throws {
        try output.finish { (context) throws(Fault) in
            try LedgerCheckCommand(path: file, key: ledger.key, witnesses: witness).run(context)
        }
    }
}

struct LedgerEvidence: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evidence",
        abstract: "Verify a file that is said to convict a ledger.",
        discussion: """
            Exit code 1 when it proves nothing.

            Example:
              millrace ledger evidence witness.state.evidence --key ledger.vkey
            """)

    @Argument(help: "The file.")
    var file: String
    @OptionGroup var ledger: LedgerKeyOption
    @OptionGroup var output: OutputOptions

    func run() throws {
        try output.finish { (context) throws(Fault) in
            try LedgerEvidenceCommand(path: file, key: ledger.key).run(context)
        }
    }
}

struct LedgerKeygen: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keygen",
        abstract: "Make a secret key for a ledger or a witness; print the public one.",
        discussion: """
            An existing file is never overwritten.

            Example:
              millrace ledger keygen witness.example.org witness.key --witness
            """)

    @Argument(help: "The key's name, for example witness.example.org.")
    var name: String
    @Argument(help: "The file for the secret key; only its owner may read it.")
    var file: String
    @Flag(name: .long, help: "A key for cosignatures.")
    var witness = false
    @OptionGroup var output: OutputOptions

    func run() throws {
        try output.finish { (context) throws(Fault) in
            try LedgerKeygenCommand(name: name, path: file, isWitness: witness).run(context)
        }
    }
}

struct WitnessTool: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "witness",
        abstract: "Cosign the ledger's checkpoint if it only grew; refuse a fork, and keep the evidence.",
        discussion: """
            Exit code 1 when it does not cosign. The cosignature is the answer; send it to the ledger's admin.

            Example:
              millrace witness http://127.0.0.1:8080/ledger --key ledger.vkey --state witness.state --signer witness.key
            """)

    @Argument(help: "The folder with the file `checkpoint`, or its http address.")
    var place: String
    @OptionGroup var ledger: LedgerKeyOption
    @Option(name: .long, help: "What the witness remembers, a file; made at the first time.")
    var state: String
    @Option(name: .long, help: "Its secret key, a file that `millrace ledger keygen --witness` made.")
    var signer: String
    @Option(name: .long, help: "Where to write the checkpoint with its cosignature.")
    var out: String?
    @Option(name: .long, help: "Where to write what convicts the ledger; beside the state by default.")
    var evidence: String?
    @OptionGroup var output: OutputOptions

    func run() throws {
        try output.finish { (context) throws(Fault) in
            try WitnessCommand(
                place: place, key: ledger.key, state: state, signer: signer, out: out, evidence: evidence
            ).run(context)
        }
    }
}
