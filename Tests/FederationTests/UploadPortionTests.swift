import Testing
import WaggleProtocol

@testable import Federation

@Suite("Portions of an upload")
struct UploadPortionTests {
    @Test("a fast line soon sends the most at once, a slow one a unit, and what is between stays")
    func grows() {
        var portion = UploadPortion()
        #expect(portion.units == 1)
        for expected in [2, 4, 8, 8] {
            portion.took(.seconds(1))
            #expect(portion.units == expected)
        }
        #expect(portion.units == Limits.Wire.uploadUnits)
        portion.took(.seconds(10))
        #expect(portion.units == 8)
        for expected in [4, 2, 1, 1] {
            portion.took(.seconds(20))
            #expect(portion.units == expected)
        }
    }
}
