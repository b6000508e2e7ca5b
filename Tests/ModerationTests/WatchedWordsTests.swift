import Digests
import Testing

@testable import Moderation

@Suite("Watched words")
struct WatchedWordsTests {
    private func words(_ phrases: [(String, Severity)]) -> WatchedWords {
        var effects: [ListSubject: ListEffect] = [:]
        for (number, (phrase, action)) in phrases.enumerated() {
            let entry = ListEntry(
                subject: .phrase(phrase), severity: action, reason: "other", basis: .human,
                post: SHA256.hash([UInt8(number)]), created: 1)
            effects[entry.subject] = ListEffect(
                action: action, source: ListID(author: .zero, slug: "words"), entry: entry)
        }
        return WatchedWords(ListEffects(effects) { _ in [] })
    }

    @Test(
        "a phrase is found as whole words, in any case, whatever stands between them",
        arguments: [
            ("a Bad Word here", true), ("BAD-WORD", true), ("bad,\n word", true), ("ｂａｄ ｗｏｒｄ", true),
            ("bád wörd", true),
            ("b\u{200d}ad word", true), ("badword", false), ("bad words", false), ("not bad, a word", false),
            ("", false),
        ])
    func found(_ text: String, _ isFound: Bool) {
        #expect((words([("bad word", .block)]).found(in: text) != nil) == isFound)
    }

    @Test("of several the gravest is told of; a phrase of marks alone is none")
    func gravest() {
        let watched = words([("one", .warn), ("two", .block), ("!?", .purge)])
        #expect(watched.found(in: "one and two !?")?.action == .block)
        #expect(watched.found(in: "one")?.action == .warn)
        #expect(watched.found(in: "!?") == nil)
        #expect(WatchedWords(.none).found(in: "anything") == nil)
    }
}
