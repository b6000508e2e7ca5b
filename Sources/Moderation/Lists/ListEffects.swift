public import Digests
public import Formats

/// What lists do here at a moment, in the form in which it is asked: by hash, by look, by key, by word. A value.
public struct ListEffects: Sendable {
    /// Everything that acts, by subject.
    public let all: [ListSubject: ListEffect]
    private var exact: [ModerationSubject: ListEffect] = [:]
    private var shortFiles: [UInt64: ListEffect] = [:]
    private var autov3: [Hash32: ListEffect] = [:]
    private var keys: [Hash32: ListEffect] = [:]
    private var nodes: [Hash32: ListEffect] = [:]
    private var domains: [String: ListEffect] = [:]
    private var pictures = PictureIndex()
    private var pictureEffects: [ListEffect] = []
    private var saltedFiles: [[UInt8]: [Hash32: ListEffect]] = [:]
    private var saltedPictures: [[UInt8]: [Hash32: ListEffect]] = [:]
    /// Words that are watched, in lower case.
    public private(set) var phrases: [(phrase: String, effect: ListEffect)] = []

    public static let none = ListEffects([:]) { _ in [] }

    /// - Parameter salt: of a list.
    public init(_ effects: [ListSubject: ListEffect], salt: (ListID) -> [UInt8]) {
        all = effects
        for (subject, effect) in effects {
            switch subject {
            case .exact(let subject): exact[subject] = effect
            case .picture(let hash, let distance):
                pictures.add(hash, distance: distance)
                pictureEffects.append(effect)
            case .key(let key): keys[key] = effect
            case .node(let node): nodes[node] = effect
            case .domain(let name): domains[name] = effect
            case .phrase(let words): phrases.append((words.lowercased(), effect))
            case .autov2(let prefix): shortFiles[prefix] = effect
            case .autov3(let hash): autov3[hash] = effect
            case .saltedFile(let hash): saltedFiles[salt(effect.source), default: [:]][hash] = effect
            case .saltedPicture(let hash): saltedPictures[salt(effect.source), default: [:]][hash] = effect
            case .author: break
            }
        }
        pictures.finish()
        phrases.sort { $0.phrase < $1.phrase }
    }

    /// What acts on a file, tensors or a post.
    public func effect(on subject: ModerationSubject) -> ListEffect? {
        if let effect = exact[subject] { return effect }
        guard case .blob(let hash) = subject else { return nil }
        if !shortFiles.isEmpty, let effect = shortFiles[hash.words.0 >> 24] { return effect }
        for (salt, files) in saltedFiles {
            if let effect = files[ListSubject.salted(hash, with: salt)] { return effect }
        }
        return nil
    }

    public func effect(onAutoV3 hash: Hash32) -> ListEffect? { autov3[hash] }

    public func effect(onKey key: Hash32) -> ListEffect? { keys[key] }

    public func effect(onNode node: Hash32) -> ListEffect? { nodes[node] }

    /// What acts on a host: its own name, or a domain that it is in.
    public func effect(onHost host: String) -> ListEffect? {
        guard !domains.isEmpty else { return nil }
        var name = host.lowercased()[...]
        while true {
            if let effect = domains[String(name)] { return effect }
            guard let dot = name.firstIndex(of: ".") else { return nil }
            name = name[name.index(after: dot)...]
        }
    }

    /// What acts on pictures that look like this one, turned and mirrored forms included.
    public func effect(onPicture picture: PDQ) -> ListEffect? {
        guard picture.quality >= Blocks.leastQuality else { return nil }
        for (salt, hashes) in saltedPictures {
            for form in picture.dihedral {
                if let effect = hashes[ListSubject.salted(form.words, with: salt)] { return effect }
            }
        }
        return pictures.nearest(to: picture).map { pictureEffects[$0] }
    }

    /// Whether pictures have to be compared at all.
    public var comparesPictures: Bool { !pictureEffects.isEmpty || !saltedPictures.isEmpty }

    /// Whether files that are here have to be looked through, because a name is not the file's own.
    public var hasIndirectFiles: Bool { !shortFiles.isEmpty || !saltedFiles.isEmpty }
}
