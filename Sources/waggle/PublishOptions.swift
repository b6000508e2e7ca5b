import ArgumentParser
import Operations

/// What a release was made from.
struct LineageOptions: ParsableArguments {
    @Option(name: .customLong("made-for"), help: "The release that this one builds on: @maker/name@version, a hash, …")
    var bases: [String] = []

    @Option(name: .customLong("merge-of"), help: "A release that was merged into this one; may be repeated.")
    var merged: [String] = []

    @Option(name: .customLong("trained-from"), help: "The release that training began with.")
    var trainedFrom: [String] = []

    var value: [Ancestor] {
        bases.map { Ancestor(role: .base, reference: $0) } + merged.map { Ancestor(role: .mergeOf, reference: $0) }
            + trainedFrom.map { Ancestor(role: .trainedFrom, reference: $0) }
    }
}

/// How a release is best used.
struct SettingsOptions: ParsableArguments {
    @Option(help: "Strength of an adapter: 0.8, or a range such as 0.6-1.")
    var strength: String?

    @Option(name: .customLong("clip-skip"), help: "Layers of the text encoder to leave out.")
    var clipSkip: UInt32?

    @Option(help: "Sampler.")
    var sampler: String?

    @Option(help: "Scheduler.")
    var scheduler: String?

    @Option(help: "Steps.")
    var steps: UInt32?

    @Option(name: .customLong("cfg"), help: "CFG scale.")
    var cfgScale: Double?

    @Option(help: "Size of pictures in pixels: 1024x1024.")
    var size: String?

    @Option(help: "Anything else, in a sentence.")
    var hint: String?

    func validate() throws {
        if let strength, Self.range(strength) == nil {
            throw ValidationError("--strength \(strength): write 0.8 or 0.6-1.")
        }
        if let size, Self.pixels(size) == nil { throw ValidationError("--size \(size): write 1024x1024.") }
    }

    var value: RecommendedSettings? {
        var settings = RecommendedSettings()
        if let range = strength.flatMap(Self.range) {
            if range.low == range.high {
                settings.strength = range.low
            } else {
                (settings.strengthMin, settings.strengthMax) = (range.low, range.high)
            }
        }
        if let pixels = size.flatMap(Self.pixels) { (settings.width, settings.height) = pixels }
        settings.clipSkip = clipSkip
        settings.sampler = sampler
        settings.scheduler = scheduler
        settings.steps = steps
        settings.cfgScale = cfgScale
        settings.hint = hint
        return settings == RecommendedSettings() ? nil : settings
    }

    private static func range(_ text: String) -> (low: Double, high: Double)? {
        let ends = text.split(separator: "-", omittingEmptySubsequences: false).map { Double($0) }
        guard (1...2).contains(ends.count), let low = ends[0], let high = ends[ends.count - 1], low >= 0, low <= high,
            high <= 10
        else { return nil }
        return (low, high)
    }

    private static func pixels(_ text: String) -> (UInt32, UInt32)? {
        let sides = text.split(separator: "x", omittingEmptySubsequences: false).map { UInt32($0) }
        guard sides.count == 2, let width = sides[0], let height = sides[1], width > 0, height > 0,
            width <= 65_536, height <= 65_536
        else { return nil }
        return (width, height)
    }
}

/// What people may do with a model.
struct LicenceOptions: ParsableArguments {
    @Option(name: .customLong("licence"), help: "Its name, best an SPDX id: CC0-1.0, OpenRAIL++, …")
    var name: String?

    @Option(name: .customLong("licence-url"), help: "Where its text is.")
    var url: String?

    @Option(
        name: .customLong("commercial-use"), help: "Image, RentCivit, Rent, Sell or none; may be repeated.")
    var commercialUse: [CommercialUse] = []

    @Flag(inversion: .prefixedNo, help: "People must give credit.")
    var credit: Bool?

    @Flag(inversion: .prefixedNo, help: "Derivatives may be published.")
    var derivatives: Bool?

    @Flag(
        name: .customLong("different-licence"), inversion: .prefixedNo,
        help: "Derivatives may have another licence.")
    var differentLicence: Bool?

    enum CommercialUse: String, ExpressibleByArgument, CaseIterable {
        case image = "Image"
        case rentCivit = "RentCivit"
        case rent = "Rent"
        case sell = "Sell"
        case none
    }

    var value: LicenceTerms? {
        var terms = LicenceTerms()
        terms.name = name
        terms.url = url
        if !commercialUse.isEmpty { terms.commercialUse = commercialUse.filter { $0 != .none }.map(\.rawValue) }
        terms.noCredit = credit.map { !$0 }
        terms.derivatives = derivatives
        terms.differentLicence = differentLicence
        return terms == LicenceTerms() ? nil : terms
    }
}
