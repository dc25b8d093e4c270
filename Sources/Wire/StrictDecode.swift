import Domain
import SwiftProtobuf

/// Decodes protobuf messages from people we do not trust.
public enum StrictDecode {
    /// How often a top-level field may occur.
    public struct RepeatLimit: Hashable, Sendable {
        public var field: Int
        /// For the error's text.
        public var name: String
        public var limit: Int

        public init(field: Int, name: String, limit: Int) {
            self.field = field
            self.name = name
            self.limit = limit
        }
    }

    /// Unknown fields are skipped, so that newer programs may add some.
    ///
    /// Two bytes on the wire can become an object of hundreds, so occurrences are counted before anything is built.
    /// - Parameter limit: bytes.
    /// - Parameter repeats: tighter bounds than `Limits.repeatedFieldsMax` for single fields.
    /// - Throws: `.tooLarge`, `.tooMany`, or `.badMessage`.
    public static func message<M: SwiftProtobuf.Message>(
        _ type: M.Type, from bytes: [UInt8], limit: Int, repeats: [RepeatLimit] = []
    ) throws(WireError) -> M {
        try message(type, from: bytes[...], limit: limit, repeats: repeats)
    }

    /// The same for a part of a larger array.
    public static func message<M: SwiftProtobuf.Message>(
        _ type: M.Type, from bytes: ArraySlice<UInt8>, limit: Int, repeats: [RepeatLimit] = []
    ) throws(WireError) -> M {
        if bytes.count > limit { throw .tooLarge(field: M.protoMessageName, limit: limit) }
        try FieldScan.check(bytes, repeats: repeats, type: M.protoMessageName)
        var options = BinaryDecodingOptions()
        options.messageDepthLimit = Limits.messageDepthMax
        options.discardUnknownFields = true
        do {
            return try M(serializedBytes: bytes.span.bytes, options: options)
        } catch {
            throw .badMessage(M.protoMessageName)
        }
    }

    /// The proto3 JSON mapping, as the scientist's tools use it; unknown keys are skipped.
    /// - Parameter limit: bytes of JSON text.
    public static func json<M: SwiftProtobuf.Message>(
        _ type: M.Type, from bytes: [UInt8], limit: Int
    ) throws(WireError) -> M {
        if bytes.count > limit { throw .tooLarge(field: M.protoMessageName, limit: limit) }
        var options = JSONDecodingOptions()
        options.messageDepthLimit = Limits.messageDepthMax
        options.ignoreUnknownFields = true
        do {
            return try M(jsonUTF8Bytes: bytes, options: options)
        } catch {
            throw .badMessage(M.protoMessageName)
        }
    }

    /// The bytes of a message. - Throws: `.malformed` only for messages beyond 2 GiB.
    public static func bytes(of message: some SwiftProtobuf.Message) throws(WireError) -> [UInt8] {
        do {
            return try message.serializedBytes()
        } catch {
            throw .malformed("a message of type \(type(of: message).protoMessageName) cannot be encoded")
        }
    }
}
