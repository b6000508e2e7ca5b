import Digests
import Testing

@testable import Identity

@Suite("Sealed boxes")
struct SealedBoxTests {
    @Test("what is sealed for a device opens with its key alone, unchanged alone, and says nothing of who sealed it")
    func sealing() throws {
        let key = try #require(SigningKey(seed: [UInt8](repeating: 1, count: 32)))
        let other = try #require(SigningKey(seed: [UInt8](repeating: 2, count: 32)))
        let report = Array("a report".utf8)
        let box = try #require(SealedBox.seal(report, for: key.publicKey))
        #expect(key.openSealed(box) == report)
        #expect(SealedBox.seal(report, for: key.publicKey) != box)
        #expect(other.openSealed(box) == nil)
        for place in box.indices {
            var changed = box
            changed[place] ^= 1
            #expect(key.openSealed(changed) == nil)
        }
        for length in 0..<box.count { #expect(key.openSealed(Array(box[..<length])) == nil) }
        #expect(SealedBox.seal([], for: key.publicKey).flatMap(key.openSealed) == [])
        #expect(SealedBox.seal(report, for: .zero) == nil)
    }
}
