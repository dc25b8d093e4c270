import Domain
import Foundation
import Storage
import StorageS3
import Testing

/// What needs no server: addresses, credentials, when to try again, as much XML as there is.
@Suite("rules of S3")
struct S3RuleTests {
    @Test("an address becomes bucket, prefix and endpoint")
    func addresses() throws {
        let place = try S3Location("s3://my.bucket-1/a/b_C/", endpoint: "https://minio.example:9000/", region: "eu-1")
        #expect(place.bucket == "my.bucket-1" && place.prefix == "a/b_C/")
        #expect(place.endpoint == "https://minio.example:9000")
        let name = Storage.digest(of: [1], with: sha256)
        #expect(place.key(of: name) == "a/b_C/\(name.hex.prefix(2))/\(name.hex)")
        let bare = try S3Location("s3://bucket", endpoint: nil, region: "eu-central-1")
        #expect(bare.prefix == "" && bare.endpoint == "https://s3.eu-central-1.amazonaws.com")
    }

    @Test(
        "what is none is refused",
        arguments: [
            "bucket", "s3://", "s3://ab", "s3://Bucket", "s3://bucket/a b", "s3://bucket/../x", "s3://bucket/a?b",
            "s3:/b/c",
        ])
    func badAddresses(text: String) {
        #expect(throws: Fault.self) { _ = try S3Location(text, endpoint: nil, region: "eu-1") }
    }

    @Test("endpoints with a path, a name and a password, or another scheme are refused")
    func badEndpoints() {
        for endpoint in ["ftp://host", "https://", "https://u:p@host", "https://host/path", "host:9000", "http://h?x"] {
            #expect(throws: Fault.self, "\(endpoint)") {
                _ = try S3Location("s3://bucket", endpoint: endpoint, region: "eu-1")
            }
        }
        #expect(throws: Fault.self) { _ = try S3Location("s3://bucket", endpoint: nil, region: "") }
    }

    @Test("credentials of a file or of the environment, and what is wrong with them without showing them")
    func credentials() throws {
        let text = """
            [other]
            aws_access_key_id = no
            [default]
            # a comment
            aws_access_key_id = KEYID
            aws_secret_access_key=s/e+cret
            """
        let folder = try ScratchFolder()
        let path = folder.file("credentials")
        _ = FileManager.default.createFile(
            atPath: path, contents: Data(text.utf8), attributes: [.posixPermissions: 0o600])
        let found = try S3Credentials.find(file: path) { _ in nil }
        #expect(found.keyID == "KEYID" && found.secret == "s/e+cret")
        try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: path)
        #expect(throws: Fault.self) { _ = try S3Credentials.find(file: path) { _ in nil } }
        #expect(throws: Fault.self) { _ = try S3Credentials.find(file: folder.file("none")) { _ in nil } }
        let environment = ["AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "B"]
        #expect(try S3Credentials.find(file: nil) { environment[$0] }.secret == "B")
        #expect(throws: Fault.self) { _ = try S3Credentials.find(file: nil) { _ in nil } }
        let fault = #expect(throws: Fault.self) {
            _ = try S3Credentials.find(file: nil) { $0 == "AWS_SESSION_TOKEN" ? nil : "two\nlines" }
        }
        #expect(fault?.description.contains("lines") == false)
    }

    @Test("what may pass is tried again with longer and longer pauses, what will not is final")
    func retries() {
        let retry = S3Retry()
        func delay(_ status: Int, _ code: String = "", attempt: Int = 1) -> Double? {
            retry.delay(after: .answered(status: status, code: code), attempt: attempt, random: 0.5)
        }
        for status in [408, 429, 500, 502, 503, 504] { #expect(delay(status) != nil, "\(status)") }
        for status in [301, 400, 403, 404, 411, 501] { #expect(delay(status) == nil, "\(status)") }
        #expect(delay(400, "RequestTimeout") != nil)
        let pauses = (1...5).map { retry.delay(after: .broken, attempt: $0, random: 0.999) ?? -1 }
        #expect(zip(pauses, pauses.dropFirst()).allSatisfy { $0 < $1 } && pauses.allSatisfy { 0.05...5 ~= $0 })
        #expect(retry.delay(after: .broken, attempt: 6, random: 0) == nil)
    }

    @Test("elements, escapes and moments")
    func answers() {
        let text = "<A><Key>a&amp;b</Key><Key></Key><Keys>x</Keys><ETag>&quot;1&#34;</ETag>"
        #expect(S3XML.all("Key", in: text) == ["a&b", ""])
        #expect(S3XML.first("ETag", in: text) == "\"1\"")
        #expect(S3XML.first("Open", in: "<Open>never closed") == nil)
        #expect(S3XML.unescaped(Substring(S3XML.escaped("<\"&amp;>"))) == "<\"&amp;>")
        #expect(S3Time.parse("2026-11-26T16:15:44.000Z") == Timestamp(seconds: 1_795_709_744))
        #expect(S3Time.parse("2000-02-29T00:00:00Z") == Timestamp(seconds: 951_782_400))
        #expect(S3Time.parse("2000-02-29 soon") == nil)
    }
}
