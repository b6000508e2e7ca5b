import Digests
import Formats
import Testing

@Suite("safetensors writer, hashes and fuzzing")
struct SafetensorsWriterTests {
    private func randomTensors(_ random: inout Seeded) -> [SafetensorsWriter.Tensor] {
        (0..<random.below(6)).map { index in
            let shape = (0..<random.below(4)).map { _ in UInt64(random.below(5)) } + [8]
            return SafetensorsWriter.Tensor(
                "\(random.text(upTo: 5, from: ["a", ".", "\"", "é", "🐝", "\\", "\n"]))\(index)",
                random.pick(SafetensorsDType.allCases), shape)
        }
    }

    @Test("what is written is read back, aligned to 8 bytes", arguments: UInt64(1)...100)
    func roundTrip(seed: UInt64) throws {
        var random = Seeded(seed)
        let tensors = SafetensorsWriter.aligned(randomTensors(&random))
        let metadata = ["k\"\n": "v\u{0}é", "a": ""]
        let output = try SafetensorsWriter.header(tensors: tensors, metadata: metadata)
        #expect(output.bytes.count % 8 == 0)
        let read = try SafetensorsHeader(prefix: output.bytes + [1, 2], fileSize: output.header.fileSize)
        #expect(read == output.header, "seed \(seed)")
        #expect(read.metadata == metadata)
        #expect(Set(read.tensors.map(SafetensorsWriter.Tensor.init)) == Set(tensors), "seed \(seed)")
        for tensor in read.tensors where tensor.dtype.bits >= 8 && tensor.elements > 0 {
            #expect(
                tensor.bytes.lowerBound % (tensor.dtype.bits / 8) == 0, "seed \(seed): \(tensor.name) is not aligned")
        }
    }

    @Test("a tensor that no file can hold is not written")
    func overflow() {
        #expect(throws: SafetensorsError.sizeOverflow(tensor: "a")) {
            try SafetensorsWriter.header(tensors: [.init("a", .u64, [1 << 60])], metadata: [:])
        }
        #expect(throws: SafetensorsError.sizeOverflow(tensor: "15")) {
            try SafetensorsWriter.header(
                tensors: (0..<16).map { .init(String($0), .u8, [1 << 60]) }, metadata: [:])
        }
        #expect(throws: SafetensorsError.partialByte(tensor: "a")) {
            try SafetensorsWriter.header(tensors: [.init("a", .f6E2M3, [3])], metadata: [:])
        }
        #expect(throws: SafetensorsError.duplicateTensor("a")) {
            try SafetensorsWriter.header(tensors: [.init("a", .u8, [1]), .init("a", .u8, [1])], metadata: [:])
        }
    }

    @Test("other metadata leaves digest and AutoV3 as they are", arguments: UInt64(1)...30)
    func newHeader(seed: UInt64) throws {
        var random = Seeded(seed)
        let first = try SafetensorsWriter.header(
            tensors: randomTensors(&random), metadata: ["ss_train_data_dir": "/home/x"])
        let second = try SafetensorsWriter.header(
            tensors: first.header.tensors.map(SafetensorsWriter.Tensor.init), metadata: [:])
        let data = (0..<Int(first.header.fileSize - first.header.dataStart)).map { _ in UInt8(random.below(256)) }
        #expect(try hashes(first.header, data, &random) == hashes(second.header, data, &random), "seed \(seed)")
    }

    /// Hashes fed in pieces of random sizes.
    private func hashes(_ header: SafetensorsHeader, _ data: [UInt8], _ random: inout Seeded) throws -> TensorHashes {
        let hasher = TensorStreamHasher(header)
        var rest = data[...]
        while !rest.isEmpty {
            let piece = rest.prefix(1 + random.below(17))
            try hasher.update(Array(piece))
            rest = rest.dropFirst(piece.count)
        }
        return try hasher.finalize()
    }

    @Test("a stream hasher gives each tensor's hash, the digest and AutoV3 in any pieces", arguments: UInt64(1)...50)
    func streaming(seed: UInt64) throws {
        var random = Seeded(seed)
        let header = try SafetensorsWriter.header(tensors: randomTensors(&random), metadata: [:]).header
        let data = (0..<Int(header.fileSize - header.dataStart)).map { _ in UInt8(random.below(256)) }
        let result = try hashes(header, data, &random)
        let expected = header.tensors.map { tensor in
            SHA256.hash(
                Array(
                    data[
                        Int(
                            tensor.bytes.lowerBound - header.dataStart)..<Int(
                                tensor.bytes.upperBound - header.dataStart)]))
        }
        #expect(result.tensors == expected, "seed \(seed)")
        #expect(result.autoV3 == SHA256.hash(data), "seed \(seed)")
        #expect(result.digest == TensorDigest.compute(header.tensors, hashes: expected), "seed \(seed)")
        #expect(result.autoV3Text == String(SHA256.hash(data).hex.prefix(12)))
    }

    @Test("a stream of the wrong length has no hashes")
    func wrongLength() throws {
        let header = try header([("a", [2])])
        let short = TensorStreamHasher(header)
        try short.update([1, 2, 3])
        #expect(throws: SafetensorsError.streamLength(received: 3, expected: 4)) { try short.finalize() }
        let long = TensorStreamHasher(header)
        try long.update([1, 2, 3])
        #expect(throws: SafetensorsError.streamLength(received: 5, expected: 4)) { try long.update([4, 5]) }
    }

    @Test("the digest is SHA-256 over the documented bytes, sorted by the bytes of the names")
    func digestEncoding() throws {
        // U+FF61 sorts after U+1F41D in UTF-16 but before it in UTF-8.
        let header = try SafetensorsWriter.header(
            tensors: [.init("🐝", .u8, [1, 2]), .init("\u{ff61}", .f16, []), .init("a", .i64, [0])], metadata: ["x": "y"]
        ).header
        let hashes = try hashes(header, [1, 2, 3, 4])
        var bytes = "waggle tensor digest v1\n".bytes + [3, 0, 0, 0, 0, 0, 0, 0]
        bytes +=
            [1, 0, 0, 0] + "a".bytes + [3, 0, 0, 0] + "I64".bytes + [1, 0, 0, 0] + [UInt8](repeating: 0, count: 8)
        bytes += SHA256.hash([UInt8]()).bytes
        bytes += [3, 0, 0, 0] + "\u{ff61}".bytes + [3, 0, 0, 0] + "F16".bytes + [0, 0, 0, 0]
        bytes += SHA256.hash([UInt8]([3, 4])).bytes
        bytes += [4, 0, 0, 0] + "🐝".bytes + [2, 0, 0, 0] + "U8".bytes + [2, 0, 0, 0]
        bytes += [1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0] + SHA256.hash([UInt8]([1, 2])).bytes
        #expect(hashes.digest == SHA256.hash(bytes))
    }

    private func hashes(_ header: SafetensorsHeader, _ data: [UInt8]) throws -> TensorHashes {
        let hasher = TensorStreamHasher(header)
        try hasher.update(data)
        return try hasher.finalize()
    }

    @Test("the digest changes with a name, a type, a shape and a byte, not with the order in the file")
    func digestSensitivity() throws {
        let base = try hashes(header([("a", [1, 2]), ("b", [2])]), [1, 2, 3, 4, 5, 6, 7, 8]).digest
        let others = [
            try hashes(header([("a", [1, 2]), ("c", [2])]), [1, 2, 3, 4, 5, 6, 7, 8]).digest,
            try hashes(header([("a", [2, 1]), ("b", [2])]), [1, 2, 3, 4, 5, 6, 7, 8]).digest,
            try hashes(header([("a", [1, 2]), ("b", [2])]), [1, 2, 3, 4, 5, 6, 7, 9]).digest,
            try hashes(header([("a", [1, 2])]), [1, 2, 3, 4]).digest,
            try hashes(
                SafetensorsWriter.header(
                    tensors: [.init("a", .bf16, [1, 2]), .init("b", .f16, [2])], metadata: [:]
                ).header, [1, 2, 3, 4, 5, 6, 7, 8]
            ).digest,
        ]
        #expect(Set(others + [base]).count == others.count + 1)
        #expect(try hashes(header([("b", [2]), ("a", [1, 2])]), [5, 6, 7, 8, 1, 2, 3, 4]).digest == base)
    }

    @Test("random edits of a header never crash, and what passes is a sound file", arguments: UInt64(1)...40)
    func fuzz(seed: UInt64) throws {
        var random = Seeded(seed)
        let output = try SafetensorsWriter.header(tensors: randomTensors(&random), metadata: ["a": "b"])
        for _ in 0..<300 {
            let bytes = random.mutated(output.bytes)
            let size = random.chance(1, in: 2) ? output.header.fileSize : UInt64(random.below(4000))
            guard let header = try? SafetensorsHeader(prefix: bytes, fileSize: size) else { continue }
            var expected = header.dataStart
            for tensor in header.tensors {
                #expect(tensor.bytes.lowerBound == expected, "seed \(seed)")
                expected = tensor.bytes.upperBound
            }
            #expect(expected == size, "seed \(seed)")
            _ = ModelDraft(header)
            _ = ModelLint.check(header)
        }
    }
}
