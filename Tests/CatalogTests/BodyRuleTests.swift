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
