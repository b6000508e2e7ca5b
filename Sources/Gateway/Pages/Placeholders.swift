import Digests
import Media

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
    func pictureFacts(_ pictures: [Hash32]) async -> [Hash32: PictureFacts] {
        guard !pictures.isEmpty else { return [:] }
        return (try? await services.pictureFacts(Array(Set(pictures)))) ?? [:]
    }

    /// The cards with the colours of their pictures.
    func tinted(_ cards: [CardView]) async -> [CardView] {
        let facts = await pictureFacts(cards.compactMap(\.picture?.blob))
        return cards.map { $0.tinted(facts) }
    }
}

extension CardView {
    func tinted(_ facts: [Hash32: PictureFacts]) -> CardView {
        var card = self
        card.picture?.tint = picture.flatMap { facts[$0.blob]?.meanColour.shortColour }
        return card
    }
}
