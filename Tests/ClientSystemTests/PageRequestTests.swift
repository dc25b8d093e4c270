import Bytes
import ClientSystem
import Testing

@Suite("Reading requests to the local page")
struct PageRequestTests {
    private func read(_ text: String) -> PageRequestReader.Outcome {
        var reader = PageRequestReader()
        return reader.take(Array(text.utf8))
    }

    private static let post = """
        POST /f/act?x=1 HTTP/1.1\r\nHost: 127.0.0.1:9\r\nContent-Type: application/x-www-form-urlencoded\r\n\
        Content-Length: 9\r\nX-Empty:\r\n\r\nact=pause
        """

    @Test("A request is the same, in however many pieces it comes")
    func pieces() {
        let expected = PageRequest(
            method: .post, path: "/f/act", query: "x=1",
            headers: [
                "host": "127.0.0.1:9", "content-type": "application/x-www-form-urlencoded", "content-length": "9",
                "x-empty": "",
            ], body: Array("act=pause".utf8))
        let bytes = Array(Self.post.utf8)
        for cut in 0...bytes.count {
            var reader = PageRequestReader()
            let first = reader.take(bytes[..<cut])
            #expect(cut == bytes.count ? first == .request(expected) : first == .more)
            if cut < bytes.count { #expect(reader.take(bytes[cut...]) == .request(expected), "cut at \(cut)") }
        }
    }

    @Test("What no browser sends is refused, each with its status")
    func refusals() {
        let cases: [(String, Int)] = [
            ("DELETE / HTTP/1.1\r\nHost: a\r\n\r\n", 405), ("HEAD / HTTP/1.1\r\n\r\n", 405),
            ("GET / HTTP/2\r\n\r\n", 400), ("GET  / HTTP/1.1\r\n\r\n", 400), ("GET http://a/ HTTP/1.1\r\n\r\n", 400),
            ("GET /\r\n\r\n", 400), ("GET / HTTP/1.1\nHost: a\n\r\n\r\n", 400), ("\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400), ("GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400), ("GET / HTTP/1.1\r\n: a\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nX: a\u{7}\r\n\r\n", 400), ("GET /ä HTTP/1.1\r\n\r\n", 400),
            ("POST / HTTP/1.1\r\n\r\n", 411), ("POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
            ("POST / HTTP/1.1\r\nContent-Length: 1x\r\n\r\n", 400),
            ("POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n", 400),
            ("POST / HTTP/1.1\r\nContent-Length: 4097\r\n\r\n", 413),
            ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\nx", 501),
            ("GET / HTTP/1.1\r\nContent-Length: 1\r\n\r\nx", 400),
            ("GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n", 400),
            ("GET /\(String(repeating: "a", count: 1024)) HTTP/1.1\r\n\r\n", 414),
            ("GET / HTTP/1.1\r\n\(String(repeating: "A: b\r\n", count: 1))\(Self.many(65))\r\n", 431),
            ("GET / HTTP/1.1\r\nX: \(String(repeating: "a", count: 9000))", 431),
            ("GET / HTTP/1.1\r\nX: \(String(repeating: "a", count: 8180))\r\n\r\n", 431),
        ]
        for (text, status) in cases { #expect(read(text) == .refused(status), "\(text.prefix(80))") }
    }

    private static func many(_ count: Int) -> String { (0..<count).map { "X\($0): b\r\n" }.joined() }

    @Test("Garbage and damaged requests end in a request, a refusal, or a bounded wait")
    func fuzz() {
        var random = SeededGenerator(seed: 1)
        let good = Array(Self.post.utf8)
        var outcomes: [String: Int] = [:]
        for round in 0..<20_000 {
            var bytes = good
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.remove(at: place)
                default: bytes.insert(contentsOf: bytes.prefix(place), at: place)
                }
                if bytes.isEmpty { bytes = [0] }
            }
            if round % 10 == 0 { bytes = (0..<12_500).map { _ in UInt8.random(in: 0...255, using: &random) } }
            var reader = PageRequestReader()
            var fed = 0
            var outcome = PageRequestReader.Outcome.more
            while fed < bytes.count, outcome == .more {
                let step = min(bytes.count - fed, Int.random(in: 1...400, using: &random))
                outcome = reader.take(bytes[fed..<fed + step])
                fed += step
            }
            switch outcome {
            case .more:
                outcomes["more", default: 0] += 1
                #expect(bytes.count <= PageRequestReader.headBytesMax + PageRequestReader.bodyBytesMax + 404)
            case .request(let request):
                outcomes["request", default: 0] += 1
                #expect(request.path.hasPrefix("/") && request.body.count <= PageRequestReader.bodyBytesMax)
            case .refused(let status):
                outcomes["refused", default: 0] += 1
                #expect((400...501).contains(status))
            }
        }
        #expect(outcomes.count == 3, "each end was seen: \(outcomes)")
    }

    @Test("Fields of forms: decoded, bounded, and none of those that are there twice")
    func fields() {
        #expect(PageRequest.fields("a=1&b=x+y%26&c") == ["a": "1", "b": "x y&", "c": ""])
        #expect(PageRequest.fields("a=1&a=2&b=3") == ["b": "3"])
        #expect(PageRequest.fields("a=1&a=2&a=3") == [:])
        #expect(PageRequest.fields("a=%&b=%4&c=%zz&d=%ff&e=1") == ["e": "1"])
        #expect(PageRequest.fields((0..<100).map { "f\($0)=1" }.joined(separator: "&")).count == 32)
    }
}
