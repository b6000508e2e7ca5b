import ArgumentParser
import Foundation
import Operations
import SystemPackage

struct PublishCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "publish", abstract: "Sign and publish a release of a model.",
        discussion: """
            What you leave out is drafted from the file's own header (kohya and ModelSpec metadata, tensor names). The draft
            is shown before it is signed. The same command again changes nothing.

            EXAMPLES
              waggle publish my-lora.safetensors --model @me/my-lora --version 1.0 --type LORA --base "SDXL 1.0" \\
                  --trigger "my style" --sample one.png --sample two.png --real-person no
              waggle publish big.safetensors --model @me/big --version 2 --in-place --yes --json
            """)

    @OptionGroup var node: NodeOptions

    @Argument(help: "Model files; the first is the primary one.", completion: .file())
    var files: [String]

    @Option(help: "@account/slug: who signs, and the model's short name (a-z, 0-9, - _ .).")
    var model: String

    // `--version` alone would print the program's version.
    @Option(name: .customLong("version"), help: "The release's version, as people will read it.")
    var releaseVersion: String

    @Option(help: "Kind of model: LORA, Checkpoint, TextualInversion, VAE, …")
    var type: String?

    @Option(help: "Base model: \"SDXL 1.0\", \"Flux.1 D\", …")
    var base: String?

    @Option(help: "The model's name.")
    var name: String?

    @Option(name: .customLong("description-file"), help: "A Markdown file.", completion: .file())
    var descriptionFile: String?

    @Option(name: .customLong("trigger"), help: "A trigger word; may be repeated.")
    var triggers: [String] = []

    @Option(name: .customLong("tag"), help: "A tag; may be repeated.")
    var tags: [String] = []

    @Option(help: "Content level: PG, PG-13, R, X or XXX. [default: PG]")
    var level: String?

    @Option(name: .customLong("sample"), help: "A sample image; may be repeated.", completion: .file())
    var samples: [String] = []

    @Option(name: .customLong("real-person"), help: "Does the model depict a real person? no or yes.")
    var realPerson: Answer?

    @Option(name: .customLong("changes-file"), help: "What is new, as a Markdown file.", completion: .file())
    var changesFile: String?

    @Option(
        name: .customLong("mirror"),
        help: "URL of a web server that has the file too; {sha256} stands for its hash; may be repeated.")
    var mirrors: [String] = []

    @OptionGroup(title: "LINEAGE") var lineage: LineageOptions
    @OptionGroup(title: "RECOMMENDED SETTINGS") var settings: SettingsOptions
    @OptionGroup(title: "PERMISSIONS") var licence: LicenceOptions

    @Flag(name: .customLong("in-place"), help: "Index the files where they lie instead of copying them.")
    var inPlace = false

    @Flag(help: "Sign without asking.")
    var yes = false

    @Flag(help: "Print the result as JSON.")
    var json = false

    enum Answer: String, ExpressibleByArgument, CaseIterable {
        case no, yes
    }

    func validate() throws {
        if files.isEmpty { throw ValidationError("Name at least one file.") }
    }

    func run() async throws {
        let request = try makeRequest()
        let draft = try await node.run(DraftRelease(request))
        show(draft, request)
        if draft.isRefused { throw OperationError(.usage, "this cannot be published; see the errors above") }
        if !yes {
            guard Terminal.isInteractive else {
                throw OperationError(.usage, "nobody is here to say yes; look at the draft above and add --yes")
            }
            guard Terminal.confirm("Sign and publish this?") else {
                throw OperationError(.failed, "nothing was published")
            }
        }
        let reply = try await node.run(PublishRelease(request))
        if json { return try Terminal.json(reply) }
        Terminal.print(reply.isNew ? "Published" : "Published before; nothing changed")
        Terminal.print("  release  \(reply.release)")
        for file in reply.files {
            Terminal.print("  \(file.sha256)  \(file.name)  (\(ByteSize.text(file.size)))")
        }
        if !reply.url.isEmpty { Terminal.print("  \(reply.url)") }
    }

    private func makeRequest() throws -> PublishRequest {
        let parts = model.split(separator: "/", maxSplits: 1)
        guard model.hasPrefix("@"), parts.count == 2, parts[0].count > 1 else {
            throw OperationError(.usage, "\"\(model)\": write --model @me/NAME")
        }
        return PublishRequest(
            files: files.map { .init(path: Paths.absolute($0).string) }, account: String(parts[0].dropFirst()),
            slug: String(parts[1]), version: releaseVersion, type: type, baseModel: base, name: name,
            description: try descriptionFile.map(Self.read), triggerWords: triggers.isEmpty ? nil : triggers,
            tags: tags.isEmpty ? nil : tags, level: level, samples: samples.map { Paths.absolute($0).string },
            realPerson: realPerson.map { $0 == .yes }, inPlace: inPlace, changes: try changesFile.map(Self.read),
            settings: settings.value, licence: licence.value, lineage: lineage.value, mirrors: mirrors)
    }

    private static func read(_ file: String) throws -> String {
        do {
            return try String(contentsOf: URL(filePath: Paths.absolute(file).string), encoding: .utf8)
        } catch {
            throw OperationError(.notFound, "\(file) cannot be read as text: \(error.localizedDescription)")
        }
    }

    private func show(_ draft: ReleaseDraft, _ request: PublishRequest) {
        Terminal.note("\(model) version \(releaseVersion)")
        for field in draft.fields {
            let value = field.value.count > 100 ? field.value.prefix(100) + "…" : field.value[...]
            let label = (field.name + ":").padding(toLength: 15, withPad: " ", startingAt: 0)
            Terminal.note("  \(label) \(value.replacing("\n", with: " "))  (from \(field.source))")
        }
        Terminal.note(draft.findings)
    }
}

extension Terminal {
    /// What to look at before something is signed.
    static func note(_ findings: [ReleaseDraft.Finding]) {
        for finding in findings {
            let flag = finding.flag.map { " (\($0))" } ?? ""
            note("  \(finding.severity): \(finding.text)\(flag)")
        }
    }
}
