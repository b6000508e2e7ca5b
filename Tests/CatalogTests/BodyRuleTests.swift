import Digests
import Testing
import WaggleProtocol

@Suite("Slots that repeat their body")
struct BodyRuleTests {
    @Test("the slot of a reaction is its emoji byte for byte: another spelling of the same character is refused")
    func reaction() throws {
        let subject = hash("subject")
        var body = WireReaction()
        body.subject = subject.data
        for (emoji, other) in [("\u{e9}", "e\u{301}"), ("\u{212b}", "\u{c5}"), ("한", "\u{1112}\u{1161}\u{11ab}")] {
            // Swift takes the two for equal.
            #expect(emoji == other)
            body.emoji = emoji
            try WirePost.OneOf_Body.reaction(body).check(slot: "\(subject.hex) \(emoji)")
            #expect(throws: BodyFailure.self) {
                try WirePost.OneOf_Body.reaction(body).check(slot: "\(subject.hex) \(other)")
            }
        }
    }

    @Test("tags, types and names of 10,000 characters are refused before anything is stored")
    func longTexts() throws {
        let long = String(repeating: "a", count: 10_000)
        var model = WireModel()
        (model.name, model.type, model.level) = ("m", "LORA", 1)
        try WirePost.OneOf_Body.model(model).check(slot: "m")
        for change in [
            { (model: inout WireModel) in model.tags = [long] }, { $0.tags = ["\u{301}" + long] }, { $0.type = long },
            { $0.name = long }, { $0.tags = (0..<10_000).map(String.init) },
        ] as [(inout WireModel) -> Void] {
            var changed = model
            change(&changed)
            #expect(throws: BodyFailure.self) { try WirePost.OneOf_Body.model(changed).check(slot: "m") }
        }
        var article = WireArticle()
        (article.title, article.level, article.tags) = ("a", 1, [long])
        #expect(throws: BodyFailure.self) { try WirePost.OneOf_Body.article(article).check(slot: "a") }
    }

    @Test("the slot of a review is the release in lower-case hexadecimal, and nothing that only looks like it")
    func review() throws {
        let release = hash("release")
        var body = WireReview()
        body.release = release.data
        try WirePost.OneOf_Body.review(body).check(slot: release.hex)
        // Letters of full width, and a mark of no width.
        for slot in [release.hex.uppercased(), release.hex + "\u{301}", "\u{200b}" + release.hex, ""] {
            #expect(throws: BodyFailure.self) { try WirePost.OneOf_Body.review(body).check(slot: slot) }
        }
    }
}
