public import Digests

/// A file that a job is drawn with, by its full hash.
public struct ModelFile: Codable, Hashable, Sendable {
    public enum Role: String, Codable, Hashable, Sendable {
        case checkpoint, lora, vae, embedding
    }

    public var role: Role
    /// As prompts and pictures call it.
    public var name: String
    public var sha256: String
    /// Bytes.
    public var size: UInt64
    /// SHA-256 after the safetensors header, in hexadecimal, where it is known: what A1111 and its kin call a LoRA by.
    public var autoV3: String?
    /// Of LoRAs.
    public var weight: Double?
    /// The release that has it, in hexadecimal.
    public var release: String?

    public init(
        role: Role, name: String, sha256: Hash32, size: UInt64, autoV3: String? = nil, weight: Double? = nil,
        release: String? = nil
    ) {
        self.role = role
        self.name = name
        self.sha256 = sha256.hex
        self.size = size
        self.autoV3 = autoV3
        self.weight = weight
        self.release = release
    }

    public var hash: Hash32? { Hash32(hex: sha256) }
}

/// All files of a job.
public struct ModelSet: Codable, Hashable, Sendable {
    public var checkpoint: ModelFile
    public var vae: ModelFile?
    public var loras: [ModelFile]
    public var embeddings: [ModelFile]

    public init(
        checkpoint: ModelFile, vae: ModelFile? = nil, loras: [ModelFile] = [], embeddings: [ModelFile] = []
    ) {
        self.checkpoint = checkpoint
        self.vae = vae
        self.loras = loras
        self.embeddings = embeddings
    }

    public var files: [ModelFile] { [checkpoint] + [vae].compactMap { $0 } + loras + embeddings }

    /// What a person calls the set: none of its files is to blame alone.
    public var names: String { files.map(\.name).joined(separator: " with ") }

    /// Bytes of all files.
    public var bytes: UInt64 { files.reduce(0) { $0 &+ $1.size } }

    /// The same for the same files, whatever their strength: what is put aside when engines die under it.
    public var key: String { files.map(\.sha256).sorted().joined(separator: "+") }

    /// The same where an engine that has loaded these can draw the job: LoRAs are applied while it draws.
    public var warmKey: String { checkpoint.sha256 + (vae.map { "+" + $0.sha256 } ?? "") }
}
