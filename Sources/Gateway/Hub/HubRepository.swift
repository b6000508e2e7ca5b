import Catalog
import Digests
import FoundationEssentials
import Moderation
import WaggleProtocol

/// A model as the Hugging Face Hub shows one: a repository with files and revisions.
///
/// `creator/model` is the repository; its commits are the releases, each named by the first 40 digits of its signed post and
/// by its version; `main` is the newest. The files are the release's, and a model card that this node writes.
struct HubRepository: Sendable {
    let model: ModelView
    /// The release that a revision means; nil while the model has none.
    let release: ReleaseView?
    let files: [HubFile]

    /// "creator/model".
    var name: String { "\(model.author.handle)/\(model.slug)" }

    /// 40 digits, as clients demand.
    var commit: String { Self.commit(release?.post ?? model.post) }

    static func commit(_ post: Hash32) -> String { String(post.hex.prefix(40)) }

    /// Nil when the model has no such revision.
    init?(_ model: ModelView, revision: String) {
        self.model = model
        switch revision {
        case "main", "refs/heads/main":
            release = model.releases.first
        default:
            let wanted = revision.hasPrefix("refs/tags/") ? String(revision.dropFirst(10)) : revision
            guard
                let found = model.releases.first(where: { release in
                    Self.commit(release.post) == wanted || release.body.version.utf8.elementsEqual(wanted.utf8)
                })
            else {
                // A model without a release has the one state that it is in.
                guard model.releases.isEmpty, Self.commit(model.post) == wanted else { return nil }
                release = nil
                break
            }
            release = found
        }
        var files: [HubFile] = []
        for view in release?.files ?? [] {
            guard let hash = Hash32(view.file.sha256) else { continue }
            let file = HubFile(path: BlobAddress.name(of: view).text, size: view.file.size, content: .blob(hash))
            // The first of a name is the one that can be asked for.
            if !files.contains(where: { $0.path == file.path }) { files.append(file) }
        }
        if !files.contains(where: { $0.path == "README.md" }) {
            let card = Array(HubModelCard.text(model, release).utf8)
            files.append(HubFile(path: "README.md", size: UInt64(card.count), content: .card(card)))
        }
        self.files = files
    }

    subscript(path: String) -> HubFile? { files.first { $0.path == path } }
}

/// A file of a repository.
struct HubFile: Sendable {
    enum Content: Sendable {
        /// Large by Git's measure: named by its SHA-256.
        case blob(Hash32)
        /// Written by this node.
        case card([UInt8])
    }

    let path: String
    let size: UInt64
    let content: Content

    /// What Git would name it by: SHA-1 of the content, or of the pointer that stands for a large file.
    var gitID: String {
        switch content {
        case .card(let bytes): Self.gitBlob(bytes)
        case .blob: Self.gitBlob(pointer)
        }
    }

    /// The text that Git keeps in place of a large file (git-lfs, `docs/spec.md`).
    private var pointer: [UInt8] {
        guard case .blob(let hash) = content else { return [] }
        return Array("version https://git-lfs.github.com/spec/v1\noid sha256:\(hash.hex)\nsize \(size)\n".utf8)
    }

    var pointerSize: Int { pointer.count }

    private static func gitBlob(_ bytes: [UInt8]) -> String {
        let object = Array("blob \(bytes.count)\0".utf8) + bytes
        return Hex.encode(object.withUnsafeBytes { SHA1.hash($0) })
    }

    /// With its quotation marks.
    var entityTag: String {
        switch content {
        case .blob(let hash): EntityTag(hash).field
        case .card: "\"\(gitID)\""
        }
    }
}

/// The README that the Hub's tools read: metadata in YAML, then words.
enum HubModelCard {
    static func text(_ model: ModelView, _ release: ReleaseView?) -> String {
        var lines = ["---"]
        if !model.body.licence.name.isEmpty { lines.append("license: \(quoted(licence(model)))") }
        if let base = release?.body.baseModel, !base.isEmpty { lines.append("base_model_name: \(quoted(base))") }
        lines.append("library_name: diffusers")
        lines.append("pipeline_tag: text-to-image")
        lines.append("tags:")
        lines += tags(model).map { "- \(quoted($0))" }
        if let word = release?.body.trainedWords.first { lines.append("instance_prompt: \(quoted(word))") }
        lines += ["---", "", "# \(plain(model.body.name))", ""]
        if !model.body.description_p.isEmpty { lines += [model.body.description_p, ""] }
        if let release {
            lines += ["## Version \(plain(release.body.version))", ""]
            if !release.body.changes.isEmpty { lines += [release.body.changes, ""] }
            if !release.body.trainedWords.isEmpty {
                lines += ["Trigger words: " + release.body.trainedWords.map { "`\($0)`" }.joined(separator: ", "), ""]
            }
            lines += ["| file | SHA-256 |", "|---|---|"]
            for view in release.files {
                lines.append("| \(plain(BlobAddress.name(of: view).text)) | `\(Hex.encode(view.file.sha256))` |")
            }
            lines += ["", "Signed post: `\(release.post.hex)`"]
        }
        return lines.joined(separator: "\n") + "\n"
    }

    static func tags(_ model: ModelView) -> [String] {
        var tags = model.body.tags
        for tag in ["waggle", model.body.type.lowercased()] where !tag.isEmpty && !tags.contains(tag) {
            tags.append(tag)
        }
        return tags
    }

    static func licence(_ model: ModelView) -> String { model.body.licence.name.lowercased() }

    /// A double-quoted scalar of YAML, which JSON's strings are.
    private static func quoted(_ text: String) -> String {
        (try? JSONEncoder().encode(text)).map { String(decoding: $0, as: UTF8.self) } ?? "\"\""
    }

    /// One line that ends nothing.
    private static func plain(_ text: String) -> String {
        text.map { $0.isNewline || $0 == "|" ? " " : String($0) }.joined()
    }
}
