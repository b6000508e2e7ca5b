/// What a picture's XMP says of where it comes from (IPTC `DigitalSourceType`). The marks of machine-made pictures have to
/// stay with them, whatever else is taken out.
public enum DigitalSourceType: String, Hashable, Sendable, CaseIterable {
    /// Made by a trained model.
    case trainedAlgorithmicMedia
    /// Made by a trained model from a photograph or with one in it.
    case compositeWithTrainedAlgorithmicMedia
    /// Made by a program that was not trained.
    case algorithmicMedia

    static let vocabulary = "http://cv.iptc.org/newscodes/digitalsourcetype/"

    /// The mark that XMP among these texts carries.
    ///
    /// The vocabulary's address is looked for, not the XML parsed: it means nothing else wherever it stands.
    public init?(in texts: [PictureText]) {
        guard let xmp = texts.first(where: { $0.keyword == PictureText.xmp })?.text else { return nil }
        let known = Self.allCases.first { xmp.utf8Contains(Self.vocabulary + $0.rawValue) }
        guard let known else { return nil }
        self = known
    }

    /// XMP that says this and nothing else.
    public var xmp: String {
        """
        <?xpacket begin="\u{feff}" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">\
        <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" \
        xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" \
        Iptc4xmpExt:DigitalSourceType="\(Self.vocabulary)\(rawValue)"/></rdf:RDF></x:xmpmeta><?xpacket end="w"?>
        """
    }
}
