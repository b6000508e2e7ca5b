import Digests
import Formats

/// Perceptual hashes, and which of them a picture looks like. A value.
///
/// A few are compared one after another. Many are found by their parts (multi-index hashing: Norouzi, Punjani, Fleet 2012): of
/// 16 parts of 16 bits, two hashes that differ in at most 31 bits have one that differs in at most one bit, so only those are
/// looked at that share such a part: a few hundred of a hundred thousand.
struct PictureIndex: Sendable {
    private var words: [UInt64] = []
    private var distances: [Int] = []
    private var parts: Parts?

    private static let partCount = 16
    /// What the parts promise: one of 16 has at most one of 31 bits.
    private static let farthest = 31
    /// Fewer are as fast without the parts.
    static let many = 1024

    var isEmpty: Bool { distances.isEmpty }

    mutating func add(_ hash: PDQHash, distance: Int) {
        let (a, b, c, d) = hash.words.words
        words += [a, b, c, d]
        distances.append(distance)
        parts = nil
    }

    /// Makes look-ups fast, when everything is in.
    mutating func finish() {
        guard distances.count >= Self.many, distances.allSatisfy({ $0 <= Self.farthest }) else { return }
        parts = Parts(words)
    }

    /// The number of the hash that is nearest within its own distance, all turned and mirrored forms compared; of several the
    /// one of the earliest form that was added first.
    func nearest(to picture: PDQ) -> Int? {
        guard !distances.isEmpty else { return nil }
        var best: (distance: Int, form: Int, index: Int)?
        for (form, hash) in picture.dihedral.enumerated() {
            let (a, b, c, d) = hash.words.words
            words.withUnsafeBufferPointer { words in
                func look(at index: Int) {
                    let at = index * 4
                    let distance =
                        (words[at] ^ a).nonzeroBitCount + (words[at + 1] ^ b).nonzeroBitCount
                        + (words[at + 2] ^ c).nonzeroBitCount + (words[at + 3] ^ d).nonzeroBitCount
                    guard distance <= distances[index] else { return }
                    if let best, (best.distance, best.form, best.index) <= (distance, form, index) { return }
                    best = (distance, form, index)
                }
                if let parts {
                    parts.candidates([a, b, c, d], look)
                } else {
                    for index in distances.indices { look(at: index) }
                }
            }
        }
        return best?.index
    }

    /// Which hashes have which part: numbers in order of their part's value, and where each value begins.
    private struct Parts: Sendable {
        private var starts: [Int32]
        private var numbers: [Int32]
        private let count: Int

        private static let values = 1 << 16

        init(_ words: [UInt64]) {
            count = words.count / 4
            starts = Array(repeating: 0, count: partCount * (Self.values + 1))
            numbers = Array(repeating: 0, count: partCount * count)
            for part in 0..<partCount {
                let base = part * (Self.values + 1)
                for index in 0..<count { starts[base + Self.value(words, index, part) + 1] += 1 }
                for value in 0..<Self.values { starts[base + value + 1] += starts[base + value] }
                var next = Array(starts[base..<base + Self.values])
                for index in 0..<count {
                    let value = Self.value(words, index, part)
                    numbers[part * count + Int(next[value])] = Int32(truncatingIfNeeded: index)
                    next[value] += 1
                }
            }
        }

        private static func value(_ words: [UInt64], _ index: Int, _ part: Int) -> Int {
            Int(words[index * 4 + part / 4] >> UInt64(16 * (part % 4)) & 0xffff)
        }

        /// Hands over every hash that has a part which differs in at most one bit; some more than once.
        func candidates(_ words: [UInt64], _ body: (Int) -> Void) {
            for part in 0..<partCount {
                let value = Self.value(words, 0, part)
                let base = part * (Self.values + 1)
                for bit in 0...16 {
                    let near = bit == 16 ? value : value ^ 1 << bit
                    for at in starts[base + near]..<starts[base + near + 1] {
                        body(Int(numbers[part * count + Int(at)]))
                    }
                }
            }
        }
    }
}
