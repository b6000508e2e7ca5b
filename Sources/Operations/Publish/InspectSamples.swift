import Accounts
import Digests
import Formats
import FoundationEssentials
import Identity
import SystemPackage
import WaggleProtocol

/// What tells a file that is about to be published in recipes of pictures.
public struct HashNames: Codable, Sendable, Hashable {
    /// In hexadecimal.
    public let sha256: String
    /// Of the tensors alone; nil for what is no safetensors file.
    public let autov3: String?

    public init(sha256: String, autov3: String?) {
        self.sha256 = sha256
        self.autov3 = autov3
    }
}

/// Reads a file once for its names. Nothing of it is stored.
public struct NameFile: Operation {
    public static let name = "publish names"
    /// Absolute.
    public var path: String

    public init(path: String) {
        self.path = path
    }

    public func run(in context: OperationContext) async throws(OperationError) -> HashNames {
        let print = try await FilePrint.of(FilePath(path), progress: context.progress)
        return HashNames(sha256: print.sha256.hex, autov3: print.tensors?.autoV3.hex)
    }
}

/// Whether samples were made with the files that are about to be published, from what the pictures themselves say.
public struct InspectSamples: Operation {
    public static let name = "publish samples"
    public var account: String
    /// Of the files to be published.
    public var files: [HashNames]
    /// Absolute paths of the pictures.
    public var samples: [String]

    public init(account: String, files: [HashNames], samples: [String]) {
        self.account = account
        self.files = files
        self.samples = samples
    }

    public struct Sample: Codable, Sendable {
        public let name: String
        /// Pixels.
        public let width: UInt32
        public let height: UInt32
        /// Empty for a picture that tells no recipe.
        public let prompt: String
        public let resources: [Resource]
        /// The beginning of a path of the machine it was made on, which it tells to everybody; nil for none.
        public let leak: String?

        /// Names the file that is being published by its full hash.
        public var isMadeWithFile: Bool { resources.contains { $0.match == .file } }
    }

    public struct Resource: Codable, Sendable {
        public enum Match: String, Codable, Sendable {
            /// The file that is being published.
            case file
            /// Another file that is known here.
            case known
            /// A hash that nothing here has.
            case unknown
        }

        public let kind: String
        public let name: String
        public let match: Match
    }

    public func run(in context: OperationContext) async throws(OperationError) -> [Sample] {
        let signer = try context.keyring.account(account)
        let own = files.compactMap { names -> WireFile? in
            guard let sha256 = Hash32(hex: names.sha256) else { return nil }
            var file = WireFile()
            file.sha256 = sha256.data
            if let autov3 = names.autov3.flatMap({ Hash32(hex: $0) }) { file.autov3 = autov3.data }
            return file
        }
        let resolver = RecipeResolver(context, author: signer.author, own: own)
        let hashes = Set(own.map(\.sha256))
        var reports: [Sample] = []
        for path in samples {
            let file = try await SampleFile.read(FilePath(path), for: context)
            let recipe = try await file.recipe(resolver)
            reports.append(
                Sample(
                    name: FilePath(path).lastComponent?.string ?? "", width: file.width, height: file.height,
                    prompt: recipe.prompt,
                    resources: recipe.resources.map { resource in
                        Resource(
                            kind: resource.kind, name: resource.name,
                            match: hashes.contains(resource.sha256)
                                ? .file : resource.sha256.isEmpty ? .unknown : .known)
                    }, leak: file.leak?.path))
        }
        return reports
    }
}
