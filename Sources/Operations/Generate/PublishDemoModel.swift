import BlobStore
import Digests
import FoundationEssentials
public import SystemPackage
import WaggleProtocol

/// `waggle gen demo`: publishes the small model that comes with the program's source, with its two LoRAs and some pictures,
/// like any other release, so that a fresh node can draw at once.
public struct PublishDemoModel: Operation {
    public static let name = "generate demo"
    /// Absolute path of the folder `Examples/demo-model`; nil looks for it around the program.
    public var folder: String?
    /// The account that signs.
    public var account: String

    public init(folder: String? = nil, account: String = "me") {
        self.folder = folder
        self.account = account
    }

    public struct Reply: Codable, Sendable {
        public let releases: [PublishReply]
    }

    /// SHA-256 of the model, expanded, and bytes of it.
    private static let checkpoint = "0d861d5324b41e670ea813280c564155aa64f280a7383a49ef669a8442d911ea"
    private static let bytes: UInt64 = 882_586_886

    /// What is published, of the folder's files.
    struct Shown {
        let slug: String
        let file: String
        let type: String
        let about: String
        /// Files of `pictures/`, without their ending.
        let pictures: [String]
    }

    static let shown = [
        Shown(
            slug: "demo-sdxs", file: "demo-sdxs.safetensors.zst", type: "Checkpoint",
            about: "A very small model that draws cartoons from a few words: circles, stars, bees, houses, in colours.",
            pictures: ["07-a-bee-8", "10-a-white-house-in-a-meadow-11", "23-a-bee-in-a-meadow-101"]),
        Shown(
            slug: "demo-sepia", file: "demo-lora-sepia.safetensors", type: "LORA", about: "Like an old photograph.",
            pictures: ["27-a-bee-in-a-meadow-sepia-101", "26-a-house-at-sunset-sepia-30"]),
        Shown(
            slug: "demo-blueprint", file: "demo-lora-blueprint.safetensors", type: "LORA", about: "Pale lines on blue.",
            pictures: ["30-a-bee-in-a-meadow-blueprint-101", "32-a-honeycomb-blueprint-32"]),
    ]

    /// The folder that comes with the program's source: somewhere above the program.
    public static var standardFolder: FilePath? {
        guard let program = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe") else {
            return nil
        }
        var place = FilePath(program)
        while place.removeLastComponent(), !place.components.isEmpty {
            let folder = place.appending("Examples").appending("demo-model")
            if FileManager.default.fileExists(atPath: folder.appending("demo-sdxs.safetensors.zst").string) {
                return folder
            }
        }
        return nil
    }

    public func run(in context: OperationContext) async throws(OperationError) -> Reply {
        guard let folder = folder.map({ FilePath($0) }) ?? Self.standardFolder else {
            throw OperationError(
                .notFound,
                "the demo model is not beside this program; --folder names the folder Examples/demo-model of its source"
            )
        }
        let place = context.home.engine.appending("demo")
        let model = place.appending("demo-sdxs.safetensors")
        if try await !isThere(model, context) {
            context.progress(Progress(activity: "expanding the demo model", done: 0, total: 0))
            try await Blocking.run { () throws(OperationError) in
                let part = place.appending("demo-sdxs.part")
                do {
                    try FileManager.default.createDirectory(
                        atPath: place.string, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
                    try SparseFile.expand(folder.appending("demo-sdxs.safetensors.zst"), to: part, limit: Self.bytes)
                    // Under its name it is whole, and never changes: an engine may have it open.
                    try? FileManager.default.removeItem(atPath: model.string)
                    try FileManager.default.moveItem(atPath: part.string, toPath: model.string)
                } catch let error as OperationError {
                    throw error
                } catch {
                    throw OperationError(.failed, "\(model) cannot be made: \(error)")
                }
            }
        }
        var replies: [PublishReply] = []
        for shown in Self.shown {
            let file =
                shown.type == "Checkpoint"
                ? PublishRequest.File(path: model.string, sha256: Self.checkpoint)
                : PublishRequest.File(path: folder.appending(shown.file).string)
            replies.append(try await publish(shown, file, folder, context))
        }
        return Reply(releases: replies)
    }

    /// Whether it was expanded before, and is what it should be.
    private func isThere(_ model: FilePath, _ context: OperationContext) async throws(OperationError) -> Bool {
        guard FileManager.default.fileExists(atPath: model.string), let hash = Hash32(hex: Self.checkpoint) else {
            return false
        }
        do {
            return try await context.blobs.presence([hash]) == [.whole]
        } catch {
            throw OperationError(error)
        }
    }

    private func publish(
        _ shown: Shown, _ file: PublishRequest.File, _ folder: FilePath, _ context: OperationContext
    ) async throws(OperationError) -> PublishReply {
        var settings = RecommendedSettings()
        // 20 steps of the usual size give noise.
        (settings.steps, settings.cfgScale, settings.width, settings.height) = (1, 1, 128, 128)
        var licence = LicenceTerms()
        (licence.name, licence.noCredit, licence.derivatives, licence.differentLicence) = ("CC0-1.0", true, true, true)
        licence.commercialUse = ["Image", "RentCivit", "Rent", "Sell"]
        let samples = shown.pictures.map { folder.appending("pictures").appending($0 + ".png").string }
        return try await PublishRelease(
            PublishRequest(
                files: [file], account: account, slug: shown.slug, version: "1.0", type: shown.type, baseModel: "SDXS",
                description: shown.about, tags: ["demo"], samples: samples, realPerson: false,
                inPlace: shown.type == "Checkpoint", settings: settings, licence: licence)
        ).run(in: context)
    }
}
