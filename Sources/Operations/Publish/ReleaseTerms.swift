import Catalog
import Digests
import FoundationEssentials
import WaggleProtocol

/// How a release is best used; what is nil is left as drafted.
public struct RecommendedSettings: Codable, Sendable, Hashable {
    public var strength: Double?
    public var strengthMin: Double?
    public var strengthMax: Double?
    public var clipSkip: UInt32?
    public var sampler: String?
    public var scheduler: String?
    public var steps: UInt32?
    public var cfgScale: Double?
    /// Pixels.
    public var width: UInt32?
    public var height: UInt32?
    public var hint: String?

    public init() {}

    func apply(to settings: inout WireSettings) {
        if let strength { settings.strength = strength }
        if let strengthMin { settings.strengthMin = strengthMin }
        if let strengthMax { settings.strengthMax = strengthMax }
        if let clipSkip { settings.clipSkip = clipSkip }
        if let sampler { settings.sampler = sampler }
        if let scheduler { settings.scheduler = scheduler }
        if let steps { settings.steps = steps }
        if let cfgScale { settings.cfgScale = cfgScale }
        if let width { settings.width = width }
        if let height { settings.height = height }
        if let hint { settings.hint = hint }
    }
}

/// What people may do with a model; what is nil is left as it stands.
public struct LicenceTerms: Codable, Sendable, Hashable {
    public var name: String?
    public var url: String?
    /// May be used without credit.
    public var noCredit: Bool?
    /// "Image", "RentCivit", "Rent", "Sell".
    public var commercialUse: [String]?
    public var derivatives: Bool?
    /// Derivatives may have another licence.
    public var differentLicence: Bool?

    public init() {}

    func apply(to licence: inout WireLicence) {
        if let name { licence.name = name }
        if let url { licence.url = url }
        if let noCredit { licence.noCredit = noCredit }
        if let commercialUse { licence.commercialUse = commercialUse }
        if let derivatives { licence.derivatives = derivatives }
        if let differentLicence { licence.differentLicence = differentLicence }
    }
}

/// What a release was made from.
public struct Ancestor: Codable, Sendable, Hashable {
    public enum Role: String, Codable, Sendable, CaseIterable {
        /// What an adapter is for, or what was fine-tuned.
        case base
        case mergeOf = "merge-of"
        case trainedFrom = "trained-from"
    }

    public var role: Role
    /// Whatever `show` takes.
    public var reference: String

    public init(role: Role, reference: String) {
        self.role = role
        self.reference = reference
    }
}

/// The references that a signed release carries to its ancestors.
struct ReleaseLineage {
    private let links: [Ancestor]
    private let context: OperationContext

    init(_ links: [Ancestor], _ context: OperationContext) {
        self.links = links
        self.context = context
    }

    /// Finds each ancestor here.
    ///
    /// - Throws: `notFound` for one that is not, `usage` for an ambiguous name, `limits`.
    func refs() async throws(OperationError) -> [WireRef] {
        guard links.count <= Limits.Post.refs else {
            throw OperationError(.limits, "at most \(Limits.Post.refs) releases can be named as what it was made from")
        }
        var refs: [WireRef] = []
        for link in links {
            var ref = WireRef()
            ref.id = try await ReferenceResolver(context).release(link.reference).post.data
            ref.role = link.role.rawValue
            if !refs.contains(ref) { refs.append(ref) }
        }
        return refs
    }
}
