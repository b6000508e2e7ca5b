import Formats
import WaggleProtocol

/// Looks a model file through before any engine sees it: engines hang on files that are cut short, abort on LoRAs whose
/// halves do not fit, and draw black with numbers that are none.
public struct FileCheck: Sendable {
    /// Bytes of a file.
    public typealias Read = @Sendable (Range<UInt64>) async throws -> [UInt8]

    private let name: String
    private let size: UInt64
    private let read: Read

    public init(name: String, size: UInt64, read: @escaping Read) {
        self.name = name
        self.size = size
        self.read = read
    }

    /// - Parameter role: what it is to be used as. The numbers of a LoRA are all looked at; those of a checkpoint are too
    ///   many, and harm nobody: the picture is flat then.
    /// - Throws: `unsafeFile`.
    public func run(as role: ModelFile.Role) async throws(GenerationError) {
        let header = try await header()
        guard !header.tensors.isEmpty else { throw unsafe("it has no tensors") }
        let survey = TensorSurvey(header.tensors)
        switch role {
        case .checkpoint, .vae, .embedding:
            guard survey.adapter == nil || role == .embedding else {
                throw unsafe("it is a LoRA, not a model; name it in the prompt: <lora:\(name):1>")
            }
        case .lora:
            guard let adapter = survey.adapter else { throw unsafe("it is no LoRA") }
            guard adapter.problemCount == 0 else {
                throw unsafe("its parts do not fit together (\(adapter.problemCount) modules)")
            }
            for tensor in header.tensors { try await scan(tensor) }
        }
    }

    /// The base family that the tensors show; nil when they do not.
    public func baseModel() async throws(GenerationError) -> String? {
        TensorSurvey(try await header().tensors).baseModel
    }

    private func header() async throws(GenerationError) -> SafetensorsHeader {
        guard size >= 8 else { throw unsafe("it is empty") }
        let first = try await bytes(0..<min(size, 4096))
        switch ModelFormat.sniff(prefix: first, fileSize: size) {
        case .safetensors: break
        case .torchArchive, .pickle:
            throw unsafe("it is a pickle, which is a program; a safetensors file of the same model is safe")
        default:
            // A broken safetensors file is told what is broken.
            break
        }
        do {
            let length = try SafetensorsHeader.length(first8: first.prefix(8), fileSize: size)
            return try SafetensorsHeader(json: try await bytes(8..<8 + UInt64(length)), fileSize: size)
        } catch let error as SafetensorsError {
            throw unsafe("\(error)")
        } catch let error as GenerationError {
            throw error
        } catch {
            throw unsafe("\(error)")
        }
    }

    /// Refuses numbers that are none.
    private func scan(_ tensor: SafetensorsTensor) async throws(GenerationError) {
        let step = UInt64(Limits.Generation.scanBytes)
        var offset = tensor.bytes.lowerBound
        while offset < tensor.bytes.upperBound {
            let end = min(offset + step, tensor.bytes.upperBound)
            let block = try await bytes(offset..<end)
            guard Self.isFinite(block, tensor.dtype) else {
                throw unsafe("\(tensor.name.prefix(120)) has numbers that are none (NaN or infinite)")
            }
            offset = end
        }
    }

    /// By the exponent alone: all ones is infinite or no number.
    static func isFinite(_ block: [UInt8], _ type: SafetensorsDType) -> Bool {
        block.withUnsafeBytes { bytes in
            switch type {
            case .f16: !Self.has(bytes, UInt16.self, 0x7c00)
            case .bf16: !Self.has(bytes, UInt16.self, 0x7f80)
            case .f32: !Self.has(bytes, UInt32.self, 0x7f80_0000)
            case .f64: !Self.has(bytes, UInt64.self, 0x7ff0_0000_0000_0000)
            default: true
            }
        }
    }

    private static func has<Word: FixedWidthInteger>(
        _ bytes: UnsafeRawBufferPointer, _ type: Word.Type, _ mask: Word
    ) -> Bool {
        for offset in stride(from: 0, to: bytes.count - MemoryLayout<Word>.size + 1, by: MemoryLayout<Word>.size)
        where Word(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Word.self)) & mask == mask {
            return true
        }
        return false
    }

    private func bytes(_ range: Range<UInt64>) async throws(GenerationError) -> [UInt8] {
        let found: [UInt8]
        do {
            found = try await read(range)
        } catch {
            throw .withdrawn(name: name)
        }
        guard found.count == range.count else { throw unsafe("it is shorter than it says") }
        return found
    }

    private func unsafe(_ why: String) -> GenerationError { .unsafeFile(name: name, why: why) }
}
