import Digests
import Testing
import WaggleProtocol

@testable import Operations

@Suite("What the author's word on the newest release warns of")
struct ChannelNoticeTests {
    private let old = (id: SHA256.hash([1]), version: "1.0")
    private let new = (id: SHA256.hash([2]), version: "2.0")

    private func warnings(
        _ channel: ChannelNotice.Channel?, shown: Hash32, here: [(id: Hash32, version: String)], now: UInt64 = 1000
    ) -> [String] {
        ChannelNotice(channel, shown: shown, releases: here, now: now).warnings
    }

    @Test("the newest release, shown in time, warns of nothing; nor does an author who says nothing")
    func silent() {
        #expect(warnings(.init(release: new.id, number: 2, expires: 2000), shown: new.id, here: [old, new]) == [])
        #expect(warnings(.init(release: new.id, number: 2, expires: 0), shown: new.id, here: [new]) == [])
        #expect(warnings(nil, shown: old.id, here: [old]) == [])
    }

    @Test("a mirror that lacks the newest release is behind")
    func behind() {
        let found = warnings(.init(release: new.id, number: 7, expires: 2000), shown: old.id, here: [old])
        #expect(found.count == 1)
        #expect(found[0].contains("behind") && found[0].contains(new.id.hex.prefix(12)) && found[0].contains("7"))
    }

    @Test("an older release names the newest")
    func older() {
        let found = warnings(.init(release: new.id, number: 2, expires: 2000), shown: old.id, here: [new, old])
        #expect(found == ["the author says that another release is the newest: 2.0"])
    }

    @Test("a word that ran out warns, from the moment on at which posts run out")
    func expired() {
        let channel = ChannelNotice.Channel(release: new.id, number: 2, expires: 5000)
        let end = 5000 + Limits.Post.clockSkew
        #expect(warnings(channel, shown: new.id, here: [new], now: end - 1) == [])
        let found = warnings(channel, shown: new.id, here: [new], now: end)
        #expect(found.count == 1 && found[0].contains("ran out on 1970-01-01"), "\(found)")
        #expect(warnings(channel, shown: old.id, here: [old], now: .max).count == 2)
    }
}
