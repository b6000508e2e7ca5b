import Digests
import Media
import Moderation

// What stands in the place of a picture until it has come. Colours are attributes of SVG elements: unlike inline styles
// they need no hole in the content security policy.

/// A cell of the grid that stands in for a large picture.
struct BlurCell {
    let cellColour: String
    let x: Int
    let y: Int

    /// The BlurHash as four cells by three, which the stylesheet blurs into each other.
    static func all(_ facts: PictureFacts) -> [BlurCell] {
        let (columns, rows) = (4, 3)
        return BlurHash.colours(of: facts.blurHash, columns: columns, rows: rows).enumerated().map { index, colour in
            BlurCell(cellColour: colour.shortColour, x: index % columns, y: index / columns)
        }
    }
}

extension UInt32 {
    /// `#a97` for 0xRRGGBB: nobody sees more of a picture that is not there, and each digit is one of 48 on a page.
    var shortColour: String {
        let parts = [16, 8, 0].map { shift in ((self >> UInt32(shift) & 0xff) + 8) / 17 }
        return "#" + parts.map { String($0, radix: 16) }.joined()
    }
}

extension PageRoutes {
    /// What is known of pictures; nothing when it cannot be told, because a page is whole without.
    func looks(of pictures: [Hash32]) async -> PictureLooks {
        let facts = pictures.isEmpty ? [:] : (try? await services.pictureFacts(Array(Set(pictures)))) ?? [:]
        return PictureLooks(facts: facts, blurFrom: viewer.blurFrom)
    }

    /// The cards with the colours of their pictures, and without the pictures that the viewer wants blurred.
    func tinted(_ cards: [CardView]) async -> [CardView] {
        let looks = await looks(of: cards.compactMap(\.picture?.blob))
        return cards.map { $0.tinted(looks) }
    }
}

extension CardView {
    func tinted(_ looks: PictureLooks) -> CardView {
        var card = self
        card.picture?.tint = picture.flatMap { looks[$0.blob]?.meanColour.shortColour }
        card.picture?.isBlurred = picture.map { looks.isBlurred($0.level) } ?? false
        return card
    }
}
