import Accounts
import Catalog
import Digests
import FoundationEssentials
import Hummingbird
import Moderation
import Operations
import SystemPackage
import WaggleProtocol

/// What the steps of publishing make of a draft: its files, what was typed, and the request that comes of both.
struct PublishDraft: Sendable {
    enum Kind: String, Sendable, CaseIterable {
        case release
        case images
        case workflow

        var title: String {
            switch self {
            case .release: say("a-model-or-a-version-of")
            case .images: say("images")
            case .workflow: say("a-comfyui-workflow")
            }
        }

        var steps: [Step] {
            switch self {
            case .release: [.files, .about, .samples, .sign]
            case .images, .workflow: [.files, .about]
            }
        }
    }

    enum Step: String, Sendable, CaseIterable {
        case files
        case about
        case samples
        case sign

        var title: String {
            switch self {
            case .files: say("file")
            case .about: say("about-it")
            case .samples: say("samples")
            case .sign: say("check-and-sign")
            }
        }
    }

    /// Which files of a draft.
    enum Part: String, Sendable, CaseIterable {
        case files
        case samples
    }

    let draft: Draft
    let kind: Kind
    /// Uploads of the draft that are still here, in the order in which they came.
    let files: [Upload]
    let samples: [Upload]
    /// How many that the draft names are gone: uploads wait a week.
    let lost: Int

    /// - Throws: `notFound` for a draft that is not this account's.
    init(_ id: String, of account: Account, _ services: GatewayServices) async throws {
        guard let draft = try await services.accounts.draft(id, of: account), let kind = Kind(rawValue: draft.kind)
        else {
            throw GatewayError.notFound("There is no such draft of yours; it may be published already")
        }
        try await self.init(draft, kind, of: account, services)
    }

    init(_ draft: Draft, _ kind: Kind, of account: Account, _ services: GatewayServices) async throws {
        self.draft = draft
        self.kind = kind
        let here = try await services.uploads.list(account: account.id).reduce(into: [:]) { $0[$1.id] = $1 }
        func uploads(_ part: Part) -> [Upload] {
            (draft.fields[part.rawValue] ?? []).compactMap { here[$0] }.filter(\.isComplete)
        }
        files = uploads(.files)
        samples = uploads(.samples)
        lost = Part.allCases.reduce(0) { $0 + (draft.fields[$1.rawValue] ?? []).count } - files.count - samples.count
    }

    /// What was typed into a field; empty for nothing.
    subscript(name: String) -> String { draft[name] }

    var path: String { "/publish/\(draft.id)" }

    func path(_ step: Step) -> String { "\(path)?step=\(step.rawValue)" }

    /// What lists call it.
    var title: String {
        let names = [draft["name"], draft["title"], draft["model"], files.first?.name ?? ""]
        return names.first { !$0.isEmpty } ?? say("without-a-name-yet")
    }

    /// A step can be gone to when there is something for it to show.
    func isOpen(_ step: Step) -> Bool {
        switch step {
        case .files: true
        case .about: !files.isEmpty
        case .samples, .sign: !files.isEmpty && Slug.isValid(draft["model"]) && !draft["version"].isEmpty
        }
    }

    /// Names what was typed so far.
    var state: String {
        let parts = Set(Part.allCases.map(\.rawValue))
        let typed = draft.fields.filter { !parts.contains($0.key) && !$0.key.hasPrefix("names.") }
            .sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value.joined(separator: "\u{1f}"))" }
        return String(SHA256.hash(Array(typed.joined(separator: "\u{1e}").utf8)).hex.prefix(16))
    }

    // MARK: The request

    /// What an address is made of before somebody chose one.
    var suggestedSlug: String {
        let name = files.first?.name ?? ""
        let stem = name.lastIndex(of: ".").map { String(name[..<$0]) } ?? name
        return Slug.suggested(for: stem)
    }

    /// What operations are asked for. What was not typed is nil, so that it is drafted from the file.
    func request(account: String) -> PublishRequest {
        func said(_ name: String) -> String? { draft[name].isEmpty ? nil : draft[name] }
        let slug = Slug.isValid(draft["model"]) ? draft["model"] : suggestedSlug
        var request = PublishRequest(
            files: files.map { .init(path: $0.path.string, sha256: $0.sha256?.hex) }, account: account, slug: slug,
            version: said("version") ?? "1.0")
        request.name = said("name")
        request.type = said("type")
        request.baseModel = said("base")
        request.description = said("description")
        request.triggerWords = said("words").map(Self.list)
        request.tags = said("tags").map(Self.list)
        request.level = said("level")
        request.changes = said("changes")
        request.samples = samples.map(\.path.string)
        switch draft["person"] {
        case "yes": request.realPerson = true
        case "no": request.realPerson = false
        default: break
        }
        var settings = RecommendedSettings()
        settings.strength = Double(draft["strength"])
        settings.sampler = said("sampler")
        settings.steps = UInt32(draft["steps"])
        settings.cfgScale = Double(draft["cfg"])
        settings.clipSkip = UInt32(draft["clip"])
        if settings != RecommendedSettings() { request.settings = settings }
        if draft.fields["licence"] != nil {
            var licence = LicenceTerms()
            licence.name = said("licence") ?? ""
            let allowed = Set(draft.fields["allows"] ?? [])
            licence.commercialUse = Self.commercialUses.map(\.value).filter { allowed.contains($0) }
            licence.noCredit = allowed.contains("noCredit")
            licence.derivatives = allowed.contains("derivatives")
            licence.differentLicence = allowed.contains("differentLicence")
            request.licence = licence
        }
        return request
    }

    /// What a release may be made from, as the form asks.
    static let ancestors: [(role: Ancestor.Role, label: String)] = [
        (.base, say("trained-on")), (.trainedFrom, say("goes-on-from")), (.mergeOf, say("a-merge-of")),
    ]

    /// The name of its field.
    static func field(_ role: Ancestor.Role) -> String { "from-\(role.rawValue)" }

    static let commercialUses: [(value: String, label: String)] = [
        ("Image", say("images-may-be-sold")), ("Rent", say("it-may-be-offered-as-a")),
        ("Sell", say("it-may-be-sold")),
    ]

    /// Words with commas between.
    static func list(_ text: String) -> [String] {
        text.split(separator: ",").map { String($0.trimmed) }.filter { !$0.isEmpty }
    }
}
