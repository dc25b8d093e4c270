import Domain
import Plugins
import Wire

/// Puts the files of an answer into the folder that the server made for it.
enum AnswerWriter {
    /// - Throws: `.badResult` for a name that is no plain file name, `.resources` when a file cannot be written.
    static func write(_ answer: Answer, into folder: String) throws(AppError) -> WireAssembleReply {
        var reply = WireAssembleReply()
        for file in answer.files {
            guard isPlain(file.name) else { throw .badResult("the answer has a file called \"\(file.name)\"") }
            do throws(Fault) {
                try WorkerFiles.replace("\(folder)/\(file.name)", with: file.bytes, durable: true)
            } catch {
                throw .resources(error.message)
            }
            reply.files.append(file.name)
        }
        reply.summary = answer.summary
        return reply
    }

    private static func isPlain(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.count <= 128 && !name.hasPrefix(".")
            && name.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "\\") }
    }
}
