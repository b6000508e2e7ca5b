import Testing

@testable import Federation

@Suite("The clocks of other nodes")
struct PeerClocksTests {
    @Test(
        "a date of HTTP is read; what is none says nothing",
        arguments: [
            ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777), ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
            ("Thu, 29 Feb 2024 23:59:59 GMT", 1_709_251_199), ("Fri, 01 Mar 2024 00:00:00 GMT", 1_709_251_200),
            ("Wed, 31 Dec 2025 12:00:00 GMT", 1_767_182_400), ("", nil), ("yesterday", nil),
            ("Sun, 06 Nov 1994 08:49:37 CET", nil), ("Sun, 32 Nov 1994 08:49:37 GMT", nil),
            ("Sunday, 06-Nov-94 08:49:37 GMT", nil), ("Sun, 06 Nov 1994 24:49:37 GMT", nil),
        ] as [(String, Int64?)])
    func dates(_ text: String, _ seconds: Int64?) {
        #expect(PeerClocks.seconds(of: text) == seconds)
    }

    @Test("what lies between sending and receiving is no difference; one wrong clock among several is not ours")
    func median() {
        let clocks = PeerClocks()
        #expect(clocks.median == nil)
        let now: UInt64 = 784_111_777
        clocks.note("a", date: "Sun, 06 Nov 1994 08:49:37 GMT", sent: now - 5, received: now + 5)
        #expect(clocks.median?.seconds == 0 && clocks.median?.nodes == 1)
        clocks.note("b", date: "Sun, 06 Nov 1994 09:49:37 GMT", sent: now, received: now)
        clocks.note("c", date: "Sun, 06 Nov 1994 08:49:36 GMT", sent: now, received: now)
        clocks.note("d", date: nil, sent: now, received: now)
        #expect(clocks.median?.seconds == 0 && clocks.median?.nodes == 3)
        for name in ["a", "c"] {
            clocks.note(name, date: "Sun, 06 Nov 1994 08:39:37 GMT", sent: now, received: now + 1)
        }
        #expect(clocks.median?.seconds == -599)
    }
}
