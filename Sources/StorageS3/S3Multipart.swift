import Domain
import Storage

/// Large objects in parts. Nobody sees an object before the last request; a crash leaves parts that cost money until
/// `abortStale` finds them (a lifecycle rule of the bucket can do the same).
extension S3Client {
    /// Bytes of a part: what one upload holds in memory. 10,000 parts, the most that S3 takes, make 78 GiB, more than
    /// `Limits.inputBytesMax`.
    static let partBytes = 8 << 20

    /// - Parameter read: gives the bytes at an offset.
    func putParts(
        _ key: String, size: Int64, _ read: (_ offset: Int64, _ count: Int) throws -> [UInt8]
    ) throws {
        let id = try beginParts(key)
        do {
            var parts: [String] = []
            var offset: Int64 = 0
            while offset < size {
                let bytes = try read(offset, Int(min(Int64(Self.partBytes), size - offset)))
                guard !bytes.isEmpty else { throw StoreError.corrupt("an upload became shorter than it was") }
                parts.append(try putPart(key, id, number: parts.count + 1, bytes))
                offset += Int64(bytes.count)
            }
            try complete(key, id, parts)
        } catch {
            try? abort(key, id)
            throw error
        }
        let found = try self.size(key)
        guard found == size else {
            throw StoreError.io("S3 has \(found.map(String.init) ?? "no") bytes of \(key) instead of \(size)")
        }
    }

    /// - Returns: the name of the multipart upload.
    func beginParts(_ key: String) throws(StoreError) -> String {
        var begin = S3Request(method: "POST", path: path(key), query: "uploads=")
        begin.answerBytesMax = 1 << 16
        guard let id = S3XML.first("UploadId", in: try send(begin, accepting: [200]).text), !id.isEmpty else {
            throw .io("S3 begins no multipart upload of \(key)")
        }
        return id
    }

    /// Multipart uploads under our prefix that have not ended: at most 1,000. Those that are left are found when these
    /// are gone.
    func openParts() throws(StoreError) -> [(key: String, id: String, begun: Timestamp)] {
        var request = S3Request(method: "GET", path: "/\(location.bucket)")
        request.query = "prefix=\(Self.escaped(location.prefix))&uploads="
        request.answerBytesMax = 8 << 20
        return S3XML.all("Upload", in: try send(request, accepting: [200]).text).compactMap { upload in
            guard let key = S3XML.first("Key", in: upload), let id = S3XML.first("UploadId", in: upload),
                key.hasPrefix(location.prefix), let moment = S3XML.first("Initiated", in: upload).flatMap(S3Time.parse)
            else { return nil }
            return (key, id, moment)
        }
    }

    /// - Returns: the part's tag.
    private func putPart(_ key: String, _ id: String, number: Int, _ bytes: [UInt8]) throws(StoreError) -> String {
        var request = S3Request(method: "PUT", path: path(key))
        request.query = "partNumber=\(number)&uploadId=\(Self.escaped(id))"
        request.body = bytes
        guard let tag = try send(request, accepting: [200]).headers["etag"], !tag.isEmpty else {
            throw .io("S3 gives no tag for part \(number) of \(key)")
        }
        return tag
    }

    private func complete(_ key: String, _ id: String, _ parts: [String]) throws(StoreError) {
        var request = S3Request(method: "POST", path: path(key), query: "uploadId=" + Self.escaped(id))
        let list = parts.enumerated().map {
            "<Part><PartNumber>\($0.offset + 1)</PartNumber><ETag>\(S3XML.escaped($0.element))</ETag></Part>"
        }
        request.body = Array("<CompleteMultipartUpload>\(list.joined())</CompleteMultipartUpload>".utf8)
        let answer = try send(request, accepting: [200, 404])
        if answer.status == 404 {
            // The answer to an earlier attempt may have been lost: then the object is there, which the caller checks.
            return
        }
        // It may take minutes: the status comes first, the error after it.
        guard !answer.text.contains("<Error>") else {
            throw .io("S3 cannot put \(key) together: \(answer.errorCode)")
        }
    }

    private func abort(_ key: String, _ id: String) throws(StoreError) {
        let request = S3Request(method: "DELETE", path: path(key), query: "uploadId=" + Self.escaped(id))
        _ = try send(request, accepting: [200, 204, 404])
    }

    /// Ends multipart uploads under our prefix that were begun before `time`.
    func abortStale(before time: Timestamp) throws(StoreError) {
        for upload in try openParts() where upload.begun < time { try abort(upload.key, upload.id) }
    }
}

/// `2026-11-26T16:15:44.000Z`, as S3 writes moments.
package enum S3Time {
    package static func parse(_ text: String) -> Timestamp? {
        let numbers = text.split(whereSeparator: { !("0"..."9").contains($0) }).compactMap { Int64($0) }
        guard numbers.count >= 6, text.hasSuffix("Z"), (1970...9999).contains(numbers[0]),
            (1...12).contains(numbers[1]), (1...31).contains(numbers[2]), numbers[3] < 24, numbers[4] < 60,
            numbers[5] <= 60
        else { return nil }
        // Days since 1970 by the civil calendar: years begin in March, so that the leap day is the last one.
        let year = numbers[1] <= 2 ? numbers[0] - 1 : numbers[0]
        let month = (numbers[1] + 9) % 12
        let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + numbers[2] - 1 - 719_468
        return Timestamp(seconds: days * 86_400 + numbers[3] * 3600 + numbers[4] * 60 + numbers[5])
    }
}
