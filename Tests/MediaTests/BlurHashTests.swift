import Media
import Testing

@Suite("BlurHash")
struct BlurHashTests {
    private func picture(_ width: Int, _ height: Int, _ pixel: (Int, Int) -> [UInt8]) throws -> PixelMap {
        var bytes = Array("P6\n# a comment\n\(width) \(height)\n255\n".utf8)
        for y in 0..<height { for x in 0..<width { bytes += pixel(x, y) } }
        return try #require(PixelMap(netpbm: bytes))
    }

    @Test("one colour has that colour and no waves")
    func plain() throws {
        let hash = try BlurHash(picture(16, 16) { _, _ in [0x33, 0x66, 0x99] })
        #expect(hash.meanColour == 0x336699)
        #expect(hash.text.hasPrefix("L"), "4 by 3 waves")
        #expect(hash.text.utf8.count == 28)
    }

    @Test("a picture that is light on the left differs from one that is light on the right")
    func waves() throws {
        let left = try BlurHash(picture(32, 32) { x, _ in x < 16 ? [255, 255, 255] : [0, 0, 0] })
        let right = try BlurHash(picture(32, 32) { x, _ in x < 16 ? [0, 0, 0] : [255, 255, 255] })
        #expect(left.text != right.text)
        #expect(left.meanColour == right.meanColour)
    }

    @Test("greyscale and 16 bits are read, and sizes that are not so are refused")
    func netpbm() throws {
        #expect(PixelMap(netpbm: Array("P5 2 1 255 ".utf8) + [0, 255])?.pixels == [0, 0, 0, 255, 255, 255])
        #expect(PixelMap(netpbm: Array("P5 1 1 65535 ".utf8) + [0xff, 0xff])?.pixels == [255, 255, 255])
        for text in [
            "", "P6", "P6 1 1", "P6 0 1 255 ", "P6 65 1 255 ", "P6 1 1 0 ", "P6 4 4 255 abc",
            "P6 99999999999999999999 1 255 ", "P7 1 1 255 abc", "P6 1 -1 255 abc",
        ] {
            #expect(PixelMap(netpbm: Array(text.utf8)) == nil)
        }
    }
}
