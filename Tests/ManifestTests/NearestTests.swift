import Manifest
import Testing
import YAMLText

@Suite struct NearestTests {
    static let words = ["name", "title", "licence", "parameters", "replication", "resources", "validation", "credit"]

    @Test(arguments: [
        ("licens", "licence"), ("license", "licence"), ("LICENCE", "licence"), ("replicaiton", "replication"),
        ("resource", "resources"), ("valdation", "validation"), ("params", "parameters"), ("nmae", "name"),
        ("tilte", "title"), ("credits", "credit"),
    ])
    func misspeltWordsAreFound(word: String, nearest: String) {
        #expect(Nearest.word(to: word, in: Self.words) == nearest)
    }

    @Test(arguments: ["x", "", "elephant", "zzzz", "ab"])
    func farWordsAreNot(word: String) {
        #expect(Nearest.word(to: word, in: Self.words) == nil)
    }

    @Test func aWordIsNearestToItself() {
        for word in Self.words { #expect(Nearest.word(to: word, in: Self.words.reversed()) == word) }
    }

    @Test func oneTypingErrorInAnyKeyIsMended() {
        let keys = ManifestKeys.all.filter { !$0.path.contains(".") }.map(\.path)
        for key in keys where key.utf8.count >= 4 {
            let letters = Array(key)
            for at in letters.indices {
                var dropped = letters
                dropped.remove(at: at)
                #expect(Nearest.word(to: String(dropped), in: keys) == key)
                var doubled = letters
                doubled.insert("q", at: at)
                #expect(Nearest.word(to: String(doubled), in: keys) == key)
            }
        }
    }
}
