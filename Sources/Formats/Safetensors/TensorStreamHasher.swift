public import Digests

/// What one pass over a safetensors file's tensors yields.
public struct TensorHashes: Hashable, Sendable {
    /// SHA-256 of each tensor's bytes, in the order of `SafetensorsHeader.tensors`.
    public let tensors: [Hash32]
    /// `TensorDigest` of all of them.
    public let digest: Hash32
    /// SHA-256 of everything after the header. Its first 12 hexadecimal digits are the field's AutoV3.
    public let autoV3: Hash32

    /// The AutoV3 text: 12 lower-case hexadecimal digits.
    public var autoV3Text: String { String(autoV3.hex.prefix(12)) }
}

/// Hashes the tensors of a safetensors file in one pass over its bytes.
///
/// Feed it all bytes from `SafetensorsHeader.dataStart` on, in order, in pieces of any size. Every byte goes through
/// SHA-256 twice (its tensor, and the whole), so the work belongs on a thread that may block. A value belongs to one
/// thread at a time.
public final class TensorStreamHasher {
    private let header: SafetensorsHeader
    private var whole = SHA256Stream()
    private var current = SHA256Stream()
    private var hashes: [Hash32] = []
    /// Offset of the next byte in the file.
    private var offset: UInt64

    public init(_ header: SafetensorsHeader) {
        self.header = header
        offset = header.dataStart
        hashes.reserveCapacity(header.tensors.count)
        closeFinished()
    }

    /// Takes the next bytes. Throws when there are more than the header has tensors for.
    public func update(_ buffer: UnsafeRawBufferPointer) throws(SafetensorsError) {
        guard UInt64(buffer.count) <= header.fileSize - offset else {
            throw .streamLength(
                received: offset - header.dataStart + UInt64(buffer.count),
                expected: header.fileSize - header.dataStart)
        }
        var rest = buffer[...]
        while !rest.isEmpty {
            // The header covers the file without gaps, so there is a current tensor while bytes are left.
            let left = header.tensors[hashes.count].bytes.upperBound - offset
            let piece = rest.prefix(Int(min(left, UInt64(rest.count))))
            SHA256Stream.update(&whole, &current, UnsafeRawBufferPointer(rebasing: piece))
            offset += UInt64(piece.count)
            rest = rest.dropFirst(piece.count)
            closeFinished()
        }
    }

    /// Takes the next bytes.
    public func update(_ bytes: [UInt8]) throws(SafetensorsError) {
        var failure: SafetensorsError?
        bytes.withUnsafeBytes { buffer in
            do throws(SafetensorsError) { try update(buffer) } catch { failure = error }
        }
        if let failure { throw failure }
    }

    /// The hashes, when every byte was seen. Call it once.
    public func finalize() throws(SafetensorsError) -> TensorHashes {
        guard offset == header.fileSize else {
            throw .streamLength(received: offset - header.dataStart, expected: header.fileSize - header.dataStart)
        }
        return TensorHashes(
            tensors: hashes, digest: TensorDigest.compute(header.tensors, hashes: hashes), autoV3: whole.digest())
    }

    /// Closes every tensor that ends here: the current one, and empty ones after it.
    private func closeFinished() {
        while hashes.count < header.tensors.count, header.tensors[hashes.count].bytes.upperBound == offset {
            hashes.append(current.digest())
            current = SHA256Stream()
        }
    }
}
